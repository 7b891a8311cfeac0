"""What a call taught us about the file: corrections and well-known answers are written back, with their history (S2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api import audit
from services.api.identities import Me
from services.api.visits.schemas import AttemptIn, CorrectionsIn
from shared import numbers
from shared.crypto import Vault
from shared.db import Connection
from shared.domain.plate import PlateFault, normalise_plate
from shared.domain.visit import Outcome
from shared.errors import Invalid
from shared.ids import new_id
from shared.names import initials
from shared.phones import InvalidPhone, PhoneKind, parse_phone
from shared.planning import facts_of_sales, refresh_maintenance, replan_facts
from shared.stores import StoreContext

SEALED_FIELDS = frozenset({"phone", "email", "wechat"})
CUSTOMER_FIELDS = ("name", "address", "region", "preferred_channel")
YES, NO = frozenset({True, "yes", "true", "是"}), frozenset({False, "no", "false", "否"})
HIGHEST_READING = 3_000_000


def named(body: CorrectionsIn | None) -> dict[str, object] | None:
    """The corrected fields as the attempt keeps them: contact data is named, never repeated in clear."""
    given = _given(body)
    return {name: "*" if name in SEALED_FIELDS else value for name, value in given.items()} or None


def _given(body: CorrectionsIn | None) -> dict[str, Any]:
    return {} if body is None else {name: value for name, value in body.given.items() if value is not None}


async def write_back(
    conn: Connection,
    store: StoreContext,
    vault: Vault,
    me: Me,
    visit: asyncpg.Record,
    body: AttemptIn,
    answers: Mapping[str, Any],
    *,
    now: datetime,
) -> list[UUID]:
    """Write corrections and the answers that are facts (mileage, insured, plated) to customer, vehicle and sale.

    The ids of sales that changed, for `replan` once the visit is closed. Raises Invalid with a pointer at the field.
    """
    fixes = _given(body.corrections)
    today = store.calendar.day_of(now)
    was = await _was(conn, store.id, visit, fixes) if fixes else {}
    await _customer(conn, visit["customer_id"], store.id, fixes, now)
    await _contacts(conn, vault, store.id, visit["customer_id"], fixes, now)
    await _plate(conn, store.id, visit["vehicle_id"], fixes, now)
    await _mileage(conn, store, visit["vehicle_id"], fixes.get("mileage_km", answers.get("mileage_km")), today)
    sales = await _delivery(conn, store.id, visit["vehicle_id"], fixes, answers, now)
    if fixes:
        detail = {"fields": sorted(fixes), "visit_id": str(visit["id"])}
        await audit.note(conn, me, "customer.corrected", "customer", visit["customer_id"], now=now, detail=detail)
        await conn.execute(
            _EVENT,
            store.id,
            new_id(),
            visit["id"],
            now,
            me.actor.kind,
            me.actor.id,
            orjson.dumps({**(named(body.corrections) or {}), "was": was}).decode(),
        )
    return sales


async def _was(conn: Connection, store_id: UUID, visit: asyncpg.Record, fixes: Mapping[str, Any]) -> dict[str, Any]:
    """What stood in the file before, of the corrected fields; contact data stays in the file behind the new and is not repeated."""
    row = await conn.fetchrow(_BEFORE, store_id, visit["customer_id"], visit["vehicle_id"])
    return {name: row[name] for name in fixes if name in row.keys()} if row else {}  # noqa: SIM118 - a record's `in` looks at values


async def replan(conn: Connection, store: StoreContext, me: Me, sale_ids: Sequence[UUID], *, now: datetime) -> None:
    """Insured and plated end the chase by themselves; to be called after the visit of the call has been closed."""
    if sale_ids:
        await replan_facts(conn, store, await facts_of_sales(conn, store, sale_ids), now=now, actor=me.actor)


async def numbers_proved(
    conn: Connection,
    store: StoreContext,
    me: Me,
    visit: asyncpg.Record,
    body: AttemptIn,
    number_id: UUID | None,
    visit_ids: Sequence[UUID],
    *,
    now: datetime,
) -> None:
    """A number the customer answered is right; one that was given anew lets go on what waited for it. After `progress` of the call."""
    customer_id, fixes = visit["customer_id"], _given(body.corrections)
    if body.outcome is Outcome.REACHED and number_id is not None and number_id != visit["id"]:
        await numbers.confirm(conn, store.id, customer_id, number_id=number_id, now=now, actor=me.actor)
    if fixes.keys() & {"phone", "email"}:
        await numbers.corrected(conn, store, customer_id, now=now, actor=me.actor, but=visit_ids)


async def _customer(conn: Connection, customer_id: UUID, store_id: UUID, fixes: Mapping[str, Any], now: datetime) -> None:
    changed = {name: fixes[name] for name in CUSTOMER_FIELDS if name in fixes}
    if "name" in changed:
        changed["initials"] = initials(changed["name"])
    if not changed:
        return
    sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(changed, 4))
    statement = f"UPDATE customers SET {sets}, updated_at = $3, version = version + 1 WHERE store_id = $1 AND id = $2"
    await conn.execute(statement, store_id, customer_id, now, *changed.values())


async def _contacts(
    conn: Connection, vault: Vault, store_id: UUID, customer_id: UUID, fixes: Mapping[str, Any], now: datetime
) -> None:
    if "phone" in fixes:
        try:
            phone = parse_phone(fixes["phone"])
        except InvalidPhone as fault:
            raise Invalid(f"{fault.zh} / {fault.en}", "/corrections/phone") from None
        last4 = vault.index("last4", phone.e164[-4:])
        await _add(conn, vault, store_id, customer_id, "phone", phone.e164, last4, phone.kind is PhoneKind.MOBILE, now)
    if "email" in fixes:
        address = fixes["email"].strip().lower()
        if address.count("@") != 1 or address.startswith("@") or "." not in address.rpartition("@")[2] or " " in address:
            raise Invalid("不是邮箱地址 / not an e-mail address", "/corrections/email")
        await _add(conn, vault, store_id, customer_id, "email", address, None, True, now)
    if "wechat" in fixes:
        await _add(conn, vault, store_id, customer_id, "wechat", fixes["wechat"].strip(), None, True, now)


async def _add(
    conn: Connection,
    vault: Vault,
    store_id: UUID,
    customer_id: UUID,
    kind: str,
    value: str,
    last4: bytes | None,
    textable: bool,
    now: datetime,
) -> None:
    """The value becomes the file's first of its kind; the others stay behind it. One that was marked wrong stands again."""
    point_id = new_id()
    sealed = vault.seal(value, "contact_points", "value", store_id, point_id)
    await conn.execute(
        "UPDATE contact_points SET rank = rank + 1 WHERE store_id = $1 AND customer_id = $2 AND kind = $3",
        store_id,
        customer_id,
        kind,
    )
    await conn.execute(_ADD, store_id, point_id, customer_id, kind, bytes(sealed), vault.index(kind, value), last4, textable, now)


