"""What merging two files would do: everything is decided here, by the rules of `shared.domain.merge`; nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api.customers.queries import CustomerMerged, CustomerNotFound
from services.api.identities import Me
from services.api.merges.schemas import CarPair, ConsentChange, MergePreview, TwinsOut
from services.api.merges.tables import OF_CUSTOMER, counting
from shared.db import Connection
from shared.domain.merge import (
    CarFacts,
    ConsentPlan,
    ConsentRow,
    OpenVisit,
    Twins,
    consent_plan,
    same_cars,
    similar_names,
    twins,
    united_fields,
)
from shared.errors import Conflict, Invalid
from shared.stores import StoreContext

_FILES = "SELECT * FROM customers WHERE store_id = $1 AND id = ANY($2::uuid[]) ORDER BY id"
_CARS = "SELECT * FROM vehicles WHERE store_id = $1 AND customer_id = ANY($2::uuid[]) AND ended_at IS NULL ORDER BY id"
_VISITS = """
    SELECT id, customer_id, vehicle_id, programme, step, trigger_type, trigger_at, due_at, tries, promised_at FROM visits
    WHERE store_id = $1 AND customer_id = ANY($2::uuid[]) AND closed_at IS NULL AND state IN ('planned', 'due', 'trying') ORDER BY id
"""
_CONSENTS = (
    "SELECT id, customer_id, purpose, channel, withdrawn_at FROM consents WHERE store_id = $1 AND customer_id = ANY($2::uuid[])"
)
_COMMON = """
    SELECT EXISTS (SELECT FROM contact_points a JOIN contact_points b ON b.store_id = a.store_id AND b.value_index = a.value_index
                   WHERE a.store_id = $1 AND a.customer_id = $2 AND b.customer_id = $3)
"""
LOCK = " FOR UPDATE"


class OneIsDeceased(Conflict):
    """One of the two customers is deceased and the other is not; settle that first."""

    code = "one_is_deceased"
    zh = "两份档案中一位客户已离世而另一位没有，请先核实。"


@dataclass(frozen=True)
class MergePlan:
    """Everything a merge does. `cars`: row that goes → row that stays."""

    kept: asyncpg.Record
    merged: asyncpg.Record
    fields: dict[str, Any]
    cars: dict[UUID, UUID]
    rows_of_cars: dict[UUID, asyncpg.Record]
    twins: Sequence[Twins]
    consents: ConsentPlan
    consent_rows: dict[UUID, asyncpg.Record]


async def read_plan(conn: Connection, store: StoreContext, kept_id: UUID, merged_id: UUID, *, lock: bool) -> MergePlan:
    """Read both files and decide. Raises CustomerNotFound, Invalid, CustomerMerged, OneIsDeceased."""
    kept, merged = await _files(conn, store.id, kept_id, merged_id, lock=lock)
    both, end = [kept_id, merged_id], LOCK if lock else ""
    cars = {row["id"]: row for row in await conn.fetch(_CARS + end, store.id, both)}
    same = same_cars(_cars(cars, kept_id), _cars(cars, merged_id))
    visits = await conn.fetch(_VISITS + end, store.id, both)
    consents = {row["id"]: row for row in await conn.fetch(_CONSENTS, store.id, both)}
    return MergePlan(
        kept=kept,
        merged=merged,
        fields=united_fields(_read(kept), _read(merged)),
        cars=same,
        rows_of_cars=cars,
        twins=twins([_visit(row, kept_id, same, store) for row in visits]),
        consents=consent_plan(_consents(consents, kept_id), _consents(consents, merged_id)),
        consent_rows=consents,
    )


async def preview(conn: Connection, store: StoreContext, me: Me, kept_id: UUID, merged_id: UUID) -> MergePreview:
    """The plan as it is shown. Raises as `read_plan`."""
    plan = await read_plan(conn, store, kept_id, merged_id, lock=False)
    rows = {table: await conn.fetchval(counting(table), me.store_id, merged_id) for table in OF_CUSTOMER}
    return MergePreview(
        kept_id=kept_id,
        merged_id=merged_id,
        rows={table: count for table, count in rows.items() if count},
        fields=plan.fields,
        cars=[_pair(plan, gone, stays) for gone, stays in plan.cars.items()],
        visits=[TwinsOut(stays=one.stays, cancelled=list(one.cancelled), promised_at=one.promised_at) for one in plan.twins],
        consents_set_aside=len(plan.consents.set_aside),
        consents_added=[
            ConsentChange(purpose=new.purpose, channel=new.channel, granted=new.granted) for new in plan.consents.added
        ],
        warnings=await _warnings(conn, plan),
    )


async def _files(
    conn: Connection, store_id: UUID, kept_id: UUID, merged_id: UUID, *, lock: bool
) -> tuple[asyncpg.Record, asyncpg.Record]:
    if kept_id == merged_id:
        raise Invalid("须为另一份档案 / must be another file", "/merged_id")
    found = {row["id"]: row for row in await conn.fetch(_FILES + (LOCK if lock else ""), store_id, [kept_id, merged_id])}
    if kept_id not in found:
        raise CustomerNotFound
    if merged_id not in found:
        raise Invalid("没有该客户 / no such customer", "/merged_id")
    kept, merged = found[kept_id], found[merged_id]
    for row in (kept, merged):
        if row["merged_into"] is not None:
            raise CustomerMerged(row["merged_into"])
    if (kept["deceased_at"] is None) != (merged["deceased_at"] is None):
        raise OneIsDeceased
    return kept, merged


def _read(row: asyncpg.Record) -> dict[str, Any]:
    values = dict(row)
    hours = values["calling_hours"]
    values["calling_hours"] = orjson.loads(hours) if hours and hours != "null" else None
    return values


def _cars(rows: dict[UUID, asyncpg.Record], customer_id: UUID) -> list[CarFacts]:
    own = (row for row in rows.values() if row["customer_id"] == customer_id)
    return [CarFacts(row["id"], row["vin"], row["plate"], row["engine_number"]) for row in own]


def _visit(row: asyncpg.Record, kept_id: UUID, cars: dict[UUID, UUID], store: StoreContext) -> OpenVisit:
    return OpenVisit(
        id=row["id"],
        kept=row["customer_id"] == kept_id,
        vehicle_id=cars.get(row["vehicle_id"], row["vehicle_id"]),
        programme=row["programme"],
        step=row["step"],
        trigger_type=row["trigger_type"],
        day=store.calendar.day_of(row["trigger_at"]),
        due_at=row["due_at"],
        tries=row["tries"],
        promised_at=row["promised_at"],
    )


def _consents(rows: dict[UUID, asyncpg.Record], customer_id: UUID) -> list[ConsentRow]:
    own = (row for row in rows.values() if row["customer_id"] == customer_id)
    return [ConsentRow(row["id"], row["purpose"], row["channel"], row["withdrawn_at"] is None) for row in own]


def _pair(plan: MergePlan, gone: UUID, stays: UUID) -> CarPair:
    one, other = plan.rows_of_cars[gone], plan.rows_of_cars[stays]
    return CarPair(kept_id=stays, merged_id=gone, plate=other["plate"] or one["plate"], vin=other["vin"] or one["vin"])


async def _warnings(conn: Connection, plan: MergePlan) -> list[str]:
    common = await conn.fetchval(_COMMON, plan.kept["store_id"], plan.kept["id"], plan.merged["id"])
    found = {
        "names_differ": not similar_names(plan.kept["name"], plan.merged["name"]),
        "no_common_number": not common,
        "kinds_differ": plan.kept["kind"] != plan.merged["kind"],
    }
    return [name for name, holds in found.items() if holds]
