"""What customers text back: stop, a score, or words that a person must read.

A stop is honoured at once and over all stores, whoever the number belongs to. A score answers the survey of the last message that
went to that number. A number that several customers share, and any text, goes to a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.notifier.settle import signal
from shared.crypto import Vault
from shared.db import Connection
from shared.domain.message import Reply, read_reply
from shared.events import NOTIFY_FEED, feed
from shared.ids import new_id
from shared.opt_outs import enter_opt_out
from shared.phones import InvalidPhone, parse_phone

LOOK_BACK = timedelta(days=30)
LONGEST_TEXT = 2000

_OWNERS = """
    SELECT p.store_id, p.customer_id FROM contact_points p
    JOIN customers c ON c.store_id = p.store_id AND c.id = p.customer_id
    WHERE p.value_index = $1 AND c.merged_into IS NULL AND ($2::uuid IS NULL OR p.store_id = $2)
"""
_LAST = """
    SELECT store_id, id, customer_id, visit_id, sent_at FROM messages
    WHERE number_index = $1 AND channel = 'sms' AND sent_at IS NOT NULL AND created_at > $2 AND ($3::uuid IS NULL OR store_id = $3)
    ORDER BY sent_at DESC LIMIT 1
"""
_REPLY = """
    INSERT INTO replies (store_id, id, customer_id, visit_id, message_id, number_index, body, meaning, score, at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_ANSWER = """
    UPDATE surveys SET score = $3, answered_at = $4, channel = 'sms'
    WHERE store_id = $1 AND visit_id = $2 AND expires_at > $4 RETURNING id
"""
_TASK = """
    INSERT INTO tasks (store_id, id, kind, customer_id, visit_id, assignee_id, due_at, detail, created_at)
    VALUES ($1, $2, 'read_reply', $3, $4, $5, $6, $7, $6) ON CONFLICT DO NOTHING
"""
_ASSIGNEE = "SELECT assignee_id FROM visits WHERE store_id = $1 AND id = $2"
_NOTIFY = "SELECT pg_notify($1, $2)"


@dataclass(frozen=True)
class ReplyIn:
    """One inbound SMS: from which number (E.164), what, when."""

    number: str
    text: str
    at: datetime


@dataclass(frozen=True)
class _Place:
    """Whom a reply is from, as far as we can tell: of the store, the customer and visit the last message was about."""

    store_id: UUID
    customer_id: UUID | None
    visit_id: UUID | None
    message_id: UUID | None
    certain: bool


def read_replies(body: Any, now: datetime) -> tuple[list[ReplyIn], int]:
    """The replies of a callback and how many items could not be read. Their instant is ours: the sender's clock decides nothing."""
    items = body if isinstance(body, list) else [body]
    read = [_read_one(item, now) for item in items]
    good = [reply for reply in read if reply is not None]
    return good, len(read) - len(good)


async def apply_reply(conn: Connection, vault: Vault, reply: ReplyIn, store_id: UUID | None, now: datetime) -> str:
    """Act on one reply in the caller's transaction. Out: what it was taken for.

    `store_id`: the store of the token, None when the provider serves several.
    """
    index, meaning = vault.index("phone", reply.number), read_reply(reply.text)
    if meaning.kind in ("opt_out", "unclear_opt_out"):
        await enter_opt_out(conn, [index], "sms", source="reply", store_id=store_id, at=now)
    place = await _place(conn, index, store_id, now)
    if place is None:
        return f"{meaning.kind}_of_nobody"
    reply_id = new_id()
    sealed = vault.seal(reply.text, "replies", "body", place.store_id, reply_id)
    who = (place.customer_id, place.visit_id, place.message_id)
    await conn.execute(_REPLY, place.store_id, reply_id, *who, index, sealed, meaning.kind, meaning.score, now)
    await _act(conn, place, meaning, reply_id, now)
    await conn.execute(_NOTIFY, NOTIFY_FEED, feed(place.store_id, "reply", reply_id))
    return meaning.kind


async def _act(conn: Connection, place: _Place, meaning: Reply, reply_id: UUID, now: datetime) -> None:
    if meaning.kind == "opt_out":
        if place.visit_id is not None:
            await signal(conn, place.store_id, [(place.visit_id, "opt_out", reply_id)], now)
        return
    if meaning.kind == "score" and place.certain and await _score(conn, place, meaning.score or 0, now):
        return
    await _to_a_person(conn, place, reply_id, now)


async def _score(conn: Connection, place: _Place, score: int, now: datetime) -> bool:
    """The survey of the visit is answered; a later digit changes the answer while the survey lives."""
    survey_id = await conn.fetchval(_ANSWER, place.store_id, place.visit_id, score, now) if place.visit_id else None
    if survey_id is None or place.visit_id is None:
        return False
    await signal(conn, place.store_id, [(place.visit_id, f"answer_{score}", survey_id)], now)
    return True


async def _to_a_person(conn: Connection, place: _Place, reply_id: UUID, now: datetime) -> None:
    assignee = await conn.fetchval(_ASSIGNEE, place.store_id, place.visit_id) if place.visit_id else None
    detail = orjson.dumps({"reply_id": str(reply_id), "certain": place.certain}).decode()
    await conn.execute(_TASK, place.store_id, new_id(), place.customer_id, place.visit_id, assignee, now, detail)
    if place.visit_id is not None and place.certain:
        await signal(conn, place.store_id, [(place.visit_id, "reply", reply_id)], now)


async def _place(conn: Connection, index: bytes, store_id: UUID | None, now: datetime) -> _Place | None:
    owners = {(row["store_id"], row["customer_id"]) for row in await conn.fetch(_OWNERS, index, store_id)}
    last = await conn.fetchrow(_LAST, index, now - LOOK_BACK, store_id)
    if last is not None:
        mine = (last["store_id"], last["customer_id"])
        return _Place(*mine, last["visit_id"], last["id"], len(owners | {mine}) == 1)
    return _without_message(sorted(owners), store_id)


def _without_message(owners: Sequence[tuple[UUID, UUID]], store_id: UUID | None) -> _Place | None:
    """Nothing went there lately: the one customer of that number, else the store it can be said to belong to."""
    if len(owners) == 1:
        return _Place(owners[0][0], owners[0][1], None, None, True)
    if owners:
        return _Place(owners[0][0], None, None, None, False)
    return _Place(store_id, None, None, None, False) if store_id else None


def _read_one(item: Any, now: datetime) -> ReplyIn | None:
    if not isinstance(item, dict) or not isinstance(item.get("from"), str) or not isinstance(item.get("text"), str):
        return None
    try:
        number = parse_phone(item["from"]).e164
    except InvalidPhone:
        return None
    return ReplyIn(number, item["text"].replace("\x00", "")[:LONGEST_TEXT], now)
