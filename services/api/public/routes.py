"""The public pages over HTTP. The token is the credential; a wrong one is a page, not a problem document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import asyncpg
import orjson
from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from services.api.deps import Now, StoreConnection, TheHouse, Vault
from services.api.errors import TooLarge
from services.api.public import answers
from services.api.public.pages import page
from services.api.routing import router as make_router
from shared.complaints import LOW_SCORE
from shared.crypto import Vault as SharedVault
from shared.db import Connection, set_store_sql
from shared.opt_outs import enter_opt_out, revoke_opt_out
from shared.tokens import token_index

router = make_router(tag="public")

LONGEST_TOKEN = 64
LARGEST_FORM = 32 * 1024
BY_EMAIL = "e"
_ONE_CLICK = "one_click"

_TOKEN = "SELECT store_id, kind, ref_id FROM public_tokens WHERE token_index = $1 AND kind = $2"  # noqa: S105 - a statement
_SURVEY = """
    SELECT s.id, s.visit_id, s.language, s.questions, s.expires_at, s.answered_at, s.score, s.answers, s.comment, s.wants_call,
        v.state, v.state_reason, v.confirmed_at, t.name AS store, t.phone
    FROM surveys s JOIN visits v ON v.store_id = s.store_id AND v.id = s.visit_id JOIN stores t ON t.id = s.store_id
    WHERE s.store_id = $1 AND s.id = $2
"""
_MESSAGE = """
    SELECT m.number_index, m.language, t.name AS store FROM messages m JOIN stores t ON t.id = m.store_id
    WHERE m.store_id = $1 AND m.id = $2
"""
_FORM = {
    "requestBody": {
        "required": False,
        "content": {
            "application/x-www-form-urlencoded": {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
        },
    }
}


@router.get("/s/{token}", operation_id="show_survey", response_class=HTMLResponse, responses={404: {}, 410: {}})
async def show_survey(token: str, request: Request, conn: StoreConnection, vault: Vault, now: Now) -> Response:
    """The survey; after an answer, thanks, with a way to change it. Changes nothing."""
    survey = await _survey(conn, vault, token)
    if survey is None:
        return _gone(request)
    if survey["answered_at"] is None and survey["expires_at"] <= now:
        return _expired(survey)
    if survey["answered_at"] is not None and not (answers.changeable(survey, now) and "change" in request.query_params):
        return _thanks(request, survey, answers.changeable(survey, now))
    return _form(survey, _given(survey), fault=False)


@router.post(
    "/s/{token}", operation_id="answer_survey", response_class=HTMLResponse, openapi_extra=_FORM, responses={404: {}, 410: {}}
)
async def answer_survey(token: str, request: Request, conn: StoreConnection, house: TheHouse, vault: Vault, now: Now) -> Response:
    """Enter the answer, or change it while that is possible."""
    form = await _read_form(request)
    survey = await _survey(conn, vault, token)
    if survey is None:
        return _gone(request)
    if not answers.changeable(survey, now):
        return _thanks(request, survey, False) if survey["answered_at"] else _expired(survey)
    answer = answers.read_answer(orjson.loads(survey["questions"]), form)
    if answer is None:
        return _form(survey, form, fault=True)
    store = await house.stores.get(conn, await _store_id(conn, vault, token, "survey"), today=now.date())
    channel = "email" if BY_EMAIL in request.query_params else "sms"
    await answers.enter_answer(conn, store, survey, answer, channel, now)
    return _thanks(request, await _survey(conn, vault, token) or survey, True)


@router.get("/u/{token}", operation_id="show_unsubscribe", response_class=HTMLResponse, responses={404: {}})
async def show_unsubscribe(token: str, request: Request, conn: StoreConnection, vault: Vault) -> Response:
    """One button. Changes nothing: scanners open every link."""
    message = await _message(conn, vault, token)
    if message is None:
        return _gone(request)
    return _unsubscribe(message, "ask")


@router.post("/u/{token}", operation_id="unsubscribe", response_class=HTMLResponse, openapi_extra=_FORM, responses={404: {}})
async def unsubscribe(token: str, request: Request, conn: StoreConnection, vault: Vault, now: Now) -> Response:
    """No more marketing e-mail to this address, from any store: by the button, or by one click of the mail program (RFC 8058)."""
    form = await _read_form(request)
    message = await _message(conn, vault, token)
    if message is None:
        return _gone(request)
    numbers = [message["number_index"]] if message["number_index"] else []
    if form.get("undo") == "yes":
        await revoke_opt_out(conn, numbers, "email", scope="marketing", source=_ONE_CLICK, at=now)
        return _unsubscribe(message, "undone")
    store_id = await _store_id(conn, vault, token, "unsubscribe")
    await enter_opt_out(conn, numbers, "email", scope="marketing", source=_ONE_CLICK, store_id=store_id, at=now)
    return _unsubscribe(message, "done")


async def _place(conn: Connection, vault: SharedVault, token: str, kind: str) -> asyncpg.Record | None:
    """Where a token points, with the connection put into its store."""
    if len(token) > LONGEST_TOKEN:
        return None
    row = await conn.fetchrow(_TOKEN, token_index(vault, token), kind)
    if row is not None:
        await conn.execute(set_store_sql(row["store_id"]))
    return row


async def _store_id(conn: Connection, vault: SharedVault, token: str, kind: str) -> UUID:
    row = await _place(conn, vault, token, kind)
    assert row is not None  # noqa: S101 - it was found a moment ago in this transaction
    store_id: UUID = row["store_id"]
    return store_id


async def _survey(conn: Connection, vault: SharedVault, token: str) -> asyncpg.Record | None:
    row = await _place(conn, vault, token, "survey")
    return await conn.fetchrow(_SURVEY, row["store_id"], row["ref_id"]) if row else None


async def _message(conn: Connection, vault: SharedVault, token: str) -> asyncpg.Record | None:
    row = await _place(conn, vault, token, "unsubscribe")
    return await conn.fetchrow(_MESSAGE, row["store_id"], row["ref_id"]) if row else None


async def _read_form(request: Request) -> dict[str, str]:
    """A form as browsers send it; anything else is an empty one."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            raise TooLarge
    try:
        return dict(parse_qsl(body.decode(), max_num_fields=50, keep_blank_values=True))
    except ValueError:
        return {}


