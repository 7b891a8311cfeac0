"""Contact points: read from what people type, sealed, found again by index, shown masked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.api import audit
from services.api.customers.schemas import ContactPointIn, ContactPointPatch, CustomerIn
from services.api.identities import Me
from shared.crypto import Vault
from shared.db import Connection
from shared.errors import Invalid, NotFound
from shared.ids import new_id
from shared.phones import InvalidPhone, PhoneKind, mask, parse_phone

_EMAIL = re.compile(r"[^@\s,;<>()\"]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}")
LONGEST_WECHAT = 64

_OF = """
    SELECT p.*, ARRAY(SELECT DISTINCT o.channel FROM opt_outs o WHERE o.number_index = p.value_index AND o.revoked_at IS NULL
                      ORDER BY 1) AS opted_out,
           CASE WHEN p.wrong_at IS NULL THEN n.wrong_at END AS warned_at,
           CASE WHEN p.wrong_at IS NULL THEN n.wrong_reason END AS warned_reason
    FROM contact_points p LEFT JOIN numbers n ON n.number_index = p.value_index
    WHERE p.store_id = $1 AND p.customer_id = ANY($2) ORDER BY p.customer_id, p.kind, p.rank, p.id
"""
_ADD = """
    INSERT INTO contact_points (store_id, id, customer_id, kind, rank, label, value, value_index, last4_index, textable, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (store_id, customer_id, kind, value_index)
    DO UPDATE SET label = coalesce(excluded.label, contact_points.label), wrong_at = NULL, wrong_reason = NULL
    RETURNING id
"""
_SAME = """
    SELECT DISTINCT ON (c.id) c.id AS customer_id, c.name, p.kind AS by
    FROM contact_points p JOIN customers c ON c.store_id = p.store_id AND c.id = p.customer_id
    WHERE p.store_id = $1 AND p.value_index = ANY($2) AND p.customer_id <> $3 AND c.merged_into IS NULL
    ORDER BY c.id LIMIT 20
"""


class ContactPointNotFound(NotFound):
    """The customer has no such number or address."""

    code = "contact_point_not_found"
    zh = "客户没有该联系方式。"


def points_of(body: CustomerIn) -> list[tuple[ContactPointIn, str]]:
    """The contact points a new file names, each with the pointer of its value; the short fields first."""
    short = [
        (ContactPointIn(kind=kind, value=value), f"/{kind}")
        for kind, value in (("phone", body.phone), ("email", body.email), ("wechat", body.wechat))
        if value
    ]
    return short + [(point, f"/contact_points/{place}/value") for place, point in enumerate(body.contact_points)]


def read_value(kind: str, text: str, pointer: str) -> tuple[str, bool]:
    """The value in its one spelling, and whether it can be texted. Raises Invalid at `pointer`."""
    if kind == "phone":
        try:
            phone = parse_phone(text)
        except InvalidPhone as fault:
            raise Invalid(f"{fault.zh} / {fault.en}", pointer) from None
        return phone.e164, phone.kind is PhoneKind.MOBILE
    if kind == "email":
        if not _EMAIL.fullmatch(text.strip()):
            raise Invalid("不是邮箱地址 / not an e-mail address", pointer)
        return text.strip().lower(), True
    if len(text) > LONGEST_WECHAT:
        raise Invalid("微信号过长 / too long for a WeChat name", pointer)
    return text.strip(), True


async def add_point(
    conn: Connection, vault: Vault, store_id: UUID, customer_id: UUID, point: ContactPointIn, pointer: str, *, now: datetime
) -> UUID:
    """Add a contact point behind the others of its kind; one that is there already stands again. Raises Invalid."""
    value, textable = read_value(point.kind, point.value, pointer)
    point_id = new_id()
    rank = await conn.fetchval(
        "SELECT 1 + coalesce(max(rank), 0) FROM contact_points WHERE store_id = $1 AND customer_id = $2 AND kind = $3",
        store_id,
        customer_id,
        point.kind,
    )
    sealed = bytes(vault.seal(value, "contact_points", "value", store_id, point_id))
    last4 = vault.index("last4", value[-4:]) if point.kind == "phone" else None
    index = vault.index(point.kind, value)
    made: UUID = await conn.fetchval(
        _ADD, store_id, point_id, customer_id, point.kind, rank, point.label, sealed, index, last4, textable, now
    )
    return made


async def change_point(
    conn: Connection, me: Me, customer_id: UUID, point_id: UUID, body: ContactPointPatch, *, now: datetime
) -> None:
    """Label, place, or its mark as wrong taken away. Raises ContactPointNotFound."""
    row = await point(conn, me.store_id, customer_id, point_id)
    given = body.given
    if "rank" in given:
        await _move(conn, me.store_id, row, body.rank)
    if "label" in given:
        await conn.execute(
            "UPDATE contact_points SET label = $3 WHERE store_id = $1 AND id = $2", me.store_id, point_id, body.label
        )
    if body.wrong is False:
        await conn.execute(
            "UPDATE contact_points SET wrong_at = NULL, wrong_reason = NULL WHERE store_id = $1 AND id = $2",
            me.store_id,
            point_id,
        )
        await conn.execute("UPDATE numbers SET wrong_at = NULL, wrong_reason = NULL WHERE number_index = $1", row["value_index"])
    detail = {"contact_point_id": point_id, "fields": sorted(given)}
    await audit.note(conn, me, "customer.contact_changed", "customer", customer_id, now=now, detail=detail)


async def _move(conn: Connection, store_id: UUID, row: asyncpg.Record, rank: int) -> None:
    rows = await conn.fetch(
        "SELECT id FROM contact_points WHERE store_id = $1 AND customer_id = $2 AND kind = $3 AND id <> $4 ORDER BY rank, id FOR UPDATE",
        store_id,
        row["customer_id"],
        row["kind"],
        row["id"],
    )
    order = [other["id"] for other in rows]
    order.insert(min(rank, len(order) + 1) - 1, row["id"])
    await conn.execute(
        "UPDATE contact_points p SET rank = n.rank FROM unnest($2::uuid[], $3::int[]) AS n(id, rank) WHERE p.store_id = $1 AND p.id = n.id",
        store_id,
        order,
        list(range(1, len(order) + 1)),
    )


async def point(conn: Connection, store_id: UUID, customer_id: UUID, point_id: UUID) -> asyncpg.Record:
    """A contact point of the customer. Raises ContactPointNotFound."""
    row = await conn.fetchrow(
        "SELECT * FROM contact_points WHERE store_id = $1 AND customer_id = $2 AND id = $3", store_id, customer_id, point_id
    )
    if row is None:
        raise ContactPointNotFound
    return row


async def of_customers(
    conn: Connection, vault: Vault, store_id: UUID, customer_ids: Collection[UUID], *, whole: bool
) -> dict[UUID, list[dict[str, Any]]]:
    """The contact points of customers as they go out, masked unless `whole`."""
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in await conn.fetch(_OF, store_id, list(customer_ids)):
        value = opened(vault, row)
        found[row["customer_id"]].append({**dict(row), "value": value if whole else masked(row["kind"], value)})
    return found


async def duplicates(
    conn: Connection, store_id: UUID, customer_id: UUID, points: Iterable[dict[str, Any]]
) -> list[asyncpg.Record]:
    """Other files with one of the numbers or addresses."""
    return await conn.fetch(_SAME, store_id, [point["value_index"] for point in points], customer_id)


def opened(vault: Vault, row: asyncpg.Record) -> str:
    """The value of a contact point in clear."""
    return vault.open(row["value"], "contact_points", "value", row["store_id"], row["id"])


def masked(kind: str, value: str) -> str:
    """A value as it is shown: `138****5678`, `w***@example.com`, `w***`."""
    if kind == "phone":
        return mask(value)
    name, at, domain = value.partition("@")
    return f"{name[:1]}***{at}{domain}"
