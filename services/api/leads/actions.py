"""Writes of leads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.api import audit, records
from services.api.etags import Expected
from services.api.identities import Me
from services.api.leads.queries import OPEN, TABLE, LeadNotFound
from services.api.leads.schemas import LeadIn, LeadPatch, LostIn, ReactivateIn, WonIn
from shared.db import Connection
from shared.domain.lead import BY_DAYS, REACTIVATE_DAYS, level_of
from shared.errors import Conflict, Invalid
from shared.ids import new_id
from shared.planning import settle_leads
from shared.stores import StoreContext

WON, LOST = "won", "lost"
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


class NotLost(Conflict):
    """Only a lost lead is taken up again."""

    code = "lead_not_lost"
    zh = "只有战败的意向才能重新激活。"


class EndedAlready(Conflict):
    """The lead has ended already."""

    code = "lead_ended"
    zh = "该意向已结束。"


async def add_lead(conn: Connection, store: StoreContext, me: Me, body: LeadIn, *, now: datetime) -> UUID:
    """A new lead, its customer a lead from now on, its next contact planned. Raises Invalid at a field, LeadThere."""
    values = body.model_dump()
    values["customer_id"] = await records.customer(conn, store.id, body.customer_id, "/customer_id")
    if body.consultant_id is None and CONSULTANT in me.roles:
        values["consultant_id"] = me.staff_id
    await _check(conn, store, values, now)
    _check_reason(values, values, was=OPEN)
    lead_id = new_id()
    ended = _ending(values["state"], OPEN, store.calendar.day_of(now))
    values |= {"id": lead_id, "level": _level(store, values, now), **ended}
    async with records.once(conn, LeadThere()):
        await records.insert(conn, TABLE, store.id, values, now=now)
    await _tell_customer(conn, store.id, values, now)
    await settle_leads(conn, store, [lead_id], now=now, actor=me.actor, reason="opened")
    await audit.note(conn, me, "lead.created", "lead", lead_id, now=now)
    return lead_id


async def change_lead(
    conn: Connection, store: StoreContext, me: Me, lead_id: UUID, body: LeadPatch, expected: Expected, *, now: datetime
) -> None:
    """Change what was given; won, lost and taken up again, the customer's lifecycle goes along, and the next contact moves.

    Raises LeadNotFound, Stale, Invalid at a field, LeadThere.
    """
    was = await records.locked(conn, TABLE, store.id, lead_id, LeadNotFound, expected)
    await _change(conn, store, me, was, body.given, now)


async def win(conn: Connection, store: StoreContext, me: Me, lead_id: UUID, body: WonIn, *, now: datetime) -> None:
    """Won, by this delivery and for this much; said again of a won lead it adds what was not known.

    Raises LeadNotFound, EndedAlready (lost), Invalid at a field.
    """
    was = await records.locked(conn, TABLE, store.id, lead_id, LeadNotFound)
    if was["state"] == LOST:
        raise EndedAlready
    given: dict[str, Any] = {"state": WON}
    if body.sale_id is not None:
        sale = await conn.fetchrow("SELECT * FROM sales WHERE store_id = $1 AND id = $2", store.id, body.sale_id)
        if sale is None or sale["customer_id"] != was["customer_id"]:
            raise Invalid("没有该客户的此交车记录 / no delivery of this customer", "/sale_id")
        given |= {"sale_id": sale["id"], "deal_fen": sale["price_fen"], "closed_on": sale["delivered_on"]}
    if body.deal_fen is not None:
        given["deal_fen"] = body.deal_fen
    await _change(conn, store, me, was, given, now)


async def lose(conn: Connection, store: StoreContext, me: Me, lead_id: UUID, body: LostIn, *, now: datetime) -> None:
    """Lost, with the kind of reason and perhaps words; called once more 90 days later.

    Raises LeadNotFound, EndedAlready, Invalid at a field.
    """
    was = await records.locked(conn, TABLE, store.id, lead_id, LeadNotFound)
    if was["state"] != OPEN:
        raise EndedAlready
    if body.kind == "other" and body.reason is None:
        raise Invalid("请写明原因 / say in words why", "/reason")
    await _change(conn, store, me, was, {"state": LOST, "lost_kind": body.kind, "lost_reason": body.reason}, now)


async def reactivate(conn: Connection, store: StoreContext, me: Me, lead_id: UUID, body: ReactivateIn, *, now: datetime) -> None:
    """A lost lead is open again, its contacts planned anew. Raises LeadNotFound, NotLost, Invalid at a field."""
    was = await records.locked(conn, TABLE, store.id, lead_id, LeadNotFound)
    if was["state"] != LOST:
        raise NotLost
    await _change(conn, store, me, was, {**body.given, "state": OPEN}, now)


async def _change(
    conn: Connection, store: StoreContext, me: Me, was: asyncpg.Record, given: Mapping[str, Any], now: datetime
) -> None:
    wanted = {**dict(was), **given}
    await _check(conn, store, wanted, now)
    _check_reason(given, wanted, was=was["state"])
    _check_next(store, given, wanted, store.calendar.day_of(now))
    # A lead that stays as it ended keeps the level it ended with.
    level = was["level"] if was["state"] == wanted["state"] != OPEN else _level(store, wanted, now)
    values = {**_ending(wanted["state"], was["state"], store.calendar.day_of(now)), **given, "level": level}
    async with records.once(conn, LeadThere()):
        await records.update(conn, TABLE, store.id, was["id"], values, now=now)
    if wanted["state"] != was["state"]:
        await _tell_customer(conn, store.id, wanted, now)
    await settle_leads(conn, store, [was["id"]], now=now, actor=me.actor, reason=_why(was, given))
    await audit.note(conn, me, "lead.changed", "lead", was["id"], now=now, detail={"fields": sorted(given)})


def _ending(state: str, was: str, today: date) -> dict[str, Any]:
    """What goes along with the end of a lead, and with its coming back."""
    if state == was:
        return {}
    if state == OPEN:
        return {"closed_on": None, "reactivate_on": None, "next_on": None}
    return {"closed_on": today, "reactivate_on": today + timedelta(days=REACTIVATE_DAYS) if state == LOST else None}


def _why(was: asyncpg.Record, given: Mapping[str, Any]) -> str | None:
    if given.get("state", was["state"]) != was["state"]:
        return "reactivated" if was["state"] == LOST else None
    return "expected_on_changed" if "expected_on" in given else None


def _level(store: StoreContext, lead: Mapping[str, Any], now: datetime) -> str:
    return level_of(lead["expected_on"], store.calendar.day_of(now), store.lead_policy).key


def _check_next(store: StoreContext, given: Mapping[str, Any], wanted: Mapping[str, Any], today: date) -> None:
    """A consultant sets the next date where the level has none of its own; elsewhere the level's cadence holds."""
    if given.get("next_on") is None:
        return
    if wanted["state"] != OPEN:
        raise Invalid("意向已结束 / the lead has ended", "/next_on")
    if given["next_on"] <= today:
        raise Invalid("须晚于今天 / must be later than today", "/next_on")
    if store.lead_policy != BY_DAYS or level_of(wanted["expected_on"], today).until(today) is not None:
        raise Invalid("该级别有规定的间隔 / this level has a cadence of its own", "/next_on")


