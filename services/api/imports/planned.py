"""What follows from imported sales, orders, leads and policies: visits, won leads, warranty, the next maintenance of the cars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from services.api.imports.fields import Kind
from services.api.imports.merging import Merged, Run
from services.api.leads.door import win_by_sales
from shared.appointments import recognise_arrivals
from shared.db import Connection
from shared.domain.lead import REACTIVATE_DAYS
from shared.domain.programme import Fact, Trigger
from shared.events import SYSTEM
from shared.planning import (
    PlanCounts,
    default_warranty,
    end_silences,
    facts_of_sales,
    facts_of_work_orders,
    mark_first_services,
    note_insurance_specialists,
    plan_facts,
    plan_maintenance,
    record_maintenance,
    refresh_maintenance,
    replan_facts,
    replan_policies,
    settle_leads,
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
_POLICIES_OF = """
    SELECT p.id FROM insurance_policies p JOIN sales s ON s.store_id = p.store_id AND s.vehicle_id = p.vehicle_id
    WHERE s.store_id = $1 AND s.id = ANY ($2)
"""
_LOST_NOW = """
    UPDATE leads SET closed_on = $3, reactivate_on = $4
    WHERE store_id = $1 AND id = ANY ($2) AND state = 'lost' AND closed_on IS NULL
      AND EXISTS (SELECT FROM lead_movements m WHERE m.store_id = $1 AND m.lead_id = leads.id AND m.to_state = 'open')
"""
# A transaction that fills empty tables keeps the plans it began with, those of its foreign keys among them; a plan made for an
# empty table reads it from end to end for each row.
_ON_THE_KEYS = "SET LOCAL enable_seqscan = off"
_TABLES = {Kind.SALES: "sales", Kind.WORK_ORDERS: "work_orders"}
PLANNED = frozenset({*_TABLES, Kind.LEADS, Kind.POLICIES})


async def plan_merged(connection: Connection, run: Run, merged: Merged, today: date) -> PlanCounts:
    """Plan what the import brought, in its transaction.

    Facts from before the store's first import was done are history: of their visits, those whose window closed within the last 30
    days are written down as expired, older ones only counted.
    """
    if run.kind not in PLANNED or not (merged.created or merged.updated):
        return PlanCounts()
    await connection.execute(_ON_THE_KEYS)
    store = await load_store(connection, run.store_id, today=today)
    match run.kind:
        case Kind.LEADS:
            return await _leads(connection, store, run, merged, today)
        case Kind.POLICIES:
            return await _policies(connection, store, run, merged)
    table = _TABLES[run.kind]
    began: datetime = await connection.fetchval(_FIRST_IMPORT, run.store_id) or run.now
    counts = PlanCounts()
    for ids in _chunks(merged.created):
        counts = _sum(counts, await _plan(connection, store, run, ids, began))
    for ids in _chunks(merged.updated):
        facts = await _facts(connection, store, run.kind, ids)
        counts = _sum(counts, await replan_facts(connection, store, facts, now=run.now, actor=SYSTEM, vault=run.vault))
    if run.kind is Kind.SALES:
        await _deliveries(connection, store, run, merged.created, today)
    if run.kind is Kind.WORK_ORDERS:
        await _replan_cards(connection, store, run, [*merged.created, *merged.updated])
        await recognise_arrivals(connection, store, now=run.now, actor=SYSTEM)
    counts = _sum(counts, await _maintenance(connection, store, run, table, [*merged.created, *merged.updated], today))
    await connection.execute(_REMEMBER, run.store_id, run.now)
    return counts


async def _deliveries(connection: Connection, store: StoreContext, run: Run, sales: Sequence[UUID], today: date) -> None:
    """A delivery wins its lead, gives the insurance file to somebody and begins the warranty."""
    for ids in _chunks(sales):
        await win_by_sales(connection, store, ids, now=run.now, actor=SYSTEM)
        await note_insurance_specialists(connection, store, ids)
        await default_warranty(connection, store, ids, today=today)
    policies = [row["id"] for row in await connection.fetch(_POLICIES_OF, store.id, sales)]
    for ids in _chunks(policies):
        await replan_policies(connection, store, ids, now=run.now, actor=SYSTEM)


async def _leads(connection: Connection, store: StoreContext, run: Run, merged: Merged, today: date) -> PlanCounts:
    """Levels, movements and next contacts. One lost by this file is called again after 90 days; one that was lost before is history."""
    await connection.execute(_LOST_NOW, store.id, merged.updated, today, today + timedelta(days=REACTIVATE_DAYS))
    counts = PlanCounts()
    for ids in _chunks([*merged.created, *merged.updated]):
        counts = _sum(counts, await settle_leads(connection, store, ids, now=run.now, actor=SYSTEM, reason="imported"))
    return counts


async def _policies(connection: Connection, store: StoreContext, run: Run, merged: Merged) -> PlanCounts:
    counts = PlanCounts()
    for ids in _chunks([*merged.created, *merged.updated]):
        counts = _sum(counts, await replan_policies(connection, store, ids, now=run.now, actor=SYSTEM))
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
