"""From a step's window to instants of the store: earliest, due, deadline, with every shift on record."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from shared.domain.calendar import StoreCalendar, add_months
from shared.domain.programme.types import FILE_HOLDER, OWNER_ROLE, Anchor, Fact, PlannedVisit, Programme, Step, Unit, Window

EXPIRED_REASON = "window_closed"


@dataclass(frozen=True)
class Slot:
    """When one visit takes place: the due day, and the instants start ≤ due < end (end exclusive)."""

    due_on: date
    due_at: datetime
    start: datetime
    end: datetime
    shifts: tuple[str, ...] = ()


def anchor_day(anchor: Anchor, fact: Fact) -> date:
    """The store day a window of the fact counts from."""
    return anchored(anchor, fact.on, lambda name: _attr_day(fact, name))


def anchored(anchor: Anchor, on: date, named: Callable[[str], date | None]) -> date:
    """The day an anchor means for something of the day `on` with dates that go by names."""
    day = add_months(named(anchor.from_) or on, anchor.months) + timedelta(days=anchor.days)
    other = named(anchor.or_earlier) if anchor.or_earlier else None
    return day if other is None else min(day, other)


def slot_of(window: Window, anchor: date, fact: Fact, calendar: StoreCalendar, *, any_day: bool = False) -> Slot:
    """The slot of a window counted from the anchor; a window in hours counts from the fact's instant.

    `any_day`: the day itself counts (a birthday), whether the store is open on it or not.
    """
    if window.unit == "hours":
        return _hours_slot(window, fact, calendar)
    earliest, due, deadline = (_shifted(anchor, count, window.unit) for count in (window.earliest, window.due, window.deadline))
    if any_day:
        return Slot(due, calendar.opening(due), calendar.opening(earliest), calendar.end_of_day(deadline))
    return day_slot(earliest, due, deadline, fact, calendar)


def day_slot(earliest: date, due: date, deadline: date, fact: Fact, calendar: StoreCalendar) -> Slot:
    """The slot of three store days.

    A closed due day moves to the previous open day in the window, else to the next; if that lies after the deadline,
    the deadline moves with it. Nothing is before the fact, and nothing is due on its day once the store has closed.
    """
    if earliest == fact.on and fact.at >= calendar.closing(fact.on):
        earliest = fact.on + timedelta(days=1)
        due, deadline = max(due, earliest), max(deadline, earliest)
    fitted, shift = calendar.fit_day(due, earliest, deadline)
    return Slot(
        due_on=fitted,
        due_at=_opening(fitted, fact, calendar),
        start=_opening(min(earliest, fitted), fact, calendar),
        end=calendar.end_of_day(max(deadline, fitted)),
        shifts=(shift,) if shift else (),
    )


def brought_forward(slot: Slot, calendar: StoreCalendar, now: datetime) -> Slot:
    """A slot whose due day has passed while its window is open: due now, or at the next opening."""
    if calendar.day_of(now) <= slot.due_on:
        return slot
    opening = calendar.next_opening(now)
    due_at = opening if opening < slot.end else now
    due_on = calendar.day_of(due_at)
    shift = f"planned_late|{slot.due_on}|{due_on}|"
    return replace(slot, due_on=due_on, due_at=due_at, shifts=(*slot.shifts, shift))


def visit_of(programme: Programme, step: Step, occurrence: int, slot: Slot, fact: Fact, calendar: StoreCalendar) -> PlannedVisit:
    """The planned visit of a step in a slot."""
    return PlannedVisit(
        programme=programme.key,
        step=step.key,
        occurrence=occurrence,
        purposes=step.purposes,
        role=role_of(step, fact),
        channel=step.channel,
        due_on=slot.due_on,
        due_at=slot.due_at,
        window_start=slot.start,
        window_end=slot.end,
        trigger_type=fact.type,
        trigger_id=fact.id,
        trigger_at=fact.at,
        customer_id=fact.customer_id,
        vehicle_id=fact.vehicle_id if programme.scope == "vehicle" else None,
        shifts=slot.shifts,
        target_at=_target(step, fact, calendar),
        message=step.message,
        policy=programme.policy,
        version=programme.version,
    )


def role_of(step: Step, fact: Fact) -> str:
    """Who does the step; the holder of the insurance file is who the fact says, the insurance specialist when it does not.

    The owner of the matter (a complaint) does it in the role the fact names, the service manager's when it names none.
    """
    if step.role == FILE_HOLDER:
        return fact.attrs.get("holder_role", "insurance_specialist")
    return fact.attrs.get(OWNER_ROLE, "service_manager") if step.role == OWNER_ROLE else step.role


def _target(step: Step, fact: Fact, calendar: StoreCalendar) -> datetime | None:
    """24 h run by the calendar and move to the next opening (decisions.md, "Complaints")."""
    if step.target_hours is None:
        return None
    return calendar.next_opening(fact.at + timedelta(hours=step.target_hours))


def _hours_slot(window: Window, fact: Fact, calendar: StoreCalendar) -> Slot:
    start, due_at, end = (fact.at + timedelta(hours=count) for count in (window.earliest, window.due, window.deadline))
    opening = calendar.next_opening(due_at)
    shifts: tuple[str, ...] = ()
    if due_at < opening < end:
        shifts = (f"closed_hours|{calendar.local(due_at):%FT%R}|{calendar.local(opening):%FT%R}|",)
        due_at = opening
    return Slot(calendar.day_of(due_at), due_at, start, end, shifts)


def _opening(day: date, fact: Fact, calendar: StoreCalendar) -> datetime:
    """The opening of the day, but on the fact's own day not before the fact."""
    opening = calendar.opening(day)
    return max(opening, fact.at) if day == fact.on else opening


def _shifted(day: date, count: int, unit: Unit) -> date:
    return add_months(day, count) if unit == "months" else day + timedelta(days=count)


def _attr_day(fact: Fact, name: str) -> date | None:
    text = fact.attrs.get(name)
    return date.fromisoformat(text) if text else None
