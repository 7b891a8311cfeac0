"""Problems raised on a call that are no complaint: pending at once, the department acts within 24 hours, the customer is told (S4).

Writes, in the caller's transaction and never committing: problems and the task of the department. Never: contacts anybody.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.complaints.people import department_of, person_at
from shared.complaints.rows import policy_of
from shared.complaints.telling import Work, open_task
from shared.db import Connection
from shared.domain.complaint import MANAGER_OF, Department, ends_at, way_of
from shared.events import NOTIFY_COMPLAINTS, NOTIFY_FEED, Actor, feed
from shared.ids import new_id
from shared.stores import StoreContext

_INSERT = """
    INSERT INTO problems (store_id, id, customer_id, vehicle_id, visit_id, attempt_id, type, department, head_id, text, state, opened_at,
                          act_by, created_by, updated_at, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', $11, $12, $13, $11, 1)
"""


async def open_problem(
    conn: Connection,
    store: StoreContext,
    *,
    customer_id: UUID,
    vehicle_id: UUID | None,
    visit_id: UUID | None,
    type: str,
    text: str,
    attempt_id: UUID | None = None,
    department: str | None = None,
    head_id: UUID | None = None,
    now: datetime,
    actor: Actor,
) -> UUID:
    """Write a problem down and give it to the department answerable: the one named, else the one the visit is of. Out: its id."""
    own, _ = await department_of(conn, store.id, visit_id)
    answerable = Department(department) if department else own
    head = head_id or person_at(store, 1, answerable, store.calendar.day_of(now))
    policy, problem_id = policy_of(store), new_id()
    act_by = ends_at(now, policy.problem, way_of(policy.problem, policy), store.calendar)
    created_by = actor.id if actor.kind == "staff" else None
    await conn.execute(
        _INSERT, store.id, problem_id, customer_id, vehicle_id, visit_id, attempt_id, type, str(answerable), head, text, now, act_by,
        created_by,
    )  # fmt: skip
    about = {"id": problem_id, "customer_id": customer_id}
    work = Work("problem_act", MANAGER_OF[answerable], head, act_by, {"type": type, "department": str(answerable)})
    await open_task(conn, store.id, about, work, now=now)
    await conn.execute(
        "SELECT pg_notify($1, $2), pg_notify($3, $4)", NOTIFY_COMPLAINTS, str(store.id), NOTIFY_FEED, feed(store.id, "problem", problem_id)
    )  # fmt: skip
    return problem_id
