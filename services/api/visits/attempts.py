"""Recording an attempt: one call may cover several visits; what follows is the ladder's to say, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api.identities import Me
from services.api.visits import booked, corrections, outcomes, queries
from services.api.visits.heard import open_what_was_heard, take_back_what_was_heard
from services.api.visits.required import check_required
from services.api.visits.schemas import AttemptIn, ResultIn
from shared.crypto import Vault
from shared.db import Connection
from shared.domain.visit import OPEN, Channel, Outcome, State
from shared.errors import Conflict, Forbidden, Invalid
from shared.honest import flag_attempts
from shared.ids import new_id
from shared.progress import progress
from shared.stores import StoreContext

WITHDRAW_WITHIN = timedelta(minutes=10)
AHEAD = timedelta(minutes=1)
LATE_ANSWER = timedelta(days=30)
CALLED = frozenset({Channel.PHONE, Channel.SMS})


class VisitClosed(Conflict):
    """The visit has ended; nothing more can be recorded on it."""

    code = "visit_closed"
    zh = "此回访已结束，不能再记录。"


class CustomerDeceased(Conflict):
    """The customer is deceased; nobody calls. A manager can undo this on the file."""

    code = "customer_deceased"
    zh = "客户已离世，停止一切联系；如有误，请经理撤销。"


class OptedOut(Conflict):
    """The number has opted out of calls; record only a call of the customer's own (`direction: in`)."""

    code = "opted_out"
    zh = "此号码已要求勿电话联系；只能记录客户来电（direction: in）。"


class TooLateToWithdraw(Conflict):
    """An attempt can be withdrawn for ten minutes, while no message went out; a death only by a manager."""

    code = "too_late_to_withdraw"
    zh = "只能在 10 分钟内、且未发出消息时撤回；客户离世只有经理可撤销。"


@dataclass(frozen=True)
class Recorded:
    """The attempt on the path's visit, and all visits the call covered."""

    attempt_id: UUID
    visit_ids: tuple[UUID, ...]


async def record(
    conn: Connection, store: StoreContext, vault: Vault, me: Me, visit_id: UUID, body: AttemptIn, *, now: datetime
) -> Recorded:
    """Store what was done, write corrections back, and let the ladder decide.

    Raises VisitNotFound, VisitClosed, CustomerDeceased, OptedOut, Invalid.
    """
    at = body.at or now
    results = {result.visit_id: result for result in body.results}
    ids = [visit_id, *(other for other in results if other != visit_id)]
    visits = await _lock(conn, me, ids)
    first = visits[visit_id]
    _check_caller(me, visits)
    _check(body, at, now, visits, first)
    number_id = await _called_number(conn, me.store_id, first, body)
    answers = _answers(body, results.values())
    place = await booked.take_place(conn, store, me, first, body, answers, now=now)
    late = store.calendar.day_of(at) < store.calendar.day_of(now)
    attempt_ids = {
        each: await _insert(conn, me, each, body, results.get(each), at=at, now=now, number_id=number_id, late=late)
        for each in ids
    }
    sales = await corrections.write_back(conn, store, vault, me, first, body, answers, now=now)
    await check_required(conn, store, visits, body, results)
    await open_what_was_heard(conn, store, me, visits, visit_id, body, attempt_ids, now=now)
    await progress(conn, store, ids, now=now, actor=me.actor)
    await corrections.replan(conn, store, me, sales, now=now)
    await outcomes.settle(conn, store, me, visits.values(), body, now=now)
    await corrections.numbers_proved(conn, store, me, first, body, number_id, ids, now=now)
    await flag_attempts(conn, store, list(attempt_ids.values()), now=now)
    await booked.follow_up(conn, store, me, visits.values(), place, answers, now=now)
    return Recorded(attempt_ids[visit_id], tuple(ids))


