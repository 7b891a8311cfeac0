"""Reading scripts: the words of every step as they are spoken now, the store's own laid over those of the programme."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.db import Connection
from shared.domain.programme import SYSTEM_ROLE, Option, Programme, Question, Step, parse_questions
from shared.errors import NotFound
from shared.stores import StoreContext

Named = tuple[str, Step]
"""The key of a programme and one of its steps."""

_ALL = "SELECT programme, step, text, questions, updated_at, updated_by FROM store_scripts WHERE store_id = $1"
_SOME = f"{_ALL} AND programme = ANY($2)"


class StepNotFound(NotFound):
    """There is no such step that somebody calls for, in a programme that is in force."""

    code = "step_not_found"
    zh = "没有该方案步骤，或方案未启用，或该步骤无须致电。"


def step_of(store: StoreContext, programme_key: str, step_key: str) -> tuple[Programme, Step]:
    """A step somebody calls for. Raises StepNotFound."""
    programme = store.programmes.get(programme_key)
    step = next((step for step in programme.steps if step.key == step_key), None) if programme else None
    if programme is None or step is None or step.role == SYSTEM_ROLE:
        raise StepNotFound
    return programme, step


async def with_own_words(conn: Connection, store_id: UUID, steps: Sequence[Named]) -> list[Step]:
    """The steps with the store's own script and questions where it has some, in the same order."""
    rows = await conn.fetch(_SOME, store_id, list({programme for programme, _ in steps}))
    own = {(row["programme"], row["step"]): row for row in rows}
    return [_laid_over(step, own.get((programme, step.key))) for programme, step in steps]


async def scripts(conn: Connection, store: StoreContext, language: str) -> list[dict[str, Any]]:
    """Every step somebody calls for, by programme."""
    own = {(row["programme"], row["step"]): row for row in await conn.fetch(_ALL, store.id)}
    return [
        script_of(programme, step, own.get((programme.key, step.key)), language)
        for programme in store.programmes.values()
        for step in programme.steps
        if step.role != SYSTEM_ROLE
    ]


async def script(conn: Connection, store: StoreContext, programme_key: str, step_key: str, language: str) -> dict[str, Any]:
    """One step's words. Raises StepNotFound."""
    programme, step = step_of(store, programme_key, step_key)
    row = await conn.fetchrow(f"{_ALL} AND programme = $2 AND step = $3", store.id, programme_key, step_key)
    return script_of(programme, step, row, language)


def script_of(programme: Programme, step: Step, row: asyncpg.Record | None, language: str) -> dict[str, Any]:
    """A script as it goes out."""
    spoken, english = _laid_over(step, row), language == "en"
    return {
        "programme": programme.key,
        "programme_name": programme.name_en if english else programme.name_zh,
        "step": step.key,
        "step_name": step.name_en if english else step.name_zh,
        "role": step.role,
        "own": row is not None,
        "own_questions": row is not None and _stored(row) is not None,
        "text": spoken.script or "",
        "questions": [_question_out(question) for question in spoken.questions],
        "updated_at": row["updated_at"] if row else None,
        "updated_by": row["updated_by"] if row else None,
    }


def _question_out(question: Question) -> dict[str, Any]:
    plain = {name: value for name, value in asdict(question).items() if name != "options"}
    return plain | {"options": [_option_out(option) for option in question.options]}


def _option_out(option: Option) -> Mapping[str, str]:
    return {"value": option.value, "zh": option.name.zh, "en": option.name.en}


def _laid_over(step: Step, row: asyncpg.Record | None) -> Step:
    if row is None:
        return step
    stored = _stored(row)
    questions = step.questions if stored is None else parse_questions(stored)[0]
    return replace(step, script=row["text"], questions=questions)


def _stored(row: asyncpg.Record) -> Iterable[Mapping[str, Any]] | None:
    found: list[Mapping[str, Any]] | None = orjson.loads(row["questions"]) if row["questions"] else None
    return found
