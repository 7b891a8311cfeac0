"""Reading accidents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.api import records
from services.api.paging import Paging
from services.api.records import Sort, Where
from shared.db import Connection
from shared.errors import NotFound

TABLE = "accidents"
SORTS: Mapping[str, Sort] = {
    "-happened_on": Sort("t.happened_on", "date", True),
    "-reported_at": Sort("t.reported_at", "timestamptz", True),
}
_FIELDS = (
    "id", "customer_id", "customer_name", "vehicle_id", "plate", "external_code", "happened_on", "reported_at", "place",
    "description", "insurer", "claim_number", "claim_closed_on", "outcome", "created_at", "updated_at", "version",
)  # fmt: skip
_SELECT = """
    SELECT t.*, c.name AS customer_name, v.plate FROM accidents t
    JOIN customers c ON c.store_id = t.store_id AND c.id = t.customer_id
    JOIN vehicles v ON v.store_id = t.store_id AND v.id = t.vehicle_id
"""


class AccidentNotFound(NotFound):
    """There is no such accident."""

    code = "accident_not_found"
    zh = "没有该事故记录，或您无权知道。"


async def accident(conn: Connection, store_id: UUID, accident_id: UUID) -> dict[str, Any]:
    """One accident as it goes out. Raises AccidentNotFound."""
    row = await conn.fetchrow(f"{_SELECT} WHERE t.store_id = $1 AND t.id = $2", store_id, accident_id)
    if row is None:
        raise AccidentNotFound
    return {name: row[name] for name in _FIELDS}


async def page_of_accidents(
    conn: Connection, store_id: UUID, where: Sequence[Where], sort: Sort, paging: Paging
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of accidents as they go out."""
    rows, cursor = await records.page(conn, _SELECT, store_id, where, sort, paging)
    return [{name: row[name] for name in _FIELDS} for row in rows], cursor
