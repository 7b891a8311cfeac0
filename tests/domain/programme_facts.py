"""Facts, calendars and shipped programmes that the programme tests share."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

from shared.domain.calendar import DayRule, StoreCalendar
from shared.domain.programme import ClosedVisit, Fact, PlannedVisit, Programme, Trigger, plan
from shared.packs import load_pack, pack_text

EVERY_DAY = StoreCalendar("Asia/Shanghai")
NATIONAL_DAY = {
    date(2026, 10, 1) + timedelta(days=n): DayRule(open=False, ranges=None, name="国庆节", source="statutory") for n in range(7)
}
CUSTOMER, VEHICLE, CONSULTANT = UUID(int=1), UUID(int=2), UUID(int=3)
DELIVERED = date(2026, 5, 6)


def local(day: date, clock: str = "09:00") -> datetime:
    """A wall-clock time of the store as an instant."""
    return EVERY_DAY.at(day, time.fromisoformat(clock))


def days_after(day: date, *counts: int) -> list[date]:
    return [day + timedelta(days=count) for count in counts]


def fact(
    on: date = DELIVERED,
    clock: str = "10:00",
    *,
    type: Trigger = Trigger.SALE_DELIVERED,
    id: UUID = UUID(int=9),
    kind: str | None = None,
    insured: bool | None = True,
    plated: bool | None = True,
    first_service: bool = False,
    excluded: bool = False,
    attrs: Mapping[str, str] | None = None,
) -> Fact:
    return Fact(
        type=type,
        id=id,
        on=on,
        at=local(on, clock),
        customer_id=CUSTOMER,
        vehicle_id=VEHICLE,
        person_staff_id=CONSULTANT,
        kind=kind,
        insured=insured,
        plated=plated,
        first_service=first_service,
        excluded=excluded,
        attrs=attrs or {},
    )


def order(on: date, kind: str = "maintenance", clock: str = "15:00", number: int = 9) -> Fact:
    return fact(on, clock, type=Trigger.WORK_ORDER_CLOSED, kind=kind, id=UUID(int=number))


def first_order(on: date, clock: str = "15:00") -> Fact:
    return replace(order(on, clock=clock), first_service=True)


def programme(key: str, policy: str | None = None) -> Programme:
    return load_pack(pack_text(key, policy))


def planned(
    of: Programme, triggered_by: Fact, calendar: StoreCalendar = EVERY_DAY, now: datetime | None = None
) -> dict[str, PlannedVisit]:
    """The visits planned at the instant of the fact (or `now`), by step."""
    visits, _ = plan(of, triggered_by, calendar, now or triggered_by.at, first_import=False)
    return {visit.step: visit for visit in visits}


def closed(step: str, on: date, state: str = "completed", occurrence: int = 1, next_at: datetime | None = None) -> ClosedVisit:
    return ClosedVisit(step, occurrence, state, on, local(on, "11:00"), next_at, UUID(int=77))
