"""What people do with a complaint, from the first response to the customer's word. Each says its state in one step forward."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api import audit, records
from services.api.complaints import queries
from services.api.complaints.schemas import (
    ComplaintIn,
    HandleIn,
    ReopenIn,
    ResolveIn,
    ResponseIn,
    TellIn,
)
from services.api.etags import Expected
from services.api.identities import Me
from shared.complaints import close, open_complaint, policy_of, put, record, reopen, standing_of, tell_result
from shared.complaints.follow_up import AGAIN, tell_by
from shared.complaints.telling import finish_tasks
from shared.db import Connection
from shared.domain.complaint import STATE_LABELS, Clock, Kind, State, clocks_of, ends_at, may_become, moved_by_pause, tick, way_of
from shared.errors import Conflict, Forbidden, Invalid
from shared.stores import StoreContext

AHEAD = timedelta(minutes=1)
RESPONDED = ("complaint_respond", "response_overdue", "complaint_attitude")
CONTACTED = ("contact_overdue", "complaint_crisis")
WORKING = frozenset({State.OPEN, State.RESPONDED, State.HANDLING})
_FOLLOW_UPS = """
    SELECT state FROM visits WHERE store_id = $1 AND trigger_id = $2 AND trigger_type = 'complaint.told'
        AND (occurrence - 1) / 10 = $3 ORDER BY state
"""
OPEN_VISITS = frozenset({"planned", "due", "trying"})


class WrongState(Conflict):
    """The complaint does not stand where this can be done."""

    code = "complaint_wrong_state"

    def __init__(self, state: str) -> None:
        label = STATE_LABELS[State(state)]
        super().__init__(f"The complaint is {state} ({label.en}); this cannot be done now.")
        self.zh = f"该投诉为「{label.zh}」，现在不能这样做。"
        self.more = {"state": state}


class NotHandled(Conflict):
    """The result is told when it has been handled; `…/handle` first, or `…/resolve` for both at once."""

    code = "complaint_not_handled"
    zh = "处理完成后才能告知结果；请先登记处理结果。"


class FollowUpOpen(Conflict):
    """The customer's word is asked on the follow-up, which is still open; record it there."""

    code = "complaint_follow_up_open"
    zh = "投诉回访尚未结束，请在回访中记录客户的意见。"


async def add(conn: Connection, store: StoreContext, me: Me, body: ComplaintIn, *, now: datetime) -> UUID:
    """Register a complaint. Raises Invalid at the field that names nothing of the store."""
    customer_id = await records.customer(conn, store.id, body.customer_id, "/customer_id")
    await records.require(conn, "vehicles", store.id, body.vehicle_id, "/vehicle_id")
    await records.require(conn, "visits", store.id, body.visit_id, "/visit_id")
    await records.require(conn, "work_orders", store.id, body.work_order_id, "/work_order_id")
    check_owner(store, body.owner_id)
    if body.owner_id not in (None, me.staff_id) and not me.reads_all:
        raise Forbidden
    return await open_complaint(
        conn,
        store,
        customer_id=customer_id,
        vehicle_id=body.vehicle_id,
        visit_id=body.visit_id,
        kind=body.kind,
        category=body.category,
        text=body.text,
        source=body.source,
        owner_id=body.owner_id,
        work_order_id=body.work_order_id,
        severity=body.severity,
        crisis_reasons=[str(reason) for reason in dict.fromkeys(body.crisis_reasons)],
        department=body.department,
        wish=body.wish,
        now=now,
        actor=me.actor,
    )


async def respond(conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, body: ResponseIn, *, now: datetime) -> None:
    """Somebody spoke with the customer; the first time is the first response. Raises WrongState, Invalid, Forbidden."""
    row = await entered(conn, me, complaint_id)
    at = body.at or now
    if State(row["state"]) not in WORKING | {State.TOLD}:
        raise WrongState(row["state"])
    if not standing_of(row).since <= at <= now + AHEAD:
        raise Invalid("须在投诉登记之后、现在之前 / between its opening and now", "/at")
    values: dict[str, object] = {}
    if row["responded_at"] is None:
        values |= {"responded_at": at} | ({"state": str(State.RESPONDED)} if row["state"] == State.OPEN else {})
    if body.handle_by is not None:
        values["handle_by"] = _promised(row, store, body.handle_by, now)
    if row["crisis"]:
        values["crisis_checklist"] = tick(_kept(row), "contact", at, str(me.staff_id or me.caller.kind))
    await put(conn, store, complaint_id, values, now=now)
    kind = "responded" if row["responded_at"] is None else "contact"
    said: dict[str, object] = {"text": body.text, "channel": body.channel, "at": at.isoformat(), "handle_by": body.handle_by}
    await record(conn, store.id, [(complaint_id, kind, said)], now=now, actor=me.actor)
    await finish_tasks(conn, store.id, complaint_id, [*RESPONDED, *CONTACTED], now=now, by=me.staff_id)


