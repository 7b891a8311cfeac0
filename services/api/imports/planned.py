"""What follows from imported sales and work orders: visits, the next maintenance of the cars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from services.api.imports.fields import Kind
from services.api.imports.merging import Merged, Run
from shared.appointments import recognise_arrivals
from shared.db import Connection
from shared.domain.programme import Fact, Trigger
from shared.events import SYSTEM
from shared.planning import (
    PlanCounts,
    end_silences,
    facts_of_sales,
    facts_of_work_orders,
    mark_first_services,
    plan_facts,
    plan_maintenance,
    record_maintenance,
    refresh_maintenance,
    replan_facts,
)
from shared.stores import StoreContext, load_store

CHUNK = 5000
_FIRST_IMPORT = "SELECT first_import_done_at FROM stores WHERE id = $1"
_REMEMBER = "UPDATE stores SET first_import_done_at = $2 WHERE id = $1 AND first_import_done_at IS NULL"
_CARS = "SELECT DISTINCT vehicle_id FROM {table} WHERE store_id = $1 AND id = ANY ($2)"
# A car that came for maintenance needs no reminder of its first one.
_CARDS = """
    SELECT DISTINCT v.trigger_id FROM work_orders w
    JOIN visits v ON v.store_id = w.store_id AND v.vehicle_id = w.vehicle_id
    WHERE w.store_id = $1 AND w.id = ANY ($2) AND w.kind = 'maintenance'
      AND v.trigger_type = 'card.handed_over' AND v.state IN ('planned', 'due', 'trying')
"""
# A transaction that fills empty tables keeps the plans it began with, those of its foreign keys among them; a plan made for an
# empty table reads it from end to end for each row.
_ON_THE_KEYS = "SET LOCAL enable_seqscan = off"
_TABLES = {Kind.SALES: "sales", Kind.WORK_ORDERS: "work_orders"}


async def plan_merged(connection: Connection, run: Run, merged: Merged, today: date) -> PlanCounts:
    """Plan what the import brought, in its transaction.

    Facts from before the store's first import was done are history: of their visits, those whose window closed within the last 30
    days are written down as expired, older ones only counted.
    """
    table = _TABLES.get(run.kind)
    if table is None or not (merged.created or merged.updated):
        return PlanCounts()
    await connection.execute(_ON_THE_KEYS)
    store = await load_store(connection, run.store_id, today=today)
    began: datetime = await connection.fetchval(_FIRST_IMPORT, run.store_id) or run.now
    counts = PlanCounts()
    for ids in _chunks(merged.created):
        counts = _sum(counts, await _plan(connection, store, run, ids, began))
    for ids in _chunks(merged.updated):
        facts = await _facts(connection, store, run.kind, ids)
        counts = _sum(counts, await replan_facts(connection, store, facts, now=run.now, actor=SYSTEM, vault=run.vault))
    if run.kind is Kind.WORK_ORDERS:
        await _replan_cards(connection, store, run, [*merged.created, *merged.updated])
        await recognise_arrivals(connection, store, now=run.now, actor=SYSTEM)
    counts = _sum(counts, await _maintenance(connection, store, run, table, [*merged.created, *merged.updated], today))
    await connection.execute(_REMEMBER, run.store_id, run.now)
    return counts


async def _plan(connection: Connection, store: StoreContext, run: Run, ids: Sequence[UUID], began: datetime) -> PlanCounts:
    facts = await _facts(connection, store, run.kind, ids)
    history = [fact for fact in facts if fact.at < began]
    since = [fact for fact in facts if fact.at >= began]
    old = await plan_facts(connection, store, history, now=run.now, first_import=True, actor=SYSTEM, vault=run.vault)
    new = await plan_facts(connection, store, since, now=run.now, actor=SYSTEM, vault=run.vault)
    return _sum(old, new)


async def _facts(connection: Connection, store: StoreContext, kind: Kind, ids: Sequence[UUID]) -> list[Fact]:
    if kind is Kind.SALES:
        return await facts_of_sales(connection, store, ids)
    await mark_first_services(connection, store.id, ids)
    return await facts_of_work_orders(connection, store, ids)


async def _replan_cards(connection: Connection, store: StoreContext, run: Run, orders: Sequence[UUID]) -> None:
    cards = [row["trigger_id"] for row in await connection.fetch(_CARDS, store.id, orders)]
    for ids in _chunks(cards):
        facts = [fact for fact in await facts_of_sales(connection, store, ids) if fact.type is Trigger.CARD_HANDED_OVER]
        await replan_facts(connection, store, facts, now=run.now, actor=SYSTEM, vault=run.vault)


async def _maintenance(
    connection: Connection, store: StoreContext, run: Run, table: str, ids: Sequence[UUID], today: date
) -> PlanCounts:
    cars = [row["vehicle_id"] for row in await connection.fetch(_CARS.format(table=table), store.id, ids)]
    for chunk in _chunks(cars):
        await record_maintenance(connection, store, chunk)
        await refresh_maintenance(connection, store, chunk, today)
        await end_silences(connection, store, chunk, now=run.now, actor=SYSTEM)
    return await plan_maintenance(connection, store, now=run.now)


def _chunks(ids: Sequence[UUID]) -> list[Sequence[UUID]]:
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]


def _sum(one: PlanCounts, other: PlanCounts) -> PlanCounts:
    return PlanCounts(one.planned + other.planned, one.expired + other.expired, one.skipped_past + other.skipped_past)
