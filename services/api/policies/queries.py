"""Reading insurance policies: one, and pages of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.api import records
from services.api.paging import Paging
from services.api.policies.schemas import Filters
from services.api.records import Sort, Where
from shared.db import Connection
from shared.errors import NotFound

TABLE = "insurance_policies"
SORTS: Mapping[str, Sort] = {
    "expires_on": Sort("t.expires_on", "date"),
    "-expires_on": Sort("t.expires_on", "date", True),
    "-created_at": Sort("t.created_at", "timestamptz", True),
}
_FIELDS = (
    "id", "customer_id", "customer_name", "vehicle_id", "plate", "insurer", "number", "starts_on", "expires_on", "result",
    "result_on", "lost_reason", "next_policy_id", "created_at", "updated_at", "version",
)  # fmt: skip
_SELECT = """
    SELECT t.*, c.name AS customer_name, v.plate, n.id AS next_policy_id FROM insurance_policies t
    JOIN customers c ON c.store_id = t.store_id AND c.id = t.customer_id
    JOIN vehicles v ON v.store_id = t.store_id AND v.id = t.vehicle_id
    LEFT JOIN LATERAL (
        SELECT id FROM insurance_policies WHERE store_id = t.store_id AND vehicle_id = t.vehicle_id AND expires_on >= t.expires_on + 180
        ORDER BY expires_on, id LIMIT 1) n ON true
"""


class PolicyNotFound(NotFound):
    """There is no such policy."""

    code = "policy_not_found"
    zh = "没有该保单，或您无权知道。"


async def policy(conn: Connection, store_id: UUID, policy_id: UUID) -> dict[str, Any]:
    """One policy as it goes out. Raises PolicyNotFound."""
    row = await conn.fetchrow(f"{_SELECT} WHERE t.store_id = $1 AND t.id = $2", store_id, policy_id)
    if row is None:
        raise PolicyNotFound
    return {name: row[name] for name in _FIELDS}


async def page_of_policies(
    conn: Connection, store_id: UUID, filters: Filters, sort: Sort, paging: Paging
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of policies as they go out."""
    where = [
        Where("t.customer_id = {}", filters.customer_id),
        Where("t.vehicle_id = {}", filters.vehicle_id),
        Where("t.number = {}", filters.number),
        Where("t.expires_on >= {}", filters.expires_from),
        Where("t.expires_on <= {}", filters.expires_to),
        Where("coalesce(t.result, 'open') = {}", filters.result),
    ]
    rows, cursor = await records.page(conn, _SELECT, store_id, where, sort, paging)
    return [{name: row[name] for name in _FIELDS} for row in rows], cursor
