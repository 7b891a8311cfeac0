"""Writes of leads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.api import audit, records
from services.api.etags import Expected
from services.api.identities import Me
from services.api.leads.queries import OPEN, TABLE, LeadNotFound, policy_of
from services.api.leads.schemas import LeadIn, LeadPatch
from shared.db import Connection
from shared.domain.lead import level_of
from shared.errors import Conflict, Invalid
from shared.ids import new_id
from shared.stores import StoreContext

LOST = "lost"
CONSULTANT = "sales_consultant"
_WARM = """
    UPDATE customers SET lifecycle = 'lead', updated_at = $3, version = version + 1
    WHERE store_id = $1 AND id = $2 AND lifecycle IN ('prospect', 'lost_deal')
"""
_LOST = """
    UPDATE customers SET lifecycle = 'lost_deal', updated_at = $3, version = version + 1
    WHERE store_id = $1 AND id = $2 AND lifecycle IN ('prospect', 'lead') AND NOT EXISTS (
        SELECT FROM leads l WHERE l.store_id = $1 AND l.customer_id = $2 AND l.state <> 'lost')
"""


class LeadThere(Conflict):
    """This customer has a lead for the same model from the same day already."""

    code = "lead_exists"
    zh = "该客户已有同日同车型的意向。"


async def add_lead(conn: Connection, store: StoreContext, me: Me, body: LeadIn, *, now: datetime) -> UUID:
    """A new lead, its customer a lead from now on. Raises Invalid at a field, LeadThere."""
    values = body.model_dump()
    values["customer_id"] = await records.customer(conn, store.id, body.customer_id, "/customer_id")
    if body.consultant_id is None and CONSULTANT in me.roles:
        values["consultant_id"] = me.staff_id
    await _check(conn, store, values, now)
    _check_reason(values, values, was=OPEN)
    lead_id = new_id()
    async with records.once(conn, LeadThere()):
        await records.insert(conn, TABLE, store.id, {**values, "id": lead_id, "level": _level(store, values, now)}, now=now)
    await _tell_customer(conn, store.id, values, now)
    await audit.note(conn, me, "lead.created", "lead", lead_id, now=now)
    return lead_id


async def change_lead(
    conn: Connection, store: StoreContext, me: Me, lead_id: UUID, body: LeadPatch, expected: Expected, *, now: datetime
) -> None:
    """Change what was given; won, lost and taken up again, the customer's lifecycle goes along.

    Raises LeadNotFound, Stale, Invalid at a field, LeadThere.
    """
    was = await records.locked(conn, TABLE, store.id, lead_id, LeadNotFound, expected)
    given = body.given
    wanted = {**dict(was), **given}
    await _check(conn, store, wanted, now)
    _check_reason(given, wanted, was=was["state"])
    # A lead that stays as it ended keeps the level it ended with.
    level = was["level"] if was["state"] == wanted["state"] != OPEN else _level(store, wanted, now)
    async with records.once(conn, LeadThere()):
        await records.update(conn, TABLE, store.id, lead_id, {**given, "level": level}, now=now)
    if wanted["state"] != was["state"]:
        await _tell_customer(conn, store.id, wanted, now)
    await audit.note(conn, me, "lead.changed", "lead", lead_id, now=now, detail={"fields": sorted(given)})


def _level(store: StoreContext, lead: Mapping[str, Any], now: datetime) -> str:
    return level_of(lead["expected_on"], store.calendar.day_of(now), policy_of(store)).key


async def _check(conn: Connection, store: StoreContext, lead: Mapping[str, Any], now: datetime) -> None:
    await records.require(conn, "staff", store.id, lead["consultant_id"], "/consultant_id")
    if lead["first_visit_on"] is not None and lead["first_visit_on"] > store.calendar.day_of(now):
        raise Invalid("首次到店在将来 / the first visit lies in the future", "/first_visit_on")


def _check_reason(given: Mapping[str, Any], wanted: Mapping[str, Any], *, was: str) -> None:
    """A lead is lost for a reason, said anew each time; no other has one to give."""
    lost = wanted["state"] == LOST
    reason = given.get("lost_reason") if lost and was != LOST else wanted["lost_reason"]
    if lost and not reason:
        raise Invalid("战败须写明原因 / a lost lead wants its reason", "/lost_reason")
    if not lost and given.get("lost_reason"):
        raise Invalid("只有战败才有原因 / only a lost lead has a reason", "/lost_reason")


async def _tell_customer(conn: Connection, store_id: UUID, lead: Mapping[str, Any], now: datetime) -> None:
    """Lost for good only when no other lead is open or won; who won one becomes an owner with the delivery."""
    await conn.execute(_LOST if lead["state"] == LOST else _WARM, store_id, lead["customer_id"], now)
