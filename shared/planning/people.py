"""Whose a visit is: what the assignment chain of the domain must know, read once for any number of visits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from shared.db import Connection
from shared.domain.programme import SYSTEM_ROLE, Fact, PlannedVisit
from shared.stores import StaffFacts, StoreContext

_HOLDERS = "SELECT id, holder_id FROM customers WHERE store_id = $1 AND id = ANY($2) AND holder_id IS NOT NULL"
_LOAD = """
    SELECT assignee_id, count(*) AS open FROM visits
    WHERE store_id = $1 AND state IN ('planned', 'due', 'trying') AND assignee_id IS NOT NULL GROUP BY assignee_id
"""
_NEXT_ROLE: Mapping[str, str] = {
    "insurance_specialist": "sales_consultant",
    "renewal_specialist": "insurance_specialist",
    "followup_specialist": "service_advisor",
}


@dataclass(frozen=True)
class Assigned:
    """A person, or None for the pool of the role (or for the system), and why."""

    staff_id: UUID | None
    why: str


class Assigner:
    """Gives visits their people; counts what it has given, so that a large import is spread as well."""

    def __init__(self, store: StoreContext, holders: Mapping[UUID, UUID], load: Mapping[UUID, int]) -> None:
        self._staff = store.staff
        self._holders = holders
        self._load = Counter(load)
        self._in_role: dict[str, list[StaffFacts]] = {}

    @classmethod
    async def load(cls, conn: Connection, store: StoreContext, *, now: datetime, customer_ids: Collection[UUID]) -> Assigner:
        """With the holders of the customers' files and how many open visits everybody has."""
        if not customer_ids:
            return cls(store, {}, {})
        holders = await conn.fetch(_HOLDERS, store.id, list(customer_ids))
        load = await conn.fetch(_LOAD, store.id)
        return cls(store, dict(map(tuple, holders)), dict(map(tuple, load)))

    def assign(self, visit: PlannedVisit, fact: Fact | None) -> Assigned:
        """The person of the trigger → the holder of the file → whoever has least to do in the role → the next role → the pool."""
        if visit.role == SYSTEM_ROLE:
            return Assigned(None, "system")
        found = self._chosen(visit, self._person(visit.role, fact)) or Assigned(None, "pool")
        return self._count(found)

    def keep(self, visit: PlannedVisit, fact: Fact | None, staff_id: UUID | None) -> Assigned:
        """The person who made the promise, while active; else by the chain."""
        person = self._staff.get(staff_id) if staff_id else None
        if person is not None and person.active:
            return self._count(Assigned(person.id, "promise"))
        return self.assign(visit, fact)

    def _chosen(self, visit: PlannedVisit, person: UUID | None) -> Assigned | None:
        role: str | None = visit.role
        while role is not None:
            for staff_id, why in ((person, "trigger"), (self._holders.get(visit.customer_id), "holder")):
                found = self._usable(staff_id, role, visit.due_on, why)
                if found is not None:
                    return found
            if found := self._least_loaded(role, visit.due_on):
                return found
            role = _NEXT_ROLE.get(role)
        return None

    def _person(self, role: str, fact: Fact | None) -> UUID | None:
        """Whoever did the work: of an order its technician (for a technician's call) or advisor; of a sale its consultant."""
        if fact is None:
            return None
        technician = fact.attrs.get("technician_id")
        return UUID(technician) if role == "technician" and technician else fact.person_staff_id

    def _usable(self, staff_id: UUID | None, role: str, day: date, why: str) -> Assigned | None:
        """The person when active and in the role; on leave that day, the delegate."""
        person = self._staff.get(staff_id) if staff_id else None
        if person is None or not person.active or role not in person.roles:
            return None
        for start, end, delegate_id in person.absent:
            if start <= day <= end:
                delegate = self._staff.get(delegate_id) if delegate_id else None
                return Assigned(delegate.id, f"{why}_absent_delegate") if delegate and delegate.active else None
        return Assigned(person.id, why)

    def _least_loaded(self, role: str, day: date) -> Assigned | None:
        if role not in self._in_role:
            self._in_role[role] = [person for person in self._staff.values() if person.active and role in person.roles]
        present = [p for p in self._in_role[role] if not _absent(p, day)] or self._in_role[role]
        least = min(present, key=lambda person: (self._load[person.id], person.id), default=None)
        return Assigned(least.id, f"least_loaded:{role}") if least else None

    def _count(self, found: Assigned) -> Assigned:
        if found.staff_id is not None:
            self._load[found.staff_id] += 1
        return found


def _absent(person: StaffFacts, day: date) -> bool:
    return any(start <= day <= end for start, end, _ in person.absent)