async def withdraw(conn: Connection, store: StoreContext, me: Me, visit_id: UUID, attempt_id: UUID, *, now: datetime) -> None:
    """Take an attempt back, as if it had not been: the ladder is asked again.

    Raises VisitNotFound, TooLateToWithdraw.
    """
    await _lock(conn, me, [visit_id])
    attempt = await conn.fetchrow(_ATTEMPT, me.store_id, visit_id, attempt_id)
    if attempt is None:
        raise queries.VisitNotFound
    if attempt["withdrawn_at"] is not None:
        return
    own = me.is_manager or (attempt["staff_id"] == me.staff_id and attempt["outcome"] != Outcome.DECEASED)
    if (
        not own
        or now - attempt["created_at"] > WITHDRAW_WITHIN
        or await conn.fetchval(_MESSAGED, me.store_id, visit_id, attempt["created_at"])
    ):
        raise TooLateToWithdraw
    await conn.execute("UPDATE attempts SET withdrawn_at = $3 WHERE store_id = $1 AND id = $2", me.store_id, attempt_id, now)
    await take_back_what_was_heard(conn, me.store_id, visit_id, attempt_id, attempt["created_at"], now=now)
    await conn.execute(_CANCEL_FOLLOWING, me.store_id, visit_id, now)
    await conn.execute(_AS_BEFORE, me.store_id, visit_id)
    await conn.execute(
        _EVENT,
        me.store_id,
        new_id(),
        visit_id,
        now,
        "attempt_withdrawn",
        me.actor.kind,
        me.actor.id,
        _json({"seq": attempt["seq"]}),
    )
    await progress(conn, store, [visit_id], now=now, actor=me.actor)
    await booked.take_back(conn, store, me, visit_id, attempt["created_at"], now=now)


async def _lock(conn: Connection, me: Me, ids: Sequence[UUID]) -> dict[UUID, asyncpg.Record]:
    rows = await conn.fetch(_LOCK, me.store_id, list(ids))
    found = {row["id"]: row for row in rows if queries.may_see(me, row)}
    if len(found) != len(set(ids)):
        raise queries.VisitNotFound
    return found


def _check_caller(me: Me, visits: Mapping[UUID, asyncpg.Record]) -> None:
    """The general manager reads every visit and calls on his own: those of complaints he owns. Raises Forbidden."""
    if me.roles == {"general_manager"} and any(visit["assignee_id"] != me.staff_id for visit in visits.values()):
        raise Forbidden


def _check(body: AttemptIn, at: datetime, now: datetime, visits: Mapping[UUID, asyncpg.Record], first: asyncpg.Record) -> None:
    if at > now + AHEAD:
        raise Invalid("时间在将来 / lies in the future", "/at")
    if body.outcome is Outcome.CALL_LATER and (body.next_at is None or body.next_at <= at):
        raise Invalid("稍后再打须给出约定时间 / call_later wants a later next_at", "/next_at")
    if body.next_at is not None and body.next_at <= at:
        raise Invalid("须晚于本次联系 / must be later than the attempt", "/next_at")
    for place, result in enumerate(body.results):
        visit = visits[result.visit_id]
        if visit["customer_id"] != first["customer_id"]:
            raise Invalid("不是同一位客户的回访 / a visit of another customer", f"/results/{place}/visit_id")
        if visit["tier"] != first["tier"]:
            raise Invalid("不同条线各自回访，不合并 / each tier makes its own call", f"/results/{place}/visit_id")
    if any(visit["state"] not in OPEN and not _late_answer(visit, body, at) for visit in visits.values()):
        raise VisitClosed


def _late_answer(visit: asyncpg.Record, body: AttemptIn, at: datetime) -> bool:
    """After `unreachable` an answer still counts, for 30 days."""
    answered = body.outcome in {Outcome.REACHED, Outcome.NOT_OWNER} or body.direction == "in"
    return visit["state"] == State.UNREACHABLE and answered and at - visit["closed_at"] <= LATE_ANSWER


async def _called_number(conn: Connection, store_id: UUID, visit: asyncpg.Record, body: AttemptIn) -> UUID | None:
    """The number that was used: the one named, else the callee's first that stands. None for other channels.

    Who brought the car is not in the file: the visit itself stands for his number. Raises Invalid, CustomerDeceased, OptedOut.
    """
    callee: bytes | None = visit["callee_phone_index"]
    named = None if callee is not None and body.contact_point_id == visit["id"] else body.contact_point_id
    (file,) = await conn.fetch(_CALLEE, store_id, visit["customer_id"], callee, named)
    if named is not None and file["named_id"] is None:
        raise Invalid("不是该客户的号码 / not a number of this customer", "/contact_point_id")
    number_id, index = _used(visit, body, file)
    if body.direction != "in":
        if file["deceased_at"] is not None:
            raise CustomerDeceased
        if body.channel is Channel.PHONE and index is not None and index in file["refused"]:
            raise OptedOut
    return number_id


def _used(visit: asyncpg.Record, body: AttemptIn, file: asyncpg.Record) -> tuple[UUID | None, bytes | None]:
    """The number's id and index."""
    callee = visit["callee_phone_index"]
    if file["named_id"] is not None:
        return file["named_id"], file["named_index"]
    if body.contact_point_id is not None:
        return visit["id"], callee
    if body.channel not in CALLED:
        return None, None
    if callee is not None and file["first_index"] != callee:
        return visit["id"], callee
    return file["first_id"], file["first_index"]


