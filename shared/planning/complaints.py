"""The facts of complaints, as planning takes them: the result was told, and somebody asks whether the customer is content."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.complaint import Department, level_role
from shared.domain.programme import OWNER_ROLE, Fact, Trigger
from shared.domain.programme.planning import INTERVAL
from shared.stores import StoreContext

A_ROUND = 10
"""Rounds of a complaint are numbered 1, 11, 21 …, so that dates set within a round have numbers of their own."""

_ROLES_BY_RANK = ("service_advisor", "sales_consultant", "insurance_specialist", "renewal_specialist", "followup_specialist")
_COMPLAINTS = """
    SELECT t.id, t.customer_id, t.vehicle_id, t.owner_id, t.department, t.crisis, t.reopened, t.opened_at, t.told_at,
           c.deceased_at IS NOT NULL OR c.merged_into IS NOT NULL AS gone
    FROM complaints t JOIN customers c ON c.store_id = t.store_id AND c.id = t.customer_id
    WHERE t.store_id = $1 AND t.id = ANY($2)
"""


async def facts_of_complaints(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> list[Fact]:
    """One fact for each complaint: its result was told. One whose loop began again gives an excluded fact."""
    return [_told(row, store) for row in await conn.fetch(_COMPLAINTS, store.id, list(ids))]


def _told(row: asyncpg.Record, store: StoreContext) -> Fact:
    at = row["told_at"] or row["opened_at"]
    return Fact(
        type=Trigger.COMPLAINT_TOLD,
        id=row["id"],
        on=store.calendar.day_of(at),
        at=at,
        customer_id=row["customer_id"],
        vehicle_id=row["vehicle_id"],
        person_staff_id=row["owner_id"],
        excluded=row["gone"] or row["told_at"] is None,
        attrs={
            INTERVAL: str(row["reopened"] * A_ROUND + 1),
            OWNER_ROLE: _role(row, store),
            **({"crisis": "yes"} if row["crisis"] else {}),
        },
    )


def _role(row: asyncpg.Record, store: StoreContext) -> str:
    """The role in which the owner follows up: the one he does such work in; without an owner, the department's manager's."""
    person = store.staff.get(row["owner_id"]) if row["owner_id"] else None
    if person is None or not person.roles:
        return level_role(1, Department(row["department"] or Department.SERVICE)) or "service_manager"
    return min(person.roles, key=lambda role: (role not in _ROLES_BY_RANK, role))
