"""Making two files of one again: everything that nobody has changed since goes back, the rest is told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg

from services.api import audit
from services.api.customers.queries import CustomerMerged, CustomerNotFound
from services.api.identities import Me
from services.api.merges.actions import DUPLICATE, ids_of, promise, ring
from services.api.merges.ledger import Ledger, restore_fields
from services.api.merges.schemas import NotRestored
from services.api.merges.tables import OF_CAR, OF_CUSTOMER, moving_back
from services.api.merges.triggers import set_triggers
from shared.db import Connection
from shared.errors import Conflict, NotFound
from shared.planning import refresh_maintenance
from shared.planning.reopen import reopen
from shared.progress import progress
from shared.stores import StoreContext

CHANGED, TAKEN, LATE = "changed_since", "taken", "closed_or_out_of_window"
_FIND = """
    SELECT * FROM customer_merges WHERE store_id = $1 AND kept_id = $2 AND ($3::uuid IS NULL OR id = $3)
    ORDER BY undone_at NULLS FIRST, at DESC, id DESC LIMIT 1 FOR UPDATE
"""
_LOCK = "SELECT id, merged_into, external_code FROM customers WHERE store_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR UPDATE"
_OUT = (
    "UPDATE customers SET merged_into = NULL, external_code = coalesce($3, external_code), updated_at = $4, version = version + 1"
)
_NO_CODE = "UPDATE customers SET external_code = NULL WHERE store_id = $1 AND id = $2 AND external_code = $3 RETURNING id"
_CHAIN = "UPDATE customers SET merged_into = $3 WHERE store_id = $1 AND merged_into = $2 AND id = ANY($4::uuid[])"
_REVIVE = """
    UPDATE vehicles v SET ended_at = NULL, end_reason = NULL, updated_at = $3, version = v.version + 1
    WHERE v.store_id = $1 AND v.id = $2 AND v.end_reason = 'merged' AND NOT EXISTS (
        SELECT FROM vehicles o WHERE o.store_id = v.store_id AND o.vin = v.vin AND o.ended_at IS NULL AND o.id <> v.id)
    RETURNING v.id
"""
_UNWRONG = "UPDATE contact_points SET wrong_at = NULL, wrong_reason = NULL WHERE store_id = $1 AND id = ANY($2::uuid[])"
_RANKS = """
    UPDATE contact_points p SET rank = r.rank FROM unnest($3::uuid[], $4::int[]) AS r(id, rank)
    WHERE p.store_id = $1 AND p.id = r.id AND p.customer_id = $2
"""
_ADDED = """
    UPDATE consents SET customer_id = $3, withdrawn_at = coalesce(withdrawn_at, $4), withdrawn_by = coalesce(withdrawn_by, $5)
    WHERE store_id = $1 AND id = ANY($2::uuid[])
"""
_ASIDE = """
    UPDATE consents t SET customer_id = $3 WHERE t.store_id = $1 AND t.id = ANY($2::uuid[]) AND NOT EXISTS (
        SELECT FROM consents k WHERE k.store_id = $1 AND k.customer_id = $3 AND k.purpose = t.purpose AND k.channel = t.channel
        AND k.withdrawn_at IS NULL)
    RETURNING t.id
