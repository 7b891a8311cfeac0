"""Word to the staff by e-mail: an escalation, a deadline that passed, the monthly report. Written here, sent by the notifier.

In the caller's transaction, once for each person, kind and `ref`, however often it is said.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from shared.db import Connection
from shared.events import NOTIFY_NOTICES
from shared.ids import new_id
from shared.stores import StoreContext

_INSERT = """
    INSERT INTO staff_notices (store_id, id, staff_id, kind, ref, subject, body, report_name, report_month, state, tries, wake_at,
                               created_at)
    SELECT $1, n.id, n.staff_id, $4, $5, $6, $7, $8, $9, 'queued', 0, $10, $10
    FROM unnest($2::uuid[], $3::uuid[]) AS n(id, staff_id)
    ON CONFLICT (store_id, staff_id, kind, ref) DO NOTHING
"""


async def notify(
    conn: Connection,
    store: StoreContext,
    *,
    roles: Collection[str] = (),
    staff_ids: Collection[UUID] = (),
    kind: str,
    ref: str,
    subject: str,
    body: str,
    now: datetime,
    report: tuple[str, str] | None = None,
) -> int:
    """Tell the active people of these roles, and these people; how many are told that were not told before.

    `ref` names what it is about. `report`: name and month (YYYY-MM) of a frozen report, attached as an Excel file. Who has no
    address is told by nobody: the row says `no_address`.
    """
    wanted = set(staff_ids)
    people = [p.id for p in store.staff.values() if p.active and (p.id in wanted or p.roles.intersection(roles))]
    if not people:
        return 0
    name, month = report or (None, None)
    ids = [new_id() for _ in people]
    done = await conn.execute(_INSERT, store.id, ids, people, kind, ref, subject, body, name, month, now)
    count = int(done.rpartition(" ")[2])
    if count:
        await conn.execute("SELECT pg_notify($1, $2)", NOTIFY_NOTICES, str(store.id))
    return count
