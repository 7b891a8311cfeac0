"""Writes of leads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.api import audit, records
from services.api.etags import Expected
from services.api.identities import Me
from services.api.leads.schemas import LeadIn, LeadOut, LeadPatch
from shared.db import Connection
from shared.domain.lead import BY_DAYS, Level, level_of
from shared.errors import Conflict, NotFound
from shared.stores import StoreContext

TABLE = "leads"
_LIFECYCLE = """
    UPDATE customers SET lifecycle = $3::text, updated_at = $4, version = version + 1
    WHERE store_id = $1 AND id = $2 AND lifecycle = ANY($5) AND NOT EXISTS (
        SELECT FROM leads l WHERE l.store_id = $1 AND l.customer_id = $2 AND l.state = 'open' AND $3::text = 'lost_deal')
"""
_TWICE = """
    SELECT true FROM leads WHERE store_id = $1 AND customer_id = $2 AND model IS NOT DISTINCT FROM $3
      AND first_visit_on IS NOT DISTINCT FROM $4 AND id <> $5
"""


class LeadNotFound(NotFound):
    """There is no such lead."""

    code = "lead_not_found"
    zh = "没有该意向，或您无权知道。"


class LeadThere(Conflict):
    """This customer has a lead for the same model from the same day already."""

    code = "lead_exists"
    zh = "该客户已有同日同车型的意向。"


def level(store: StoreContext, row: Mapping[str, Any], now: datetime) -> Level:
    """Today's level of a lead by the store's policy."""
    policy = store.policies.get("lead_policy")
    return level_of(row["expected_on"], store.calendar.day_of(now), policy if isinstance(policy, str) else BY_DAYS)


def out(store: StoreContext, row: asyncpg.Record, now: datetime) -> LeadOut:
    """A lead as it goes out; one that has ended has no level."""
    today = level(store, dict(row), now) if row["state"] == "open" else None
    return LeadOut.of({**dict(row), "level": today and today.key, "contact_every_days": today and today.every_days})


async def add_lead(conn: Connection, store: StoreContext, me: Me, body: LeadIn, *, now: datetime) -> asyncpg.Record:
    """A new lead, its customer a lead from now on. Raises Invalid, LeadThere."""
    await records.require(conn, "customers", store.id, body.customer_id, "/customer_id")
    values = body.model_dump()
    if values["consultant_id"] is None and "sales_consultant" in me.roles:
        values["consultant_id"] = me.staff_id
    await records.require(conn, "staff", store.id, values["consultant_id"], "/consultant_id")
    await _once(conn, store.id, values, store.id)
    row = await records.insert(
        conn, TABLE, store.id, {**values, "state": "open", "level": level(store, values, now).key}, now=now
    )
    await conn.execute(_LIFECYCLE, store.id, body.customer_id, "lead", now, ["prospect", "lost_deal"])
    await audit.note(conn, me, "lead.created", "lead", row["id"], now=now)
    return row


async def change_lead(
    conn: Connection, store: StoreContext, me: Me, lead_id: UUID, body: LeadPatch, expected: Expected, *, now: datetime
) -> asyncpg.Record:
    """Change what was given. A lead that is lost takes its customer to `lost_deal`. Raises LeadNotFound, Stale, Invalid, LeadThere."""
    row = await records.locked(conn, TABLE, store.id, lead_id, LeadNotFound, expected)
    given = body.given
    await records.require(conn, "staff", store.id, given.get("consultant_id"), "/consultant_id")
    wanted = {**dict(row), **given}
    await _once(conn, store.id, wanted, lead_id)
    if wanted["state"] != "lost":
        wanted["lost_reason"] = given["lost_reason"] = None
    row = await records.update(conn, TABLE, store.id, lead_id, {**given, "level": level(store, wanted, now).key}, now=now)
    lifecycle, before = ("lost_deal", ["prospect", "lead"]) if row["state"] == "lost" else ("lead", ["prospect", "lost_deal"])
    if "state" in given and row["state"] != "won":
        await conn.execute(_LIFECYCLE, store.id, row["customer_id"], lifecycle, now, before)
    await audit.note(conn, me, "lead.changed", "lead", lead_id, now=now, detail={"fields": sorted(body.given)})
    return row


async def _once(conn: Connection, store_id: UUID, lead: Mapping[str, Any], own_id: UUID) -> None:
    if await conn.fetchval(_TWICE, store_id, lead["customer_id"], lead["model"], lead["first_visit_on"], own_id):
        raise LeadThere
