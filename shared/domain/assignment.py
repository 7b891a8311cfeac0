"""Who does a visit, and in which order a person's worklist stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

ROLE_CHAIN: Mapping[str, str] = {
    "insurance_specialist": "sales_consultant",
    "renewal_specialist": "insurance_specialist",
    "followup_specialist": "service_advisor",
}
"""Where nobody in a role can do it, the role that stands in (decisions.md)."""


@dataclass(frozen=True)
class StaffFacts:
    """A member of staff: roles, whether employed, whether absent on the day of the visit and who then stands in,
    open visits now.
    """

    id: UUID
    roles: frozenset[str]
    active: bool = True
    absent: bool = False
    delegate_id: UUID | None = None
    open_visits: int = 0


@dataclass(frozen=True)
class Passed:
    """Somebody who was considered and passed over: unknown, inactive, not_in_role, absent."""

    staff_id: UUID
    reason: str


@dataclass(frozen=True)
class Assignment:
    """Who does it (None: the pool of the role), in which role, by which rule, and who was passed over before.

    Rules: trigger_person, holder, fewest_open, each also as `…_delegate`; with `role` other than the asked one the
    chain was used;
    pool.
    """

    staff_id: UUID | None
    role: str
    rule: str
    passed: tuple[Passed, ...] = ()


def assign(
    role: str,
    trigger_person_id: UUID | None,
    holder_id: UUID | None,
    staff: Sequence[StaffFacts],
    chain: Mapping[str, str] = ROLE_CHAIN,
) -> Assignment:
    """Choose the assignee of a visit.

    The person of the trigger, then the holder of the file, then who has the fewest open visits in the role; then the
    same in the
    role that stands in, and so on; then the pool of the asked role. Absent people are replaced by their delegate
    when that one is
    there and in the role. Ties go to the smaller id, so that the same facts give the same person.
    """
    passed: list[Passed] = []
    for candidate_role in _roles(role, chain):
        for rule, person_id in (("trigger_person", trigger_person_id), ("holder", holder_id)):
            chosen = _named(person_id, candidate_role, staff, passed) if person_id else None
            if chosen is not None:
                suffix = "" if chosen.id == person_id else "_delegate"
                return Assignment(chosen.id, candidate_role, rule + suffix, tuple(passed))
        free = [person for person in staff if _fault(person, candidate_role) is None]
        if free:
            least = min(free, key=lambda person: (person.open_visits, person.id))
            return Assignment(least.id, candidate_role, "fewest_open", tuple(passed))
    return Assignment(None, role, "pool", tuple(passed))


def _roles(role: str, chain: Mapping[str, str]) -> list[str]:
    roles = [role]
    while (following := chain.get(roles[-1])) is not None and following not in roles:
        roles.append(following)
    return roles


def _named(person_id: UUID, role: str, staff: Sequence[StaffFacts], passed: list[Passed]) -> StaffFacts | None:
    by_id = {person.id: person for person in staff}
    person = by_id.get(person_id)
    fault = "unknown" if person is None else _fault(person, role)
    if fault is None:
        return person
    if Passed(person_id, fault) not in passed:
        passed.append(Passed(person_id, fault))
    if person is None or fault != "absent" or person.delegate_id is None:
        return None
    delegate = by_id.get(person.delegate_id)
    return delegate if delegate is not None and _fault(delegate, role) is None else None


def _fault(person: StaffFacts, role: str) -> str | None:
    if not person.active:
        return "inactive"
    if role not in person.roles:
        return "not_in_role"
    return "absent" if person.absent else None


class Group(StrEnum):
    """The groups of a worklist, in their order."""

    PROMISED = "promised"
    COMPLAINT = "complaint"
    OVERDUE = "overdue"
    DUE_TODAY = "due_today"
    REST = "rest"
    BLOCKED = "blocked"


_RANK: Mapping[Group, int] = {group: rank for rank, group in enumerate(Group)}


@dataclass(frozen=True)
class WorklistFacts:
    """What the order of one call depends on; instants in UTC, `window_end` exclusive."""

    id: UUID
    window_end: datetime
    trigger_at: datetime
    promised_at: datetime | None = None
    crisis: bool = False
    complaint: bool = False
    high_value: bool = False
    blocked: bool = False


def worklist_group(item: WorklistFacts, now: datetime, day_end: datetime) -> Group:
    """The group of a call: blocked; promises of today or before; crisis and complaint calls; past the deadline;
    ending today; the rest.

    `day_end` is the midnight that ends the store's day of `now`.
    """
    tests = (
        (Group.BLOCKED, item.blocked),
        (Group.PROMISED, item.promised_at is not None and item.promised_at < day_end),
        (Group.COMPLAINT, item.crisis or item.complaint),
        (Group.OVERDUE, item.window_end <= now),
        (Group.DUE_TODAY, item.window_end <= day_end),
    )
    return next((group for group, holds in tests if holds), Group.REST)


def worklist_order(item: WorklistFacts, now: datetime, day_end: datetime) -> tuple[int, bool, datetime, bool, datetime, UUID]:
    """The sort key of a call, smallest first: group; crisis before complaint; promise or deadline; high value;
    earliest trigger; id.
    """
    group = worklist_group(item, now, day_end)
    promised = item.promised_at if group is Group.PROMISED and item.promised_at else None
    calm = group is Group.COMPLAINT and not item.crisis
    return (_RANK[group], calm, promised or item.window_end, not item.high_value, item.trigger_at, item.id)
