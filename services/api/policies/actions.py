"""Writes of insurance policies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.api import audit, records
from services.api.etags import Expected
from services.api.identities import Me
from services.api.policies.queries import TABLE, PolicyNotFound
from services.api.policies.schemas import NextPolicyIn, PolicyIn, PolicyPatch, ResultIn
from shared.db import Connection
from shared.domain.renewal import SUCCEEDS_AFTER_DAYS, next_term, succeeds
from shared.errors import Conflict, Invalid
from shared.ids import new_id
from shared.planning import replan_policies
from shared.stores import StoreContext

RENEWED = "renewed"
_FOLLOWING = """
    SELECT id FROM insurance_policies WHERE store_id = $1 AND vehicle_id = $2 AND expires_on >= $3::date + $4::int
    ORDER BY expires_on, id LIMIT 1
"""
_OF_THE_CAR = "SELECT id FROM insurance_policies WHERE store_id = $1 AND vehicle_id = $2 ORDER BY expires_on DESC LIMIT 20"
_OWNER = "SELECT customer_id FROM vehicles WHERE store_id = $1 AND id = $2"


class PolicySettled(Conflict):
    """How this renewal ended is known, and it is another end; correct the policy instead."""

    code = "policy_settled"
    zh = "该保单已有另一续保结果；如有误请修改保单。"


class PolicyThere(Conflict):
    """This car has a policy that ends on that day already."""

    code = "policy_exists"
    zh = "该车辆已有同日到期的保单。"


async def add_policy(conn: Connection, store: StoreContext, me: Me, body: PolicyIn, *, now: datetime) -> UUID:
    """A policy of a car; its renewal is planned when its end is near. Raises Invalid at a field, PolicyThere."""
    owner = await _owner(conn, me.store_id, body)
    values = {**body.model_dump(), "id": new_id(), "customer_id": owner}
    values["result_on"] = store.calendar.day_of(now) if body.result else None
    _check_order(values)
    async with records.once(conn, PolicyThere()):
        row = await records.insert(conn, TABLE, me.store_id, values, now=now)
    policy_id: UUID = row["id"]
    await _follow(conn, store, me, row, now)
    await audit.note(conn, me, "policy.created", "policy", policy_id, now=now)
    return policy_id


async def change_policy(
    conn: Connection, store: StoreContext, me: Me, policy_id: UUID, body: PolicyPatch, expected: Expected, *, now: datetime
) -> None:
    """Change what was given; renewal calls move or end. Raises PolicyNotFound, Stale, Invalid at a field, PolicyThere."""
    row = await records.locked(conn, TABLE, me.store_id, policy_id, PolicyNotFound, expected)
    given: dict[str, Any] = dict(body.given)
    _check_order({**dict(row), **given})
    if "result" in given and given["result"] != row["result"]:
        given["result_on"] = store.calendar.day_of(now) if given["result"] else None
    async with records.once(conn, PolicyThere()):
        row = await records.update(conn, TABLE, me.store_id, policy_id, given, now=now)
    await _follow(conn, store, me, row, now)
    await audit.note(conn, me, "policy.changed", "policy", policy_id, now=now, detail={"fields": sorted(given)})


async def settle_policy(
    conn: Connection, store: StoreContext, me: Me, policy_id: UUID, body: ResultIn, *, now: datetime
) -> UUID | None:
    """Renewed or lost: nobody calls about it any more. Out: the policy that follows a renewed one.

    Said again with the same result nothing changes. Raises PolicyNotFound, PolicySettled (another result), Invalid at a field.
    """
    row = await records.locked(conn, TABLE, store.id, policy_id, PolicyNotFound)
    if row["result"] is not None and row["result"] != body.result:
        raise PolicySettled
    _check_result(body, store.calendar.day_of(now))
    if row["result"] is None:
        given = {"result": body.result, "result_on": body.on or store.calendar.day_of(now), "lost_reason": body.lost_reason}
        row = await records.update(conn, TABLE, store.id, policy_id, given, now=now)
        await audit.note(conn, me, "policy.settled", "policy", policy_id, now=now, detail={"result": body.result})
    following = await _next_policy(conn, store, me, row, body.next or NextPolicyIn(), now) if body.result == RENEWED else None
    await _follow(conn, store, me, row, now)
    return following


async def _next_policy(
    conn: Connection, store: StoreContext, me: Me, row: asyncpg.Record, said: NextPolicyIn, now: datetime
) -> UUID:
    """The policy that follows: one that is there already, else a new one for a year from the end of this."""
    found: UUID | None = await conn.fetchval(_FOLLOWING, store.id, row["vehicle_id"], row["expires_on"], SUCCEEDS_AFTER_DAYS)
    if found is not None:
        return found
    starts_on, expires_on = next_term(row["expires_on"])
    values = {
        "id": new_id(),
        "vehicle_id": row["vehicle_id"],
        "customer_id": row["customer_id"],
        "insurer": said.insurer or row["insurer"],
        "number": said.number,
        "starts_on": said.starts_on or starts_on,
        "expires_on": said.expires_on or expires_on,
    }
    if values["starts_on"] > values["expires_on"]:
        raise Invalid("起保晚于到期 / it begins after it ends", "/next/starts_on")
    if not succeeds(row["expires_on"], values["expires_on"]):
        raise Invalid("新保单须晚于原保单半年以上到期 / the next policy must end half a year later at least", "/next/expires_on")
    made = await records.insert(conn, TABLE, store.id, values, now=now)
    await audit.note(conn, me, "policy.created", "policy", made["id"], now=now, detail={"follows": str(row["id"])})
    await _follow(conn, store, me, made, now)
    policy_id: UUID = made["id"]
    return policy_id


async def _follow(conn: Connection, store: StoreContext, me: Me, row: asyncpg.Record, now: datetime) -> None:
    """Renewal calls of this policy and, since a later one ends them, of the others of the car."""
    ids = [each["id"] for each in await conn.fetch(_OF_THE_CAR, store.id, row["vehicle_id"])]
    await replan_policies(conn, store, ids, now=now, actor=me.actor)


def _check_result(body: ResultIn, today: date) -> None:
    if body.on is not None and body.on > today:
        raise Invalid("结果日期在将来 / it lies in the future", "/on")
    if body.result == RENEWED and body.lost_reason is not None:
        raise Invalid("已续保没有流失原因 / a renewed policy was not lost", "/lost_reason")
    if body.result != RENEWED and body.next is not None:
        raise Invalid("未续保没有下一张保单 / a lost policy has no next one", "/next")


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