async def handle(conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, body: HandleIn, *, now: datetime) -> None:
    """The solution, and that it was carried out. Raises WrongState before the first response and after the result was told."""
    row = await entered(conn, me, complaint_id)
    if row["state"] not in (State.RESPONDED, State.HANDLING):
        raise WrongState(row["state"])
    values = {"state": str(State.HANDLING), "valid": True, "solution": body.solution} | _given(
        body, "customer_opinion", "cause", "compensation_fen"
    )
    if body.done:
        values |= resumed(row, store, now) | {"handled_at": row["handled_at"] or now}
        values["tell_by"] = row["tell_by"] or tell_by(store, now)
    await put(conn, store, complaint_id, values, now=now)
    kind = "handled" if body.done else "handling"
    await record(conn, store.id, [(complaint_id, kind, {"solution": body.solution})], now=now, actor=me.actor)
    if body.done:
        await finish_tasks(conn, store.id, complaint_id, ["handling_overdue"], now=now, by=me.staff_id)


async def tell(conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, body: TellIn, *, now: datetime) -> None:
    """The customer was told the result; the follow-up is planned. Raises WrongState, NotHandled."""
    row = await entered(conn, me, complaint_id)
    if State(row["state"]) not in WORKING:
        raise WrongState(row["state"])
    if row["handled_at"] is None:
        raise NotHandled
    more = _given(body, "customer_opinion", "summary", "measure")
    await _told(conn, store, me, row, {"result": body.result, **more}, body.channel, now)


async def resolve(conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, body: ResolveIn, *, now: datetime) -> None:
    """Handled and told in one; or, once told, what the customer said of it in the end.

    Raises WrongState, FollowUpOpen, Forbidden, Invalid at `/result`, `/confirmed` or `/note`.
    """
    row = await entered(conn, me, complaint_id)
    state = State(row["state"])
    if state in WORKING:
        if not body.result:
            raise Invalid("请写明告知客户的结果 / what the customer was told", "/result")
        values = {"result": body.result, "solution": body.solution or row["solution"] or body.result}
        await _told(conn, store, me, row, values | _given(body, "customer_opinion"), None, now)
    elif state in (State.TOLD, State.CLOSED_UNCONFIRMED):
        await _settle(conn, store, me, row, body, now)
    elif state is State.REJECTED or body.confirmed is False:
        raise WrongState(row["state"])


async def start_again(
    conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, body: ReopenIn, *, now: datetime
) -> None:
    """The customer is not satisfied: one level up, the loop again. Raises WrongState while the loop is still running."""
    row = await entered(conn, me, complaint_id)
    if State(row["state"]) not in AGAIN:
        raise WrongState(row["state"])
    await put(conn, store, complaint_id, {"valid": None, "invalid_reason": None}, now=now)
    await finish_tasks(conn, store.id, complaint_id, ["complaint_unconfirmed"], now=now, by=me.staff_id)
    await reopen(conn, store, row, {"reason": body.reason}, now=now, actor=me.actor)


async def entered(conn: Connection, me: Me, complaint_id: UUID, expected: Expected | None = None) -> asyncpg.Record:
    """The complaint, held, for whoever may work on it: its owner and managers.

    Raises ComplaintNotFound, Stale, Forbidden for those who may only know of it.
    """
    row = await records.locked(conn, queries.TABLE, me.store_id, complaint_id, queries.ComplaintNotFound, expected)
    if not queries.may_read(me, row):
        raise Forbidden
    return row


def check_owner(store: StoreContext, owner_id: UUID | None) -> None:
    """Raises Invalid at `/owner_id` for somebody who does not work in the store."""
    person = store.staff.get(owner_id) if owner_id else None
    if owner_id is not None and (person is None or not person.active):
        raise Invalid("不是在岗员工 / not an active member of staff", "/owner_id")


