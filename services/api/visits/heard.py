"""What a call brings to light besides its own result: a complaint, a score that is one, a problem for a department (domain.md §5.8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.api.identities import Me
from services.api.visits.schemas import AttemptIn, ResultIn
from shared.complaints import LOW_SCORE, open_complaint, open_for_score
from shared.complaints.opening import SCORE
from shared.db import Connection
from shared.problems import open_problem
from shared.stores import StoreContext

FOLLOWS_A_COMPLAINT = "complaint.told"
_WITHDRAWN = """
    UPDATE complaints SET state = 'rejected', valid = false, invalid_reason = 'attempt_withdrawn', source = 'score_withdrawn',
        closed_at = $3, wake_at = NULL, sign_off_by = NULL, updated_at = $3, version = version + 1
    WHERE store_id = $1 AND visit_id = $2 AND source = 'score' AND state = 'open' AND opened_at >= $4 RETURNING id
"""
_TASKS = "UPDATE tasks SET done_at = $3 WHERE store_id = $1 AND about_id = ANY($2::uuid[]) AND done_at IS NULL"
_PROBLEMS = """
    UPDATE problems SET state = 'resolved', action = 'attempt_withdrawn', resolved_at = $3, updated_at = $3, version = version + 1
    WHERE store_id = $1 AND attempt_id = $2 AND state = 'pending' RETURNING id
"""


async def open_what_was_heard(
    conn: Connection,
    store: StoreContext,
    me: Me,
    visits: Mapping[UUID, asyncpg.Record],
    visit_id: UUID,
    body: AttemptIn,
    attempt_ids: Mapping[UUID, UUID],
    *,
    now: datetime,
) -> UUID | None:
    """Open the complaint said on the call, one for each low score, a problem for each other trouble; out: the complaint said.

    A low score on the follow-up of a complaint is the customer's word on that complaint, and opens none.
    """
    results = {result.visit_id: result for result in body.results}
    said = results.get(visit_id) or body
    first, low = visits[visit_id], _low(said)
    told = await _complain(conn, store, me, first, body, low, now=now) if body.complaint is not None else None
    for other_id in visits:
        said, visit = results.get(other_id) or body, visits[other_id]
        covered = told is not None and other_id == visit_id
        if not covered and _low(said) and visit["trigger_type"] != FOLLOWS_A_COMPLAINT:
            await open_for_score(
                conn, store, **_about(visit), score=said.satisfaction or 1, text=_words(body, said),
                problem_type=said.problem_type, now=now, actor=me.actor,
            )  # fmt: skip
        elif not covered and said.problem_type is not None and _words(body, said):
            await open_problem(
                conn, store, **_about(visit), attempt_id=attempt_ids[other_id], type=said.problem_type,
                text=_words(body, said), now=now, actor=me.actor,
            )  # fmt: skip
    return told


async def take_back_what_was_heard(
    conn: Connection, store_id: UUID, visit_id: UUID, attempt_id: UUID, since: datetime, *, now: datetime
) -> None:
    """An attempt was withdrawn: its score's complaint, if nobody has touched it, and its problem are withdrawn with it."""
    complaints = await conn.fetch(_WITHDRAWN, store_id, visit_id, now, since)
    problems = await conn.fetch(_PROBLEMS, store_id, attempt_id, now)
    gone = [row["id"] for row in (*complaints, *problems)]
    if gone:
        await conn.execute(_TASKS, store_id, gone, now)


async def _complain(
    conn: Connection, store: StoreContext, me: Me, visit: asyncpg.Record, body: AttemptIn, low: bool, *, now: datetime
) -> UUID:
    """The complaint as the person on the telephone wrote it down; with a low score it is the score's own."""
    said = body.complaint
    assert said is not None  # noqa: S101 - asked by the caller
    of_score = low and visit["trigger_type"] != FOLLOWS_A_COMPLAINT
    return await open_complaint(
        conn, store, **_about(visit), kind=said.kind, category=said.category, severity=said.severity,
        crisis_reasons=[str(reason) for reason in said.crisis_reasons], text=said.text, wish=said.wish,
        source=SCORE if of_score else "call", now=now, actor=me.actor,
    )  # fmt: skip


def _about(visit: asyncpg.Record) -> dict[str, Any]:
    return {"customer_id": visit["customer_id"], "vehicle_id": visit["vehicle_id"], "visit_id": visit["id"]}


def _low(said: AttemptIn | ResultIn) -> bool:
    return said.satisfaction is not None and said.satisfaction <= LOW_SCORE


def _words(body: AttemptIn, said: AttemptIn | ResultIn) -> str:
    """What the customer said: the answer to the step's question for feedback, else the note of the call."""
    feedback = (said.answers or body.answers or {}).get("feedback")
    return str(feedback) if feedback else (body.note or "")
