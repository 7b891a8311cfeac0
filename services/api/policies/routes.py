"""Insurance policies over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from fastapi import Response

from services.api import audit, records
from services.api.deps import Me, Now, StoreConnection
from services.api.etags import IfMatch, tag
from services.api.paging import PageQuery
from services.api.policies.schemas import PolicyIn, PolicyOut, PolicyPatch
from services.api.records import Sort, Where
from services.api.routing import router as make_router
from services.api.wire import Page
from shared.errors import Conflict, Invalid, NotFound

router = make_router("/stores/{store_id}/policies", "policies")
TABLE = "insurance_policies"
SORTS = {
    "expires_on": Sort("t.expires_on", "date"),
    "-expires_on": Sort("t.expires_on", "date", True),
    "-created_at": Sort("t.created_at", "timestamptz", True),
}
_TWICE = "SELECT true FROM insurance_policies WHERE store_id = $1 AND vehicle_id = $2 AND expires_on = $3 AND id <> $4"


class PolicyNotFound(NotFound):
    """There is no such policy."""

    code = "policy_not_found"
    zh = "没有该保单，或您无权知道。"


class PolicyThere(Conflict):
    """This car has a policy that ends on that day already."""

    code = "policy_exists"
    zh = "该车辆已有同日到期的保单。"


@router.get("", operation_id="list_policies")
async def list_policies(
    conn: StoreConnection,
    me: Me,
    page: PageQuery,
    customer_id: UUID | None = None,
    vehicle_id: UUID | None = None,
    expires_from: date | None = None,
    expires_to: date | None = None,
    result: Literal["renewed", "lost"] | None = None,
    sort: Literal["expires_on", "-expires_on", "-created_at"] = "expires_on",
) -> Page[PolicyOut]:
    """Policies of the store's cars."""
    filters = [
        Where("t.customer_id = {}", customer_id),
        Where("t.vehicle_id = {}", vehicle_id),
        Where("t.expires_on >= {}", expires_from),
        Where("t.expires_on <= {}", expires_to),
        Where("t.result = {}", result),
    ]
    rows, cursor = await records.page(conn, f"SELECT t.* FROM {TABLE} t", me.store_id, filters, SORTS[sort], page)
    return Page(items=[PolicyOut.of(row) for row in rows], next_cursor=cursor)


@router.post("", status_code=201, operation_id="create_policy")
async def create_policy(body: PolicyIn, conn: StoreConnection, me: Me, now: Now, response: Response) -> PolicyOut:
    """Enter a policy."""
    await records.require(conn, "customers", me.store_id, body.customer_id, "/customer_id")
    await records.require(conn, "vehicles", me.store_id, body.vehicle_id, "/vehicle_id")
    if await conn.fetchval(_TWICE, me.store_id, body.vehicle_id, body.expires_on, me.store_id):
        raise PolicyThere
    row = await records.insert(conn, TABLE, me.store_id, body.model_dump(), now=now)
    await audit.note(conn, me, "policy.created", "policy", row["id"], now=now)
    response.headers["Location"] = f"/v1/stores/{me.store_id}/policies/{row['id']}"
    tag(response, row["version"])
    return PolicyOut.of(row)


@router.get("/{policy_id}", operation_id="get_policy")
async def get_policy(policy_id: UUID, conn: StoreConnection, me: Me, response: Response) -> PolicyOut:
    """One policy."""
    row = await records.one(conn, TABLE, me.store_id, policy_id, PolicyNotFound)
    tag(response, row["version"])
    return PolicyOut.of(row)


@router.patch("/{policy_id}", operation_id="update_policy")
async def update_policy(
    policy_id: UUID, body: PolicyPatch, conn: StoreConnection, me: Me, if_match: IfMatch, now: Now, response: Response
) -> PolicyOut:
    """Correct a policy, or say how its renewal ended."""
    row = await records.locked(conn, TABLE, me.store_id, policy_id, PolicyNotFound, if_match)
    wanted = {**dict(row), **body.given}
    if wanted["starts_on"] and wanted["starts_on"] > wanted["expires_on"]:
        raise Invalid("起保晚于到期 / it begins after it ends", "/starts_on")
    if await conn.fetchval(_TWICE, me.store_id, row["vehicle_id"], wanted["expires_on"], policy_id):
        raise PolicyThere
    row = await records.update(conn, TABLE, me.store_id, policy_id, body.given, now=now)
    await audit.note(conn, me, "policy.changed", "policy", policy_id, now=now, detail={"fields": sorted(body.given)})
    tag(response, row["version"])
    return PolicyOut.of(row)