async def _plate(conn: Connection, store_id: UUID, vehicle_id: UUID | None, fixes: Mapping[str, Any], now: datetime) -> None:
    if "plate" not in fixes or vehicle_id is None:
        return
    try:
        plate = normalise_plate(fixes["plate"])
    except PlateFault as fault:
        raise Invalid(str(fault), "/corrections/plate") from None
    await conn.execute(
        "UPDATE vehicles SET plate = $3, updated_at = $4, version = version + 1 WHERE store_id = $1 AND id = $2",
        store_id,
        vehicle_id,
        plate,
        now,
    )


async def _mileage(conn: Connection, store: StoreContext, vehicle_id: UUID | None, km: object, today: date) -> None:
    if vehicle_id is None or isinstance(km, bool) or not isinstance(km, int | float) or not 0 < km <= HIGHEST_READING:
        return
    await conn.execute(_READING, store.id, new_id(), vehicle_id, today, int(km))
    await refresh_maintenance(conn, store, [vehicle_id], today)


async def _delivery(
    conn: Connection,
    store_id: UUID,
    vehicle_id: UUID | None,
    fixes: Mapping[str, Any],
    answers: Mapping[str, Any],
    now: datetime,
) -> list[UUID]:
    insured, plated = (_yes_no(fixes.get(name, answers.get(name))) for name in ("insured", "plated"))
    if vehicle_id is None or (insured is None and plated is None):
        return []
    return [row["id"] for row in await conn.fetch(_DELIVERY, store_id, vehicle_id, insured, plated, now)]


def _yes_no(value: object) -> bool | None:
    if not isinstance(value, str | bool | int):
        return None
    plain = value.strip().lower() if isinstance(value, str) else value
    return True if plain in YES else False if plain in NO else None


_BEFORE = """
    SELECT c.name, c.address, c.region, c.preferred_channel, v.plate, s.insured, s.plated,
        (SELECT max(km) FROM mileage_readings m WHERE m.store_id = $1 AND m.vehicle_id = $3) AS mileage_km
    FROM customers c LEFT JOIN vehicles v ON v.store_id = c.store_id AND v.id = $3
    LEFT JOIN LATERAL (
        SELECT insured, plated FROM sales WHERE store_id = $1 AND vehicle_id = $3 ORDER BY delivered_on DESC LIMIT 1
    ) s ON true
    WHERE c.store_id = $1 AND c.id = $2
"""
_ADD = """
    INSERT INTO contact_points (store_id, id, customer_id, kind, rank, value, value_index, last4_index, textable, created_at)
    VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9)
    ON CONFLICT (store_id, customer_id, kind, value_index) DO UPDATE SET rank = 1, wrong_at = NULL, wrong_reason = NULL
"""
_READING = """
    INSERT INTO mileage_readings (store_id, id, vehicle_id, read_on, km, source) VALUES ($1, $2, $3, $4, $5, 'call')
    ON CONFLICT (store_id, vehicle_id, read_on) DO UPDATE SET km = greatest(mileage_readings.km, excluded.km)
"""
_DELIVERY = """
    UPDATE sales SET insured = coalesce($3, insured), plated = coalesce($4, plated), updated_at = $5, version = version + 1
    WHERE store_id = $1 AND id = (
        SELECT id FROM sales WHERE store_id = $1 AND vehicle_id = $2 ORDER BY delivered_on DESC LIMIT 1
    ) AND (insured, plated) IS DISTINCT FROM (coalesce($3, insured), coalesce($4, plated))
    RETURNING id
"""
_EVENT = """
    INSERT INTO visit_events (store_id, id, visit_id, at, kind, actor_kind, actor_id, detail)
    VALUES ($1, $2, $3, $4, 'corrected', $5, $6, $7)
"""
