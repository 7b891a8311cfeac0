"""Making two files one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api import audit
from services.api.identities import Me
from services.api.merges.ledger import Ledger, apply_fields
from services.api.merges.plan import MergePlan, read_plan
from services.api.merges.tables import OF_CAR, OF_CUSTOMER, moving
from services.api.merges.triggers import likes, plan_triggers, set_triggers
from shared.db import Connection
from shared.domain.merge import CAR_FILLED
from shared.events import NOTIFY_DUE, NOTIFY_FEED, feed
from shared.ids import new_id
from shared.planning import refresh_maintenance
from shared.planning.replan import cancel_visits
from shared.progress import progress
from shared.stores import StoreContext

DUPLICATE = "merged_duplicate"
# Rows of a car that stays behind stay with it.
_WITH_CAR: Mapping[str, str] = {"vehicles": "t.id", "sales": "t.vehicle_id", "insurance_policies": "t.vehicle_id"}
_END_CAR = """
    UPDATE vehicles SET ended_at = $3, end_reason = 'merged', updated_at = $3, version = version + 1 WHERE store_id = $1 AND id = $2
"""
_RANKS = """
    UPDATE contact_points t SET rank = o.rank + coalesce((
        SELECT max(k.rank) FROM contact_points k WHERE k.store_id = $1 AND k.customer_id = $3 AND k.kind = t.kind), 0)
    FROM contact_points o
    WHERE t.store_id = $1 AND t.customer_id = $2 AND o.store_id = $1 AND o.id = t.id
    RETURNING t.id, o.rank
"""
_WRONG = """
    UPDATE contact_points k SET wrong_at = t.wrong_at, wrong_reason = t.wrong_reason FROM contact_points t
    WHERE k.store_id = $1 AND t.store_id = $1 AND k.customer_id = $3 AND t.customer_id = $2 AND k.kind = t.kind
      AND k.value_index = t.value_index AND k.wrong_at IS NULL AND t.wrong_at IS NOT NULL
    RETURNING k.id
"""
_GO = """
    UPDATE customers SET merged_into = $3, external_code = CASE WHEN $4::text IS NULL THEN external_code END, updated_at = $5,
           version = version + 1 WHERE store_id = $1 AND id = $2
"""
_CODE = "UPDATE customers SET external_code = $3 WHERE store_id = $1 AND id = $2"
_CHAIN = "UPDATE customers SET merged_into = $3 WHERE store_id = $1 AND merged_into = $2 AND id <> $2 RETURNING id"
_ASIDE = "UPDATE consents SET customer_id = $3 WHERE store_id = $1 AND id = ANY($2::uuid[])"
_CONSENT = """
    INSERT INTO consents (store_id, id, customer_id, purpose, channel, basis, notice_version, source, proof, granted_at, granted_by,
                          withdrawn_at, withdrawn_by)
    VALUES ($1, $2, $3, $4, $5, 'consent', $6, 'merge', $7, $8, $9, $10, $11)
"""
_GRANT = "SELECT notice_version, proof, granted_at, granted_by FROM consents WHERE store_id = $1 AND id = $2"
_PROMISE = "UPDATE visits SET promised_at = $3, updated_at = $4, version = version + 1 WHERE store_id = $1 AND id = $2"
_PROMISED = "SELECT id, promised_at FROM visits WHERE store_id = $1 AND id = ANY($2::uuid[])"
_EVENT = """
    INSERT INTO visit_events (store_id, id, visit_id, at, kind, actor_kind, actor_id, detail)
    VALUES ($1, $2, $3, $4, 'promise_set', $5, $6, $7)