"""
_PROMISES = "SELECT id, promised_at, closed_at FROM visits WHERE store_id = $1 AND id = ANY($2::uuid[]) FOR UPDATE"
_DONE = "UPDATE customer_merges SET undone_at = $3, undone_by = $4 WHERE store_id = $1 AND id = $2 RETURNING *"


class MergeNotFound(NotFound):
    """No file was merged into this one."""

    code = "merge_not_found"
    zh = "没有并入该档案的合并记录。"


class AlreadyUndone(Conflict):
    """This merge has been undone already."""

    code = "already_undone"
    zh = "该合并已经撤销。"


async def undo_merge(
    conn: Connection, store: StoreContext, me: Me, kept_id: UUID, merge_id: UUID | None, *, now: datetime
) -> tuple[asyncpg.Record, list[NotRestored]]:
    """Undo a merge into this file; out: the merge, and what is not as it was before.

    Raises CustomerNotFound, MergeNotFound, AlreadyUndone, CustomerMerged when the file itself was merged since: undo that first.
    """
    row = await _standing(conn, store.id, kept_id, await conn.fetchrow(_FIND, store.id, kept_id, merge_id))
    merged_id, ledger = row["merged_id"], Ledger.read(row["moved"])
    missed = await _triggers(conn, store.id, ledger)
    missed += await _rows(conn, store.id, kept_id, merged_id, ledger)
    missed += await _cars(conn, store, ledger, now)
    missed += await _file(conn, store.id, me, kept_id, merged_id, ledger, now)
    missed += await _visits(conn, store, me, ledger, now)
    done = (await conn.fetch(_DONE, store.id, row["id"], now, me.staff_id))[0]
    for customer_id in (kept_id, merged_id):
        detail = {"kept_id": kept_id, "merged_id": merged_id, "not_restored": len(missed)}
        await audit.note(conn, me, "customer.unmerged", "customer", customer_id, now=now, detail=detail)
    await ring(conn, store.id, kept_id, merged_id)
    return done, missed


async def _standing(conn: Connection, store_id: UUID, kept_id: UUID, row: asyncpg.Record | None) -> asyncpg.Record:
    """Both files are locked, and the merge can be undone."""
    both = [kept_id, row["merged_id"]] if row else [kept_id]
    files = {file["id"]: file for file in await conn.fetch(_LOCK, store_id, both)}
    if kept_id not in files:
        raise CustomerNotFound
    if row is None:
        raise MergeNotFound
    if row["undone_at"] is not None:
        raise AlreadyUndone
    if files[kept_id]["merged_into"] is not None:
        raise CustomerMerged(files[kept_id]["merged_into"])
    return row


async def _triggers(conn: Connection, store_id: UUID, ledger: Ledger) -> list[NotRestored]:
    targets = {UUID(visit_id): UUID(before) for visit_id, (before, _) in ledger.triggers.items()}
    taken = await set_triggers(conn, store_id, targets)
    return [NotRestored(kind="visits", id=visit_id, field="trigger", reason=TAKEN) for visit_id in sorted(taken)]


async def _rows(conn: Connection, store_id: UUID, kept_id: UUID, merged_id: UUID, ledger: Ledger) -> list[NotRestored]:
    missed = []
    for table in (table for table in OF_CUSTOMER if table in ledger.rows):
        missed += await _back(conn, store_id, table, "customer_id", kept_id, merged_id, ledger.rows[table])
    for gone, tables in ledger.car_rows.items():
        stays = UUID(ledger.cars[gone]["stays"])
        for table in (table for table in OF_CAR if table in tables):
            missed += await _back(conn, store_id, table, "vehicle_id", stays, UUID(gone), tables[table])
    await conn.execute(_UNWRONG, store_id, ids_of(ledger.wrong))
    await conn.execute(_RANKS, store_id, merged_id, ids_of(ledger.ranks), list(ledger.ranks.values()))
    return missed


async def _back(
    conn: Connection, store_id: UUID, table: str, owner: str, now_of: UUID, was_of: UUID, texts: list[str]
) -> list[NotRestored]:
    wanted = ids_of(texts)
    back = {row["id"] for row in await conn.fetch(moving_back(table, owner), store_id, now_of, was_of, wanted)}
    return [NotRestored(kind=table, id=row_id, reason=CHANGED) for row_id in wanted if row_id not in back]


async def _cars(conn: Connection, store: StoreContext, ledger: Ledger, now: datetime) -> list[NotRestored]:
    missed = []
    for gone, car in ledger.cars.items():
        stays = UUID(car["stays"])
        overtaken = await restore_fields(conn, "vehicles", store.id, stays, car, now)
        missed += [NotRestored(kind="vehicles", id=stays, field=name, reason=CHANGED) for name in overtaken]
        if await conn.fetchval(_REVIVE, store.id, UUID(gone), now) is None:
            missed.append(NotRestored(kind="vehicles", id=UUID(gone), reason=TAKEN))
    cars = [*ids_of(ledger.cars), *(UUID(car["stays"]) for car in ledger.cars.values())]
    await refresh_maintenance(conn, store, cars, store.calendar.day_of(now))
    return missed


async def _file(
    conn: Connection, store_id: UUID, me: Me, kept_id: UUID, merged_id: UUID, ledger: Ledger, now: datetime
) -> list[NotRestored]:
    overtaken = await restore_fields(conn, "customers", store_id, kept_id, ledger.fields, now)
    missed = [NotRestored(kind="customers", id=kept_id, field=name, reason=CHANGED) for name in overtaken]
    code = ledger.code
    if code is not None and await conn.fetchval(_NO_CODE, store_id, kept_id, code) is None:
        missed.append(NotRestored(kind="customers", id=kept_id, field="external_code", reason=CHANGED))
        code = None
    await conn.execute(f"{_OUT} WHERE store_id = $1 AND id = $2", store_id, merged_id, code, now)
    await conn.execute(_CHAIN, store_id, kept_id, merged_id, ids_of(ledger.chain))
    await conn.execute(_ADDED, store_id, ids_of(ledger.added), merged_id, now, me.staff_id)
    aside = ids_of(ledger.aside)
    back = {row["id"] for row in await conn.fetch(_ASIDE, store_id, aside, kept_id)}
    return missed + [NotRestored(kind="consents", id=one, reason=CHANGED) for one in aside if one not in back]


async def _visits(conn: Connection, store: StoreContext, me: Me, ledger: Ledger, now: datetime) -> list[NotRestored]:
    """Promises go back to whom they were made, unless they were kept or changed; what was cancelled for its like is open again."""
    missed: list[NotRestored] = []
    asked: set[UUID] = set()
    for row in await conn.fetch(_PROMISES, store.id, ids_of(ledger.promises)):
        before, after = (datetime.fromisoformat(text) if text else None for text in ledger.promises[str(row["id"])])
        if row["closed_at"] is None and row["promised_at"] == after:
            await promise(conn, store.id, me, row["id"], before, now)
            asked.add(row["id"])
        else:
            missed.append(NotRestored(kind="visits", id=row["id"], field="promised_at", reason=CHANGED))
    cancelled = ids_of(ledger.cancelled)
    back = await reopen(conn, store, cancelled, was=DUPLICATE, reason="unmerged", now=now, actor=me.actor)
    missed += [NotRestored(kind="visits", id=one, reason=LATE) for one in cancelled if one not in back]
    await progress(conn, store, sorted(asked | set(back)), now=now, actor=me.actor)
    return missed
