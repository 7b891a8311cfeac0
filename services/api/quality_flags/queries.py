"""Reading flags: all of the store, or those about one's team."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api.identities import Me
from services.api.paging import Paging
from shared.db import Connection
from shared.errors import NotFound


class FlagNotFound(NotFound):
    """There is no such flag."""

    code = "flag_not_found"
    zh = "没有该核查项，或您无权知道。"


def flag_of(row: asyncpg.Record) -> dict[str, Any]:
    """A flag as it goes out."""
    return {**dict(row), "detail": orjson.loads(row["detail"])}


def _sight(me: Me) -> tuple[bool, list[str], UUID | None]:
    """Sees all; else whose roles; and who asks: nobody sees a flag about himself."""
    return me.reads_every_visit, sorted(me.team), me.staff_id


async def page_of_flags(
    conn: Connection,
    me: Me,
    *,
    kind: str | None,
    state: str | None,
    staff_id: UUID | None,
    first: date | None,
    last: date | None,
    paging: Paging,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of flags, the newest first. What rests on an attempt that was withdrawn is left out while nobody has decided it."""
    rows = await conn.fetch(
        _PAGE, me.store_id, *_sight(me), kind, state, staff_id, first.isoformat() if first else None,
        last.isoformat() if last else None, paging.after_instant(), paging.after_uuid(1) if paging.after else None,
        paging.limit + 1,
    )  # fmt: skip
    items, cursor = paging.cut(rows, lambda row: (row["at"], row["id"]))
    return [flag_of(row) for row in items], cursor


async def flag(conn: Connection, me: Me, flag_id: UUID, *, lock: bool = False) -> dict[str, Any]:
    """One flag. Raises FlagNotFound."""
    row = await conn.fetchrow(_ONE + (" FOR UPDATE OF f" if lock else ""), me.store_id, *_sight(me), flag_id)
    if row is None:
        raise FlagNotFound
    return flag_of(row)


_FLAGS = """
    SELECT f.id, f.kind, f.staff_id, s.name AS staff_name, f.visit_id, f.attempt_id, v.customer_id, c.name AS customer_name,
        v.programme, f.day, f.at, f.detail, f.state, f.note, f.decided_at, f.decided_by
    FROM quality_flags f
    LEFT JOIN staff s ON s.store_id = f.store_id AND s.id = f.staff_id
    LEFT JOIN visits v ON v.store_id = f.store_id AND v.id = f.visit_id
    LEFT JOIN customers c ON c.store_id = v.store_id AND c.id = v.customer_id
    LEFT JOIN attempts a ON a.store_id = f.store_id AND a.id = f.attempt_id
    WHERE f.store_id = $1 AND ($2::bool OR s.roles && $3::text[]) AND f.staff_id IS DISTINCT FROM $4::uuid
"""
_ONE = _FLAGS + " AND f.id = $5"
_PAGE = (
    _FLAGS
    + """
    AND (f.state <> 'open' OR a.withdrawn_at IS NULL)
    AND ($5::text IS NULL OR f.kind = $5) AND ($6::text IS NULL OR f.state = $6) AND ($7::uuid IS NULL OR f.staff_id = $7)
    AND ($8::text IS NULL OR f.day >= left($8, length(f.day))) AND ($9::text IS NULL OR f.day <= $9)
    AND ($10::timestamptz IS NULL OR (f.at, f.id) < ($10, $11::uuid))
    ORDER BY f.at DESC, f.id DESC LIMIT $12
"""
)