async def _check(conn: Connection, store: StoreContext, lead: Mapping[str, Any], now: datetime) -> None:
    await records.require(conn, "staff", store.id, lead["consultant_id"], "/consultant_id")
    if lead["first_visit_on"] is not None and lead["first_visit_on"] > store.calendar.day_of(now):
        raise Invalid("首次到店在将来 / the first visit lies in the future", "/first_visit_on")


def _check_reason(given: Mapping[str, Any], wanted: Mapping[str, Any], *, was: str) -> None:
    """A lead is lost for a reason, said anew each time; no other has one to give."""
    lost = wanted["state"] == LOST
    said = given if lost and was != LOST else wanted
    if lost and not (said.get("lost_reason") or said.get("lost_kind")):
        raise Invalid("战败须写明原因 / a lost lead wants its reason", "/lost_reason")
    for name in ("lost_reason", "lost_kind"):
        if not lost and given.get(name):
            raise Invalid("只有战败才有原因 / only a lost lead has a reason", f"/{name}")


async def _tell_customer(conn: Connection, store_id: UUID, lead: Mapping[str, Any], now: datetime) -> None:
    """Lost for good only when no other lead is open or won; who won one becomes an owner with the delivery."""
    await conn.execute(_LOST if lead["state"] == LOST else _WARM, store_id, lead["customer_id"], now)
