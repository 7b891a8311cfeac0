"""Surveys over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
from fastapi import Query, Response
from pydantic import Field

from services.api.deps import Me, StoreConnection
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.wire import Flag, Instant, Out, Page, json_response
from shared.errors import NotFound

router = make_router("/stores/{store_id}/surveys", "surveys")

_COLUMNS = """
    s.id, s.visit_id, s.customer_id, c.name AS customer_name, v.programme, v.step, s.language, s.questions, s.created_at, s.expires_at,
    s.answered_at, s.channel, s.score, s.answers, s.comment, s.wants_call
"""
_FROM = """
    FROM surveys s JOIN visits v ON v.store_id = s.store_id AND v.id = s.visit_id
    JOIN customers c ON c.store_id = s.store_id AND c.id = s.customer_id
    WHERE s.store_id = $1 AND ($2 OR v.assignee_id = $3 OR c.holder_id = $3 OR (v.assignee_id IS NULL AND v.role = ANY($4)))
"""
_PAGE = f"""
    SELECT {_COLUMNS} {_FROM} AND ($5::boolean IS NULL OR (s.answered_at IS NOT NULL) = $5)
        AND ($6::int IS NULL OR s.score <= $6) AND ($7::uuid IS NULL OR s.customer_id = $7)
        AND ($8::timestamptz IS NULL OR (s.created_at, s.id) < ($8, $9::uuid))
    ORDER BY s.created_at DESC, s.id DESC LIMIT $10
"""
_ONE = f"SELECT {_COLUMNS} {_FROM} AND s.id = $5"


class SurveyNotFound(NotFound):
    """There is no such survey."""

    code = "survey_not_found"
    zh = "没有该调查，或您无权知道。"


class SurveyOut(Out):
    """One survey. `score` 1–5 is the overall satisfaction; null until somebody answers."""

    id: UUID
    visit_id: UUID
    customer_id: UUID
    customer_name: str = Field(examples=["王建国"])
    programme: str = Field(examples=["after-maintenance"])
    step: str = Field(examples=["call"])
    language: str = Field(examples=["zh"])
    questions: list[dict[str, Any]]
    created_at: Instant
    expires_at: Instant
    answered_at: Instant | None
    channel: str | None = Field(examples=["sms"])
    score: int | None = Field(examples=[5])
    answers: dict[str, Any] | None
    comment: str | None
    wants_call: bool


@router.get("", operation_id="list_surveys", response_model=Page[SurveyOut])
async def list_surveys(
    conn: StoreConnection,
    me: Me,
    page: PageQuery,
    answered: Flag | None = None,
    score_at_most: Annotated[int | None, Query(ge=1, le=5)] = None,
    customer_id: UUID | None = None,
) -> Response:
    """Surveys, newest first."""
    rows = await conn.fetch(
        _PAGE, *_scope(me), answered, score_at_most, customer_id,
        page.after_instant(), page.after_uuid(1) if page.after else None, page.limit + 1,
    )  # fmt: skip
    items, cursor = page.cut(rows, lambda row: (row["created_at"], row["id"]))
    return json_response({"items": [_out(row) for row in items], "next_cursor": cursor})


@router.get("/{survey_id}", operation_id="get_survey", response_model=SurveyOut)
async def get_survey(survey_id: UUID, conn: StoreConnection, me: Me) -> Response:
    """One survey with its answers."""
    row = await conn.fetchrow(_ONE, *_scope(me), survey_id)
    if row is None:
        raise SurveyNotFound
    return json_response(_out(row))


def _scope(me: Me) -> tuple[UUID, bool, UUID | None, list[str]]:
    return me.store_id, me.reads_all, me.staff_id, sorted(me.roles)


def _out(row: asyncpg.Record) -> dict[str, Any]:
    values = dict(row)
    return {
        **values,
        "questions": orjson.loads(values["questions"]),
        "answers": orjson.loads(values["answers"]) if values["answers"] else None,
    }
