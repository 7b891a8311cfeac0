"""Who is told, and when: warnings at half and four fifths of a clock, one level up at its end, the countersign by closing time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from shared.domain.calendar import StoreCalendar
from shared.domain.complaint.clocks import Clock, ClockPolicy, Name, Pauses, Way, way_of
from shared.domain.complaint.words import LAST_LEVEL, Department, Kind, State

SIGN_OFF = "sign_off"
MANAGER_OF: Mapping[Department, str] = {
    Department.SALES: "sales_manager",
    Department.SERVICE: "service_manager",
    Department.CUSTOMER: "customer_manager",
}
_UPPER = {2: "customer_manager", 3: "general_manager"}
_UNRESPONDED = frozenset({State.OPEN})
_UNHANDLED = frozenset({State.OPEN, State.RESPONDED, State.HANDLING})


@dataclass(frozen=True)
class Standing:
    """What the clocks of a complaint are read from: the round it is in (`since`), the deadlines, what was done, what was told.

    `contact_*`: of a crisis declared after the first response. `warned`: keys of the steps taken in this round.
    """

    kind: Kind
    state: State
    since: datetime
    respond_by: datetime
    handle_by: datetime
    tell_by: datetime | None = None
    responded_at: datetime | None = None
    handled_at: datetime | None = None
    told_at: datetime | None = None
    crisis: bool = False
    contact_from: datetime | None = None
    contact_by: datetime | None = None
    contacted_at: datetime | None = None
    paused_at: datetime | None = None
    pauses: Pauses = ()
    sign_off_by: datetime | None = None
    signed_off_at: datetime | None = None
    warned: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Step:
    """Something the scheduler does once: warn the owner, tell the next level, miss the countersign. `key` is what `warned` keeps."""

    key: str
    what: Literal["warning", "escalation", "sign_off"]
    at: datetime
    clock: Name | None = None
    percent: int = 0


def level_role(level: int, department: Department) -> str | None:
    """Whose a level is: 0 the owner's own; then the department's manager, customer manager, general manager (domain.md §6)."""
    if level <= 0:
        return None
    return MANAGER_OF[department] if level == 1 else _UPPER[min(level, LAST_LEVEL)]


def opening_level(kind: Kind, *, crisis: bool) -> int:
    """Attitude and crisis go straight to the general manager; the rest begins with its owner."""
    return LAST_LEVEL if crisis or kind is Kind.ATTITUDE else 0


def escalated(level: int, department: Department) -> int:
    """One level up; where two levels are one person's role, past both."""
    higher = min(level + 1, LAST_LEVEL)
    return higher + 1 if higher == 2 and level_role(level, department) == level_role(higher, department) else higher


def sign_off_by(opened_at: datetime, calendar: StoreCalendar) -> datetime:
    """Closing time of the day it was opened (S1); of the next open day when the store had closed, or was not open, by then."""
    day = calendar.next_open_day(calendar.day_of(opened_at))
    if calendar.closing(day) <= opened_at:
        day = calendar.next_open_day(day, inclusive=False)
    return calendar.closing(day)


def clocks_of(standing: Standing, policy: ClockPolicy) -> tuple[Clock, ...]:
    """The clocks of the present round, those that are done too. Telling begins with the handling."""
    stopped, pauses = standing.paused_at, standing.pauses
    handled_at = standing.handled_at or standing.told_at
    respond = Way.ALWAYS if standing.crisis else way_of(policy.respond, policy)
    handle = way_of(policy.handling(standing.kind), policy)
    found = [
        Clock(Name.RESPOND, standing.since, standing.respond_by, respond, standing.responded_at),
        Clock(Name.HANDLE, standing.since, standing.handle_by, handle, handled_at, stopped, pauses),
    ]
    if standing.contact_by is not None and standing.contact_from is not None:
        found.insert(1, Clock(Name.CONTACT, standing.contact_from, standing.contact_by, Way.ALWAYS, standing.contacted_at))
    if standing.handled_at is not None and standing.tell_by is not None:
        tell = way_of(policy.tell, policy)
        found.append(Clock(Name.TELL, standing.handled_at, standing.tell_by, tell, standing.told_at, stopped, pauses))
    return tuple(found)


def pending_steps(standing: Standing, policy: ClockPolicy, calendar: StoreCalendar) -> list[Step]:
    """Every step not yet taken that will be when nothing is done before, the earliest first."""
    steps = []
    if standing.state in _UNHANDLED:
        running = (clock for clock in clocks_of(standing, policy) if clock.done_at is None and clock.stopped_at is None)
        steps = [step for clock in running for step in _steps(clock, policy, calendar)]
    if standing.sign_off_by is not None and standing.signed_off_at is None:
        steps.append(Step(SIGN_OFF, "sign_off", standing.sign_off_by))
    return sorted((step for step in steps if step.key not in standing.warned), key=lambda step: (step.at, step.key))


def due_steps(standing: Standing, policy: ClockPolicy, calendar: StoreCalendar, now: datetime) -> list[Step]:
    """The steps whose instant has come. Of a clock that has ended only its end is told: the warnings came too late to warn."""
    due = [step for step in pending_steps(standing, policy, calendar) if step.at <= now]
    ended = {step.clock for step in due if step.what == "escalation"}
    return [step for step in due if step.what != "warning" or step.clock not in ended]


def passed_over(standing: Standing, policy: ClockPolicy, calendar: StoreCalendar, now: datetime) -> list[Step]:
    """The warnings that `due_steps` leaves out: they count as taken."""
    taken = {step.key for step in due_steps(standing, policy, calendar, now)}
    return [step for step in pending_steps(standing, policy, calendar) if step.at <= now and step.key not in taken]


def look_at(standing: Standing, policy: ClockPolicy, calendar: StoreCalendar) -> datetime | None:
    """When the scheduler must look at the complaint again; None: nothing runs."""
    steps = pending_steps(standing, policy, calendar)
    return steps[0].at if steps else None


def _steps(clock: Clock, policy: ClockPolicy, calendar: StoreCalendar) -> list[Step]:
    warnings = [
        Step(f"{clock.name}:{percent}", "warning", clock.share_at(percent, calendar), clock.name, percent)
        for percent in policy.warn_at
    ]
    return [*warnings, Step(f"{clock.name}:100", "escalation", clock.by, clock.name, 100)]
