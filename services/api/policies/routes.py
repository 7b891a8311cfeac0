"""Insurance policies over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from services.api.deps import Me, Now, StoreConnection, TheHouse
from services.api.etags import IfMatch, etag
from services.api.paging import PageQuery
from services.api.policies import actions, queries
from services.api.policies.schemas import Filters, PolicyIn, PolicyOut, PolicyPatch, ResultIn
from services.api.routing import router as make_router
from services.api.wire import Day, Line, Page, json_response

router = make_router("/stores/{store_id}/policies", "policies")


@router.get("", operation_id="list_policies", response_model=Page[PolicyOut])
async def list_policies(
    conn: StoreConnection,
    me: Me,
    page: PageQuery,
    customer_id: UUID | None = None,
    vehicle_id: UUID | None = None,
    number: Annotated[Line | None, Query(description="The whole number.")] = None,
    expires_from: Day | None = None,
    expires_to: Day | None = None,
    result: Annotated[
        Literal["renewed", "lost", "open"] | None, Query(description="`open`: nobody has said yet how it ended.")
    ] = None,
    sort: Literal["expires_on", "-expires_on", "-created_at"] = "expires_on",
) -> Response:
    """Policies of the store's cars, the first to expire first."""
    filters = Filters(
        customer_id=customer_id,
        vehicle_id=vehicle_id,
        number=number,
        expires_from=expires_from,
        expires_to=expires_to,
        result=result,
    )
    items, cursor = await queries.page_of_policies(conn, me.store_id, filters, queries.SORTS[sort], page)
    return json_response({"items": items, "next_cursor": cursor})


@router.post("", status_code=201, operation_id="create_policy", response_model=PolicyOut)
async def create_policy(body: PolicyIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Enter a policy; calls about its renewal are planned when its end is near."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    policy_id = await actions.add_policy(conn, store, me, body, now=now)
    policy = await queries.policy(conn, me.store_id, policy_id)
    headers = {"Location": f"/v1/stores/{me.store_id}/policies/{policy_id}", "ETag": etag(policy["version"])}
    return json_response(policy, 201, headers)


@router.get("/{policy_id}", operation_id="get_policy", response_model=PolicyOut)
async def get_policy(policy_id: UUID, conn: StoreConnection, me: Me) -> Response:
    """One policy."""
    policy = await queries.policy(conn, me.store_id, policy_id)
    return json_response(policy, headers={"ETag": etag(policy["version"])})


@router.patch("/{policy_id}", operation_id="update_policy", response_model=PolicyOut)
async def update_policy(
    policy_id: UUID, body: PolicyPatch, conn: StoreConnection, house: TheHouse, me: Me, if_match: IfMatch, now: Now
) -> Response:
    """Correct a policy, or say how its renewal ended."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.change_policy(conn, store, me, policy_id, body, if_match, now=now)
    policy = await queries.policy(conn, me.store_id, policy_id)
    return json_response(policy, headers={"ETag": etag(policy["version"])})


@router.post("/{policy_id}/result", operation_id="settle_policy", response_model=PolicyOut)
async def settle_policy(policy_id: UUID, body: ResultIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Renewed or lost: the calls end, and a renewed policy has the next one."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.settle_policy(conn, store, me, policy_id, body, now=now)
    policy = await queries.policy(conn, me.store_id, policy_id)
    return json_response(policy, headers={"ETag": etag(policy["version"])})