def _language(request: Request) -> str:
    return "en" if request.headers.get("accept-language", "").lower().startswith("en") else "zh"


def _gone(request: Request) -> Response:
    language = _language(request)
    return page("gone.html", language, 404, title="Huifang" if language == "en" else "回访")


def _expired(survey: asyncpg.Record) -> Response:
    return page(
        "expired.html", survey["language"], 410, title=survey["store"], store=survey["store"], phone=survey["phone"] or ""
    )


def _form(survey: asyncpg.Record, given: Mapping[str, Any], *, fault: bool) -> Response:
    questions = orjson.loads(survey["questions"])
    values = {"title": survey["store"], "store": survey["store"], "questions": questions, "given": given, "fault": fault}
    return page("survey.html", survey["language"], 422 if fault else 200, **values)


def _thanks(request: Request, survey: asyncpg.Record, can_change: bool) -> Response:
    keep = f"&{BY_EMAIL}" if BY_EMAIL in request.query_params else ""
    return page(
        "thanks.html",
        survey["language"],
        title=survey["store"],
        store=survey["store"],
        sorry=survey["score"] is not None and survey["score"] <= LOW_SCORE,
        will_call=survey["wants_call"],
        change_url=f"{request.url.path}?change{keep}" if can_change else None,
    )


def _unsubscribe(message: asyncpg.Record, state: str) -> Response:
    return page("unsubscribe.html", message["language"], title=message["store"], store=message["store"], state=state)


def _given(survey: asyncpg.Record) -> dict[str, str]:
    """What was answered before, as the form names it."""
    if survey["answered_at"] is None:
        return {}
    others: dict[str, str] = orjson.loads(survey["answers"]) if survey["answers"] else {}
    known = {**others, answers.SCORE: str(survey["score"] or ""), "comment": survey["comment"] or ""}
    return known | ({"wants_call": "yes"} if survey["wants_call"] else {})
