"""Files that may be one customer: the same number or the same car, and a similar name. A suggestion, nothing more."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from services.api.identities import Me
from services.api.merges.ledger import Ledger
from services.api.merges.schemas import DuplicatePair, MergeOut
from services.api.paging import Paging
from shared.db import Connection
from shared.domain.merge import similar_names

BATCH = 500
_PAIRS = """
    WITH pairs AS (
        SELECT a.customer_id AS one, b.customer_id AS other, a.kind AS by
        FROM contact_points a JOIN contact_points b
            ON b.store_id = a.store_id AND b.value_index = a.value_index AND b.kind = a.kind AND b.customer_id > a.customer_id
        WHERE a.store_id = $1 AND a.kind IN ('phone', 'email')
        UNION
        SELECT least(a.customer_id, b.customer_id), greatest(a.customer_id, b.customer_id),
               CASE WHEN a.vin = b.vin THEN 'vin' ELSE 'plate' END
        FROM vehicles a JOIN vehicles b
            ON b.store_id = a.store_id AND b.customer_id > a.customer_id AND (b.vin = a.vin OR b.plate = a.plate)
        WHERE a.store_id = $1 AND coalesce(a.end_reason, '') NOT IN ('transferred', 'merged')
          AND coalesce(b.end_reason, '') NOT IN ('transferred', 'merged')
    )
    SELECT p.one, p.other, array_agg(DISTINCT p.by) AS by, c.name AS one_name, o.name AS other_name,
           c.lifecycle AS one_lifecycle, o.lifecycle AS other_lifecycle
    FROM pairs p
    JOIN customers c ON c.store_id = $1 AND c.id = p.one AND c.merged_into IS NULL
    JOIN customers o ON o.store_id = $1 AND o.id = p.other AND o.merged_into IS NULL
    WHERE $2::uuid IS NULL OR (p.one, p.other) > ($2, $3::uuid)
    GROUP BY p.one, p.other, c.name, o.name, c.lifecycle, o.lifecycle ORDER BY p.one, p.other LIMIT $4
"""
_MERGES = """
    SELECT * FROM customer_merges WHERE store_id = $1 AND $2 IN (kept_id, merged_id)
      AND ($3::timestamptz IS NULL OR (at, id) < ($3, $4::uuid))
    ORDER BY at DESC, id DESC LIMIT $5
"""


async def duplicates(conn: Connection, me: Me, paging: Paging) -> tuple[list[DuplicatePair], str | None]:
    """Pairs of files by id; those of one number whose names say they are two people are left out: families share phones."""
    after: tuple[UUID | None, UUID | None] = (paging.after_uuid(0), paging.after_uuid(1))
    found: list[asyncpg.Record] = []
    while len(found) <= paging.limit:
        rows = await conn.fetch(_PAIRS, me.store_id, *after, BATCH)
        found += [row for row in rows if similar_names(row["one_name"], row["other_name"])]
        if len(rows) < BATCH:
            break
        after = (rows[-1]["one"], rows[-1]["other"])
    items, cursor = paging.cut(found, lambda row: (row["one"], row["other"]))
    return [DuplicatePair(one=_file(row, "one"), other=_file(row, "other"), by=row["by"]) for row in items], cursor


async def page_of_merges(conn: Connection, me: Me, customer_id: UUID, paging: Paging) -> tuple[list[MergeOut], str | None]:
    """Merges a file took part in, the latest first."""
    after = paging.after_uuid(1) if paging.after else None
    rows = await conn.fetch(_MERGES, me.store_id, customer_id, paging.after_instant(), after, paging.limit + 1)
    items, cursor = paging.cut(rows, lambda row: (row["at"], row["id"]))
    return [shown(row) for row in items], cursor


def shown(row: asyncpg.Record) -> MergeOut:
    """A merge as the API shows it."""
    return MergeOut.model_validate({**dict(row), "rows": Ledger.read(row["moved"]).counts})


def _file(row: asyncpg.Record, which: str) -> dict[str, Any]:
    return {"id": row[which], "name": row[f"{which}_name"], "lifecycle": row[f"{which}_lifecycle"]}
