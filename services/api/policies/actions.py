"""Writes of insurance policies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.api import audit, records
from services.api.etags import Expected
from services.api.identities import Me
from services.api.policies.queries import TABLE, PolicyNotFound
from services.api.policies.schemas import PolicyIn, PolicyPatch
from shared.db import Connection
from shared.errors import Conflict, Invalid
from shared.ids import new_id

_OWNER = "SELECT customer_id FROM vehicles WHERE store_id = $1 AND id = $2"


class PolicyThere(Conflict):
    """This car has a policy that ends on that day already."""

    code = "policy_exists"
    zh = "该车辆已有同日到期的保单。"


async def add_policy(conn: Connection, me: Me, body: PolicyIn, *, now: datetime) -> UUID:
    """A policy of a car. Raises Invalid at a field, PolicyThere."""
    owner = await _owner(conn, me.store_id, body)
    values = {**body.model_dump(), "id": new_id(), "customer_id": owner}
    _check_order(values)
    async with records.once(conn, PolicyThere()):
        row = await records.insert(conn, TABLE, me.store_id, values, now=now)
    await audit.note(conn, me, "policy.created", "policy", row["id"], now=now)
    policy_id: UUID = row["id"]
    return policy_id


async def change_policy(
    conn: Connection, me: Me, policy_id: UUID, body: PolicyPatch, expected: Expected, *, now: datetime
) -> None:
    """Change what was given. Raises PolicyNotFound, Stale, Invalid at a field, PolicyThere."""
    row = await records.locked(conn, TABLE, me.store_id, policy_id, PolicyNotFound, expected)
    given = body.given
    _check_order({**dict(row), **given})
    async with records.once(conn, PolicyThere()):
        await records.update(conn, TABLE, me.store_id, policy_id, given, now=now)
    await audit.note(conn, me, "policy.changed", "policy", policy_id, now=now, detail={"fields": sorted(given)})


async def _owner(conn: Connection, store_id: UUID, body: PolicyIn) -> UUID:
    """Whose the car is, who must be the customer of the policy when one is named."""
    owner: UUID | None = await conn.fetchval(_OWNER, store_id, body.vehicle_id)
    if owner is None:
        raise Invalid("没有该车辆 / no such car", "/vehicle_id")
    if body.customer_id is not None and await records.customer(conn, store_id, body.customer_id, "/customer_id") != owner:
        raise Invalid("车辆不属于此客户 / the car is not this customer's", "/customer_id")
    return owner


def _check_order(policy: Mapping[str, Any]) -> None:
    if policy["starts_on"] is not None and policy["starts_on"] > policy["expires_on"]:
        raise Invalid("起保晚于到期 / it begins after it ends", "/starts_on")