"""
_KEEP = "INSERT INTO customer_merges (store_id, id, kept_id, merged_id, at, by, moved) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *"


async def merge(
    conn: Connection, store: StoreContext, me: Me, kept_id: UUID, merged_id: UUID, *, now: datetime
) -> asyncpg.Record:
    """Make one file of two; everything is written down for the undo.

    Raises CustomerNotFound, Invalid at `merged_id`, CustomerMerged, OneIsDeceased.
    """
    plan = await read_plan(conn, store, kept_id, merged_id, lock=True)
    ledger = Ledger()
    same = await likes(conn, store.id, plan.cars)
    await _cars(conn, plan, ledger, now)
    await _rows(conn, plan, ledger)
    await _file(conn, plan, ledger, now)
    await _consents(conn, me, plan, ledger, now)
    await _visits(conn, store, me, plan, ledger, {**same, merged_id: kept_id}, now)
    await refresh_maintenance(conn, store, list(plan.cars.values()), store.calendar.day_of(now))
    kept = await conn.fetch(_KEEP, store.id, new_id(), kept_id, merged_id, now, me.staff_id, ledger.text())
    for customer_id in (kept_id, merged_id):
        detail = {"kept_id": kept_id, "merged_id": merged_id, "rows": ledger.counts}
        await audit.note(conn, me, "customer.merged", "customer", customer_id, now=now, detail=detail)
    await ring(conn, store.id, kept_id)
    return kept[0]


async def _cars(conn: Connection, plan: MergePlan, ledger: Ledger, now: datetime) -> None:
    """Two rows of one car: what belongs to the one that goes belongs to the other, which learns what it did not know."""
    store_id = plan.kept["store_id"]
    for gone, stays in plan.cars.items():
        old, new = plan.rows_of_cars[gone], plan.rows_of_cars[stays]
        after = {name: old[name] for name in CAR_FILLED if new[name] is None and old[name] is not None}
        if old["last_maintenance_on"] and (
            new["last_maintenance_on"] is None or old["last_maintenance_on"] > new["last_maintenance_on"]
        ):
            after |= {name: old[name] for name in ("last_maintenance_on", "last_maintenance_km")}
        await conn.execute(_END_CAR, store_id, gone, now)
        await apply_fields(conn, "vehicles", store_id, stays, after, now)
        ledger.cars[str(gone)] = {"stays": str(stays), "before": {name: new[name] for name in after}, "after": after}
        moved = {
            table: [str(row["id"]) for row in await conn.fetch(moving(table, "vehicle_id", unless), store_id, gone, stays)]
            for table, unless in OF_CAR.items()
        }
        ledger.car_rows[str(gone)] = {table: ids for table, ids in moved.items() if ids}


async def _rows(conn: Connection, plan: MergePlan, ledger: Ledger) -> None:
    store_id, merged_id, kept_id = plan.kept["store_id"], plan.merged["id"], plan.kept["id"]
    ledger.wrong = [str(row["id"]) for row in await conn.fetch(_WRONG, store_id, merged_id, kept_id)]
    ledger.ranks = {str(row["id"]): row["rank"] for row in await conn.fetch(_RANKS, store_id, merged_id, kept_id)}
    for table, unless in OF_CUSTOMER.items():
        statement, values = moving(table, "customer_id", unless), [store_id, merged_id, kept_id]
        if table in _WITH_CAR:
            statement = statement.replace(" RETURNING", f" AND {_WITH_CAR[table]} <> ALL($4::uuid[]) RETURNING")
            values.append(list(plan.cars))
        rows = await conn.fetch(statement, *values)
        if rows:
            ledger.rows[table] = [str(row["id"]) for row in rows]


async def _file(conn: Connection, plan: MergePlan, ledger: Ledger, now: datetime) -> None:
    """The file that goes leads to the one that stays, and so do those that led to it."""
    store_id, kept, merged = plan.kept["store_id"], plan.kept, plan.merged
    ledger.chain = [str(row["id"]) for row in await conn.fetch(_CHAIN, store_id, merged["id"], kept["id"])]
    ledger.code = merged["external_code"] if kept["external_code"] is None else None
    await conn.execute(_GO, store_id, merged["id"], kept["id"], ledger.code, now)
    if ledger.code is not None:
        await conn.execute(_CODE, store_id, kept["id"], ledger.code)
    await apply_fields(conn, "customers", store_id, kept["id"], plan.fields, now)
    ledger.fields = {"before": {name: _plain(kept[name], name) for name in plan.fields}, "after": plan.fields}


def _plain(value: Any, name: str) -> Any:
    return orjson.loads(value) if name == "calling_hours" and isinstance(value, str) else value


async def _consents(conn: Connection, me: Me, plan: MergePlan, ledger: Ledger, now: datetime) -> None:
    """The strictest of both: what only one file grants is set aside with the file that went."""
    store_id, kept_id = plan.kept["store_id"], plan.kept["id"]
    aside = list(plan.consents.set_aside)
    await conn.execute(_ASIDE, store_id, aside, plan.merged["id"])
    for new in plan.consents.added:
        like = await conn.fetchrow(_GRANT, store_id, new.like) if new.like else None
        consent_id = new_id()
        refused = (None, None) if new.granted else (now, me.staff_id)
        given = (
            (like["notice_version"], like["proof"], like["granted_at"], like["granted_by"]) if like else (None, None, now, None)
        )
        await conn.execute(_CONSENT, store_id, consent_id, kept_id, new.purpose, new.channel, *given, *refused)
        ledger.added.append(str(consent_id))
    ledger.aside = [str(consent_id) for consent_id in aside]


async def _visits(
    conn: Connection,
    store: StoreContext,
    me: Me,
    plan: MergePlan,
    ledger: Ledger,
    mapping: Mapping[UUID, UUID],
    now: datetime,
) -> None:
    """Of visits that both files had one stays, with the promise; the others are cancelled and say why."""
    cancelled = {visit_id for one in plan.twins for visit_id in one.cancelled}
    moves, done = await plan_triggers(conn, store.id, plan.kept["id"], mapping, cancelled)
    await cancel_visits(conn, store.id, {DUPLICATE: sorted(cancelled | set(done))} if cancelled or done else {}, now, me.actor)
    await set_triggers(conn, store.id, {visit_id: after for visit_id, (_, after) in moves.items()})
    ledger.cancelled = [str(visit_id) for visit_id in sorted(cancelled | set(done))]
    ledger.triggers = {str(visit_id): [str(before), str(after)] for visit_id, (before, after) in moves.items()}
    wanted = {one.stays: one.promised_at for one in plan.twins if one.promised_at is not None}
    promised = {row["id"]: row["promised_at"] for row in await conn.fetch(_PROMISED, store.id, list(wanted))}
    changed = {visit_id: at for visit_id, at in wanted.items() if promised[visit_id] != at}
    for visit_id, at in changed.items():
        await promise(conn, store.id, me, visit_id, at, now)
        ledger.promises[str(visit_id)] = [_text(promised[visit_id]), _text(at)]
    await progress(conn, store, sorted(changed), now=now, actor=me.actor)


async def promise(conn: Connection, store_id: UUID, me: Me, visit_id: UUID, at: datetime | None, now: datetime) -> None:
    """Set a promise by hand, as the history tells it."""
    await conn.execute(_PROMISE, store_id, visit_id, at, now)
    detail = orjson.dumps({"at": at, "reason": "merge"}).decode()
    await conn.execute(_EVENT, store_id, new_id(), visit_id, now, me.actor.kind, me.actor.id, detail)


async def ring(conn: Connection, store_id: UUID, *customer_ids: UUID) -> None:
    """Wake whoever shows or plans for these customers."""
    await conn.execute("SELECT pg_notify($1, $2)", NOTIFY_DUE, str(store_id))
    for customer_id in customer_ids:
        await conn.execute("SELECT pg_notify($1, $2)", NOTIFY_FEED, feed(store_id, "customer", customer_id))


def ids_of(texts: Collection[str]) -> list[UUID]:
    """Ids from JSON."""
    return [UUID(text) for text in texts]


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
