"""What must have been asked before a call completes a visit (domain.md §5.2): a required question without an answer is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from services.api.scripts.queries import with_own_words
from services.api.visits.schemas import AttemptIn, ResultIn
from shared.db import Connection
from shared.domain.programme import Question
from shared.domain.visit import Channel, Outcome, Result
from shared.errors import Invalid
from shared.stores import StoreContext

SETTING = "require_answers"
ALWAYS, ANSWERED, NEVER = "always", "answered", "never"
POLICIES = (ALWAYS, ANSWERED, NEVER)
"""When a required question is insisted upon; `answered` (d): on calls that answer any, so that a telephone system that only knows that
somebody was reached can say so, and a person with the questions before him leaves out none."""

TALKS = frozenset({Channel.PHONE, Channel.ONSITE})
"""Where questions are asked one after the other; a chat is answered as the customer likes."""


class AnswersMissing(Invalid):
    """A required question has no answer; ask it, or set the visit to be continued."""

    code = "answers_missing"

    def __init__(self, missing: list[tuple[str, Question]]) -> None:
        super().__init__(f"{len(missing)} required answers are missing: {', '.join(question.en for _, question in missing)}.")
        self.zh = f"还有 {len(missing)} 个必答：{'、'.join(question.zh for _, question in missing)}。"
        self.errors = [
            {"pointer": f"#{pointer}", "message": f"必答 / required: {question.zh} / {question.en}"}
            for pointer, question in missing
        ]


async def check_required(
    conn: Connection,
    store: StoreContext,
    visits: Mapping[UUID, asyncpg.Record],
    body: AttemptIn,
    results: Mapping[UUID, ResultIn],
) -> None:
    """Every visit that this call completes has the answers its step requires. Raises AnswersMissing with a pointer for each."""
    policy = store.policies.get(SETTING, ANSWERED)
    if body.outcome is not Outcome.REACHED or body.channel not in TALKS or policy == NEVER:
        return
    insisted = [visit for visit_id, visit in visits.items() if policy == ALWAYS or _answers_any(body, results.get(visit_id))]
    ending = [visit for visit in insisted if _completes(body, results.get(visit["id"]))]
    named = [(visit, step) for visit in ending for step in _steps(store, visit)]
    steps = await with_own_words(conn, store.id, [(visit["programme"], step) for visit, step in named])
    missing: list[tuple[str, Question]] = []
    for (visit, _), step in zip(named, steps, strict=True):
        said, at = _said(visit["id"], body, results)
        missing += [
            (f"{at}/{question.key}", question) for question in step.questions if question.required and question.key not in said
        ]
    if missing:
        raise AnswersMissing(list(dict(missing).items()))  # asked by two purposes without a result of their own: named once


def _answers_any(body: AttemptIn, result: ResultIn | None) -> bool:
    return bool(body.answers or (result is not None and result.answers))


def _completes(body: AttemptIn, result: ResultIn | None) -> bool:
    """Said so, or by itself: a conversation without another date completes."""
    return result.state is Result.COMPLETED if result is not None else body.next_at is None


def _steps(store: StoreContext, visit: asyncpg.Record) -> list[Any]:
    programme = store.programmes.get(visit["programme"])
    return [step for step in programme.steps if step.key == visit["step"]] if programme else []


def _said(visit_id: UUID, body: AttemptIn, results: Mapping[UUID, ResultIn]) -> tuple[set[str], str]:
    """The keys that have an answer for a visit, and where in the body one would stand.

    A question whose answer has a field of its own (the score, the problem, a corrected mileage) is answered by that field.
    """
    result = results.get(visit_id)
    answers: dict[str, Any] = {**(body.answers or {}), **((result.answers or {}) if result else {})}
    for source in (body, result):
        if source is not None:
            answers |= {name: value for name in ("satisfaction", "problem_type") if (value := getattr(source, name)) is not None}
    if body.corrections is not None:
        answers |= {name: value for name, value in body.corrections.given.items() if value is not None}
    if body.appointment is not None:
        answers["appointment_made"] = True
    place = list(results).index(visit_id) if result else None
    at = "/answers" if place is None else f"/results/{place}/answers"
    return {name for name, value in answers.items() if value not in (None, "")}, at
