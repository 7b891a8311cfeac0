"""Whose a visit is: what the assignment chain of the domain must know, read once for any number of visits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from shared.db import Connection
from shared.domain.assignment import Assignment, StaffFacts, assign
from shared.domain.programme import SYSTEM_ROLE, Fact, PlannedVisit
from shared.stores import StaffFacts as Person
from shared.stores import StoreContext

_HOLDERS = "SELECT id, holder_id FROM customers WHERE store_id = $1 AND id = ANY($2) AND holder_id IS NOT NULL"
_LOAD = """
    SELECT assignee_id, count(*) AS open FROM visits
    WHERE store_id = $1 AND closed_at IS NULL AND assignee_id IS NOT NULL GROUP BY assignee_id
"""
BY_LOAD, POOL = "fewest_open", "pool"
_NAMED = {
    "technician": "technician_id",
    "insurance_specialist": "insurance_specialist_id",
    "renewal_specialist": "renewal_specialist_id",
}


@dataclass(frozen=True)
class Assigned:
    """A person, or None for the pool of the role (or for the system), and by which rule."""

    staff_id: UUID | None
    why: str


class Assigner:
    """Gives visits their people; counts what it has given, so that a large import is spread as well."""

    def __init__(self, store: StoreContext, holders: Mapping[UUID, UUID], load: Mapping[UUID, int]) -> None:
        self._staff = store.staff
        self._holders = holders
        self._load = Counter(load)
        self._leave = [(person.id, *leave) for person in store.staff.values() for leave in person.absent]
        self._named: dict[tuple[object, ...], Assignment] = {}

    @classmethod
    async def load(cls, conn: Connection, store: StoreContext, *, now: datetime, customer_ids: Collection[UUID]) -> Assigner:
        """With the holders of the customers' files and how many open visits everybody has."""
        if not customer_ids:
            return cls(store, {}, {})
        holders = await conn.fetch(_HOLDERS, store.id, list(customer_ids))
        load = await conn.fetch(_LOAD, store.id)
        return cls(store, {row["id"]: row["holder_id"] for row in holders}, {row["assignee_id"]: row["open"] for row in load})

    def assign(self, visit: PlannedVisit, fact: Fact | None) -> Assigned:
        """The person of the trigger, the holder of the file, whoever has least to do in the role, the next role, or the pool."""
        if visit.role == SYSTEM_ROLE:
            return Assigned(None, "system")
        found = self._chosen(visit.role, _person_of(visit.role, fact), self._holders.get(visit.customer_id), visit.due_on)
        why = found.rule if found.role == visit.role else f"{found.rule}:{found.role}"
        return self._count(Assigned(found.staff_id, why))

    def keep(self, visit: PlannedVisit, fact: Fact | None, staff_id: UUID | None) -> Assigned:
        """The person who made the promise, while active; else by the chain."""
        person = self._staff.get(staff_id) if staff_id else None
        if person is not None and person.active:
            return self._count(Assigned(person.id, "promise"))
        return self.assign(visit, fact)

    def _chosen(self, role: str, person_id: UUID | None, holder_id: UUID | None, day: date) -> Assignment:
        """By the domain's chain. What does not depend on how much anybody has to do is asked once."""
        away = {who: delegate for who, start, end, delegate in self._leave if start <= day <= end}
        key = (role, person_id, holder_id, *sorted(away, key=str))
        known = self._named.get(key)
        if known is not None:
            return known
        people = [self._facts(person, away) for person in self._staff.values()]
        found = assign(role, person_id, holder_id, people)
        if found.rule != BY_LOAD:
            self._named[key] = found
        return found

    def _facts(self, person: Person, away: Mapping[UUID, UUID | None]) -> StaffFacts:
        absent = person.id in away
        return StaffFacts(person.id, person.roles, person.active, absent, away.get(person.id), self._load[person.id])

    def _count(self, found: Assigned) -> Assigned:
        if found.staff_id is not None:
            self._load[found.staff_id] += 1
        return found


def _person_of(role: str, fact: Fact | None) -> UUID | None:
    """Whoever did the work: of an order its technician (for a technician's call) or advisor; of a sale its consultant, for the
    insurance tier whoever holds the file in that role.
    """
    if fact is None:
        return None
    named = fact.attrs.get(_NAMED.get(role, ""))
    return UUID(named) if named else fact.person_staff_id