async def _insert(
    conn: Connection,
    me: Me,
    visit_id: UUID,
    body: AttemptIn,
    result: ResultIn | None,
    *,
    at: datetime,
    now: datetime,
    number_id: UUID | None,
    late: bool,
) -> UUID:
    attempt_id = new_id()
    said = result or body
    fixes = corrections.named(body.corrections)
    await conn.execute(
        _INSERT,
        me.store_id,
        attempt_id,
        visit_id,
        me.staff_id,
        body.channel,
        body.outcome,
        body.direction,
        number_id,
        body.reached_person,
        at,
        body.started_at,
        body.talk_seconds,
        body.note,
        said.satisfaction,
        said.problem_type,
        _json(said.answers) if said.answers is not None else None,
        result.state if result else None,
        _json(fixes) if fixes else None,
        body.next_at,
        late,
        now,
    )
    if said.satisfaction is not None or said.problem_type is not None:
        await conn.execute(_SCORE, me.store_id, visit_id, said.satisfaction, said.problem_type)
    return attempt_id


def _answers(body: AttemptIn, results: Any) -> dict[str, Any]:
    """All answers of the call together: what the file learns from them does not depend on which visit asked."""
    merged: dict[str, Any] = dict(body.answers or {})
    for result in results:
        merged.update(result.answers or {})
    return merged


def _json(value: object) -> str:
    return orjson.dumps(value, str).decode()


_LOCK = """
    SELECT id, customer_id, vehicle_id, tier, programme, step, state, role, assignee_id, due_at, closed_at, callee_phone_index,
        trigger_type, trigger_id
    FROM visits WHERE store_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE
"""
_CALLEE = """
    SELECT c.deceased_at, n.id AS named_id, n.value_index AS named_index, f.id AS first_id, f.value_index AS first_index, ARRAY(
        SELECT o.number_index FROM opt_outs o WHERE o.number_index IN ($3, n.value_index, f.value_index)
            AND o.revoked_at IS NULL AND o.channel IN ('phone', 'all')
    ) AS refused
    FROM customers c
    LEFT JOIN contact_points n ON n.store_id = c.store_id AND n.customer_id = c.id AND n.id = $4
    LEFT JOIN LATERAL (
        SELECT p.id, p.value_index FROM contact_points p
        WHERE p.store_id = c.store_id AND p.customer_id = c.id AND p.kind = 'phone' AND p.wrong_at IS NULL
        ORDER BY (p.value_index = $3) DESC NULLS LAST, p.rank, p.id LIMIT 1
    ) f ON true
    WHERE c.store_id = $1 AND c.id = $2
"""
_INSERT = """
    INSERT INTO attempts (store_id, id, visit_id, seq, staff_id, channel, outcome, direction, contact_point_id, reached_person, at,
        started_at, talk_seconds, note, satisfaction, problem_type, answers, result, corrections, next_at, late, created_at)
    SELECT $1, $2, $3, coalesce(max(seq), 0) + 1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21
    FROM attempts WHERE store_id = $1 AND visit_id = $3
"""
_SCORE = """
    UPDATE visits SET satisfaction = coalesce($3, satisfaction), problem_type = coalesce($4, problem_type)
    WHERE store_id = $1 AND id = $2
"""
_ATTEMPT = """
    SELECT seq, staff_id, outcome, contact_point_id, at, created_at, withdrawn_at FROM attempts
    WHERE store_id = $1 AND visit_id = $2 AND id = $3
"""
_MESSAGED = """
    SELECT true FROM due_contact_events
    WHERE store_id = $1 AND created_at >= $3 AND step IN ('sms', 'email')
        AND (visit_id = $2 OR id = (SELECT due_event_id FROM visits WHERE store_id = $1 AND id = $2)) LIMIT 1
"""
_CANCEL_FOLLOWING = """
    UPDATE visits SET state = 'cancelled', state_reason = 'attempt_withdrawn', next_step = NULL, next_at = NULL, next_reason = NULL,
        wake_at = NULL, closed_at = $3, updated_at = $3, version = version + 1
    WHERE store_id = $1 AND follows_visit_id = $2 AND state = 'planned'
"""
_AS_BEFORE = """
    UPDATE visits SET satisfaction = NULL, problem_type = NULL, state = CASE WHEN state = 'trying' AND NOT EXISTS (
        SELECT FROM attempts a WHERE a.store_id = $1 AND a.visit_id = $2 AND a.withdrawn_at IS NULL
    ) THEN 'due' ELSE state END
    WHERE store_id = $1 AND id = $2
"""
_EVENT = """
    INSERT INTO visit_events (store_id, id, visit_id, at, kind, actor_kind, actor_id, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
