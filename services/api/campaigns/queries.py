"""Reading campaigns: one with its progress, pages of them, their members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api import records
from services.api.campaigns.schemas import CampaignOut
from services.api.identities import Me
from services.api.paging import Paging
from services.api.records import Sort, Where
from shared.db import Connection
from shared.errors import NotFound

TABLE = "campaigns"
NEWEST = Sort("t.created_at", "timestamptz", True)
BY_DAY = Sort("t.on_day", "date")
_FIELDS = tuple(CampaignOut.model_fields)
_SELECT = f"SELECT {', '.join(f't.{name}' for name in _FIELDS)} FROM campaigns t"
_MEMBERS = """
    SELECT t.id, t.customer_id, t.vehicle_id, t.on_day, t.state, t.reason, c.name AS customer_name, k.plate, v.id AS visit_id,
        v.state AS visit_state, v.assignee_id
    FROM campaign_members t
    JOIN customers c ON c.store_id = t.store_id AND c.id = t.customer_id
    LEFT JOIN vehicles k ON k.store_id = t.store_id AND k.id = t.vehicle_id
    LEFT JOIN LATERAL (
        SELECT id, state, assignee_id FROM visits
        WHERE store_id = t.store_id AND trigger_id = t.id AND programme = 'campaign' ORDER BY occurrence DESC LIMIT 1) v ON true
"""
_COUNTS = """
    SELECT 'members' AS what, state AS word, count(*) FROM campaign_members WHERE store_id = $1 AND campaign_id = $2 GROUP BY state
    UNION ALL
    SELECT 'excluded', reason, count(*) FROM campaign_members
    WHERE store_id = $1 AND campaign_id = $2 AND state = 'excluded' GROUP BY reason
    UNION ALL
    SELECT 'visits', v.state, count(*) FROM campaign_members m
    JOIN visits v ON v.store_id = m.store_id AND v.trigger_id = m.id AND v.programme = 'campaign'
    WHERE m.store_id = $1 AND m.campaign_id = $2 GROUP BY v.state
    UNION ALL
    SELECT 'messages', s.state, count(*) FROM campaign_members m
    JOIN visits v ON v.store_id = m.store_id AND v.trigger_id = m.id AND v.programme = 'campaign'
    JOIN messages s ON s.store_id = v.store_id AND s.visit_id = v.id
    WHERE m.store_id = $1 AND m.campaign_id = $2 GROUP BY s.state
"""


class CampaignNotFound(NotFound):
    """There is no such campaign."""

    code = "campaign_not_found"
    zh = "没有该活动，或您无权知道。"


async def campaign(conn: Connection, me: Me, campaign_id: UUID) -> dict[str, Any]:
    """One campaign with its progress. Raises CampaignNotFound."""
    row = await conn.fetchrow(f"{_SELECT} WHERE t.store_id = $1 AND t.id = $2", me.store_id, campaign_id)
    if row is None:
        raise CampaignNotFound
    return {**_out(row), "counts": await counts(conn, me.store_id, campaign_id)}


async def page_of_campaigns(
    conn: Connection, me: Me, state: str | None, purpose: str | None, paging: Paging
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of campaigns, the newest first."""
    where = [Where("t.state = {}", state), Where("t.purpose = {}", purpose)]
    rows, cursor = await records.page(conn, _SELECT, me.store_id, where, NEWEST, paging)
    return [_out(row) for row in rows], cursor


async def page_of_members(
    conn: Connection, me: Me, campaign_id: UUID, state: str | None, paging: Paging
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of a campaign's members, by day. Raises CampaignNotFound."""
    await records.one(conn, TABLE, me.store_id, campaign_id, CampaignNotFound)
    where = [Where("t.campaign_id = {}", campaign_id), Where("t.state = {}", state)]
    rows, cursor = await records.page(conn, _MEMBERS, me.store_id, where, BY_DAY, paging)
    return [{name: value for name, value in row.items() if name != "sort_key"} for row in rows], cursor


async def counts(conn: Connection, store_id: UUID, campaign_id: UUID) -> Mapping[str, dict[str, int]]:
    """Members, visits and messages by state, those left out by reason."""
    found: dict[str, dict[str, int]] = {"members": {}, "excluded": {}, "visits": {}, "messages": {}}
    for row in await conn.fetch(_COUNTS, store_id, campaign_id):
        found[row["what"]][row["word"] or "unknown"] = row["count"]
    return found


def _out(row: asyncpg.Record) -> dict[str, Any]:
    return {**{name: row[name] for name in _FIELDS}, "segment": orjson.loads(row["segment"])}