def resumed(row: asyncpg.Record, store: StoreContext, now: datetime) -> dict[str, object]:
    """The columns of a complaint that stood still and goes on: what was left at the pause is left now."""
    paused_at = row["paused_at"]
    if paused_at is None:
        return {}
    pauses = [*(orjson.loads(row["pauses"]) if row["pauses"] else []), [paused_at.isoformat(), now.isoformat()]]
    values: dict[str, object] = {"paused_at": None, "pause_reason": None, "pauses": pauses}
    for clock in clocks_of(standing_of(row), policy_of(store)):
        if clock.done_at is None and clock.stopped_at is not None:
            values[f"{clock.name}_by"] = _moved(clock, now, store)
    return values


def _moved(clock: Clock, now: datetime, store: StoreContext) -> datetime:
    assert clock.stopped_at is not None  # noqa: S101 - asked by the caller
    return moved_by_pause(clock.by, clock.stopped_at, now, clock.way, store.calendar)


def _promised(row: asyncpg.Record, store: StoreContext, handle_by: datetime, now: datetime) -> datetime:
    """The owner tells the customer a time, at most what the rules allow; later wants a manager and a reason (`…/extend`)."""
    policy = policy_of(store)
    allowed = policy.handling(Kind(row["kind"]))
    latest = max(ends_at(standing_of(row).since, allowed, way_of(allowed, policy), store.calendar), row["handle_by"])
    if row["handled_at"] is not None or not now < handle_by <= latest:
        raise Invalid(
            "须晚于现在、不超过规定时限；延期须经理批准 / later than now and within the rules; a manager may extend", "/handle_by"
        )
    return handle_by


async def _told(
    conn: Connection,
    store: StoreContext,
    me: Me,
    row: asyncpg.Record,
    said: Mapping[str, Any],
    channel: str | None,
    now: datetime,
) -> None:
    """The result is told: what was not said before was done by now."""
    before = {name: row[name] or now for name in ("responded_at", "handled_at")}
    values = {
        **said, **resumed(row, store, now), **before, "valid": True, "state": str(State.TOLD), "told_at": now, "resolved_at": now,
        "tell_by": row["tell_by"] or tell_by(store, before["handled_at"]),
    }  # fmt: skip
    if row["crisis"]:
        values["crisis_checklist"] = tick(_kept(row), "contact", now, str(me.staff_id or me.caller.kind))
    done = await put(conn, store, row["id"], values, now=now)
    await record(conn, store.id, [(row["id"], "told", {"result": said["result"], "channel": channel})], now=now, actor=me.actor)
    kinds = [*RESPONDED, *CONTACTED, "handling_overdue", "telling_overdue"]
    await finish_tasks(conn, store.id, row["id"], kinds, now=now, by=me.staff_id)
    await tell_result(conn, store, done, now=now, actor=me.actor)


async def _settle(conn: Connection, store: StoreContext, me: Me, row: asyncpg.Record, body: ResolveIn, now: datetime) -> None:
    """Closed by the customer's word, or by a manager without it; never while the follow-up may still bring it."""
    if body.confirmed is None:
        raise Invalid("请说明客户是否满意 / say whether the customer confirmed it", "/confirmed")
    if not body.note:
        raise Invalid("请写明依据 / how the customer said so, or why without", "/note")
    wanted = State.CLOSED if body.confirmed else State.CLOSED_UNCONFIRMED
    if not may_become(State(row["state"]), wanted):
        raise WrongState(row["state"])
    if wanted is State.CLOSED_UNCONFIRMED and not me.reads_all:
        raise Forbidden
    visits = await conn.fetch(_FOLLOW_UPS, store.id, row["id"], row["reopened"])
    if any(visit["state"] in OPEN_VISITS for visit in visits):
        raise FollowUpOpen
    await close(conn, store, row, wanted, {"note": body.note}, now=now, actor=me.actor)
    await finish_tasks(conn, store.id, row["id"], ["complaint_unconfirmed"], now=now, by=me.staff_id)
    await audit.note(conn, me, f"complaint.{wanted}", "complaint", row["id"], now=now)


def _given(body: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(body, name) for name in names if getattr(body, name) is not None}


def _kept(row: asyncpg.Record) -> dict[str, Any]:
    kept: dict[str, Any] = orjson.loads(row["crisis_checklist"]) if row["crisis_checklist"] else {}
    return kept
