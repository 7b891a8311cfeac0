"""Whose a complaint is, and who stands above: one owner from the first contact to the follow-up (S3), levels that go up."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from shared.db import Connection
from shared.domain.complaint import LAST_LEVEL, Department, level_role
from shared.events import Actor
from shared.stores import StaffFacts, StoreContext

OWNERS = frozenset(
    {
        "service_advisor",
        "sales_consultant",
        "insurance_specialist",
        "renewal_specialist",
        "sales_manager",
        "service_manager",
        "customer_manager",
        "general_manager",
    }
)
"""Who may own a complaint; whoever only heard of it on a follow-up call hands it to one of these."""

_OF_TIER = {"sales": Department.SALES, "club": Department.CUSTOMER, "service": Department.SERVICE}
_VISIT = """
    SELECT v.tier, coalesce(w.advisor_id, s.consultant_id) AS person_id
    FROM visits v
    LEFT JOIN work_orders w ON w.store_id = v.store_id AND w.id = v.trigger_id
    LEFT JOIN sales s ON s.store_id = v.store_id AND s.id = v.trigger_id
    WHERE v.store_id = $1 AND v.id = $2
"""
_ORDER = "SELECT advisor_id FROM work_orders WHERE store_id = $1 AND id = $2"
_LAST_ORDER = """
    SELECT advisor_id FROM work_orders WHERE store_id = $1 AND customer_id = $2 AND advisor_id IS NOT NULL
    ORDER BY closed_at DESC NULLS LAST, id DESC LIMIT 1
"""


async def department_of(conn: Connection, store_id: UUID, visit_id: UUID | None) -> tuple[Department, UUID | None]:
    """The department that a visit is of (without one: service), and who did the work it asked about."""
    row = await conn.fetchrow(_VISIT, store_id, visit_id) if visit_id else None
    if row is None:
        return Department.SERVICE, None
    return _OF_TIER.get(row["tier"], Department.SERVICE), row["person_id"]


async def advisor_of(conn: Connection, store_id: UUID, work_order_id: UUID | None, customer_id: UUID) -> UUID | None:
    """The advisor of the order, else of the customer's last one."""
    found: UUID | None = await conn.fetchval(_ORDER, store_id, work_order_id) if work_order_id else None
    return found or await conn.fetchval(_LAST_ORDER, store_id, customer_id)


def person_at(store: StoreContext, level: int, department: Department, day: date) -> UUID | None:
    """The person of a level who is there on the day, else of the next one up; None: nobody is."""
    for higher in range(max(level, 1), LAST_LEVEL + 1):
        role = level_role(higher, department)
        found = _in_role(store, role, day) if role else None
        if found is not None:
            return found
    return None


def may_own(store: StoreContext, staff_id: UUID | None) -> bool:
    """True for an active person in a role that owns complaints."""
    person = store.staff.get(staff_id) if staff_id else None
    return person is not None and person.active and bool(person.roles & OWNERS)


def choose_owner(
    store: StoreContext, level: int, department: Department, actor: Actor, worker_id: UUID | None, day: date
) -> UUID | None:
    """Who owns a new complaint: of a level above the first its person; else who took it; else who did the work; else the manager."""
    if level == 0 and actor.kind == "staff" and may_own(store, actor.id):
        return actor.id
    if level == 0 and may_own(store, worker_id) and not _away(store.staff.get(worker_id) if worker_id else None, day):
        return worker_id
    return person_at(store, level, department, day)


def _in_role(store: StoreContext, role: str, day: date) -> UUID | None:
    people = sorted((p for p in store.staff.values() if p.active and role in p.roles), key=lambda p: p.id)
    there = next((person.id for person in people if not _away(person, day)), None)
    return there or next((person.id for person in people), None)


def _away(person: StaffFacts | None, day: date) -> bool:
    return person is not None and any(start <= day <= end for start, end, _ in person.absent)
