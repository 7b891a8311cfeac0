"""A survey's answer: entered, told to the ladder; who is unhappy has a complaint, who asks for it is called back within the hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.complaints import LOW_SCORE, open_for_answers
from shared.db import Connection
from shared.domain.visit import OPEN, State
from shared.events import NOTIFY_FEED, Actor, feed
from shared.ids import new_id
from shared.progress import progress
from shared.stores import StoreContext

LONGEST_COMMENT = 1000
CALL_WITHIN = timedelta(hours=1)
CALL_BACK = "call_back"
SCORE = "satisfaction"
CUSTOMER = Actor("customer")

_LOCK = """
    SELECT v.id, v.state, v.state_reason, v.assignee_id, v.role, v.customer_id, v.confirmed_at FROM visits v
    WHERE v.store_id = $1 AND v.id = $2 FOR UPDATE
"""
_ANSWER = """
    UPDATE surveys SET answered_at = $3, channel = $4, score = $5, answers = $6, comment = $7, wants_call = $8
    WHERE store_id = $1 AND id = $2
"""
_SATISFACTION = "UPDATE visits SET satisfaction = $3, updated_at = $4, version = version + 1 WHERE store_id = $1 AND id = $2"
_TASK = """
    INSERT INTO tasks (store_id, id, kind, customer_id, visit_id, role, assignee_id, due_at, detail, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
"""
_EVENT = """
    INSERT INTO visit_events (store_id, id, visit_id, at, kind, actor_kind, detail) VALUES ($1, $2, $3, $4, $5, 'customer', $6)
"""
_NOTIFY = "SELECT pg_notify($1, $2)"


@dataclass(frozen=True)
class Answer:
    """What somebody said: the score 1–5, other answers by question, free text, whether to call back."""

    score: int
    others: Mapping[str, str]
    comment: str
    wants_call: bool

    @property
    def unhappy(self) -> bool:
        return self.score <= LOW_SCORE


def read_answer(questions: Sequence[Mapping[str, Any]], form: Mapping[str, str]) -> Answer | None:
    """The answer in a form; None without a score. What was not asked, or is no possible answer, is passed over."""
    score = form.get(SCORE, "")
    if score not in ("1", "2", "3", "4", "5"):
        return None
    yes_no = {question["key"] for question in questions if question["type"] == "yes_no"}
    texts = [question["key"] for question in questions if question["type"] == "text"]
    comment = " ".join(form.get(key, "").replace("\x00", "").strip()[:LONGEST_COMMENT] for key in texts).strip()
    others = {key: form[key] for key in yes_no if form.get(key) in ("yes", "no")}
    return Answer(int(score), others, comment, form.get("wants_call") == "yes")


def changeable(survey: asyncpg.Record, now: datetime) -> bool:
    """May the answer be given or changed? While the link lives, the visit is open or was closed by an answer, and nobody signed it."""
    if survey["expires_at"] <= now or survey["confirmed_at"] is not None:
        return False
    if survey["answered_at"] is None or State(survey["state"]) in OPEN:
        return True
    return bool(survey["state"] == State.COMPLETED and (survey["state_reason"] or "").startswith("answer"))


async def enter_answer(
    conn: Connection, store: StoreContext, survey: asyncpg.Record, answer: Answer, channel: str, now: datetime
) -> None:
    """Write the answer and let the ladder draw its conclusion, in the caller's transaction."""
    visit = await conn.fetchrow(_LOCK, store.id, survey["visit_id"])
    assert visit is not None  # noqa: S101 - the survey refers to it
    others = orjson.dumps(answer.others).decode()
    await conn.execute(
        _ANSWER, store.id, survey["id"], now, channel, answer.score, others, answer.comment or None, answer.wants_call
    )
    await conn.execute(_SATISFACTION, store.id, visit["id"], answer.score, now)
    detail = orjson.dumps({"survey_id": str(survey["id"]), "score": answer.score, "channel": channel}).decode()
    await conn.execute(_EVENT, store.id, new_id(), visit["id"], now, "survey_answered", detail)
    await progress(conn, store, [visit["id"]], now=now, actor=CUSTOMER)
    if answer.unhappy:
        await open_for_answers(conn, store, [visit["id"]], now=now, actor=CUSTOMER)
    elif answer.wants_call:
        await _promise_call(conn, store, visit, survey["id"], answer, now)
    await conn.execute(_NOTIFY, NOTIFY_FEED, feed(store.id, "survey", survey["id"]))


async def _promise_call(
    conn: Connection, store: StoreContext, visit: asyncpg.Record, survey_id: UUID, answer: Answer, now: datetime
) -> None:
    """A task for whoever holds the visit, due one business hour from now: that is what the page says."""
    due_at = store.calendar.add_business_time(now, CALL_WITHIN)
    detail = orjson.dumps({"survey_id": str(survey_id), "score": answer.score, "reason": "asked"}).decode()
    who = (visit["customer_id"], visit["id"], visit["role"], visit["assignee_id"])
    await conn.execute(_TASK, store.id, new_id(), CALL_BACK, *who, due_at, detail, now)
