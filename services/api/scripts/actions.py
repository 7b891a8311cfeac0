"""Writes of scripts: a text with a fault is refused with its lines, and the one there is stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from services.api import audit
from services.api.identities import Me
from services.api.scripts import queries
from services.api.scripts.schemas import QuestionIn, ScriptIn
from shared.db import Connection
from shared.domain.programme import parse_questions
from shared.domain.script import script_faults
from shared.errors import Invalid
from shared.ids import new_id
from shared.stores import StoreContext


class ScriptInvalid(Invalid):
    """The script has faults; the old one stays in force. Each is named with its line."""

    code = "script_invalid"
    zh = "话术有误，原话术继续有效；错误逐行列出。"

    def __init__(self, errors: Sequence[dict[str, Any]]) -> None:
        super().__init__()
        self.errors = list(errors)


def check(body: ScriptIn) -> list[dict[str, Any]] | None:
    """The questions as they are kept (None: the programme's own). Raises ScriptInvalid with every fault of text and questions."""
    errors: list[dict[str, Any]] = [
        {"pointer": "#/text", "message": f"第 {line} 行：{fault}", "line": line} for line, fault in script_faults(body.text)
    ]
    questions = None if body.questions is None else [_plain(question) for question in body.questions]
    if questions is not None:
        _, faults = parse_questions(questions)
        errors += [{"pointer": "#/" + "/".join(map(str, path)), "message": message} for path, message in faults]
    if errors:
        raise ScriptInvalid(errors)
    return questions


async def put_script(
    conn: Connection, store: StoreContext, me: Me, programme: str, step: str, body: ScriptIn, *, now: datetime
) -> None:
    """Make these the words of the step in this store. Raises StepNotFound, ScriptInvalid."""
    queries.step_of(store, programme, step)
    questions = check(body)
    stored = None if questions is None else orjson.dumps(questions).decode()
    await conn.execute(_PUT, store.id, new_id(), programme, step, body.text.strip(), stored, now, me.staff_id)
    await audit.note(conn, me, "script.changed", "script", now=now, detail={"programme": programme, "step": step})


async def delete_script(conn: Connection, me: Me, programme: str, step: str, *, now: datetime) -> None:
    """Back to the programme's own words. Raises StepNotFound when the store has none of its own."""
    gone = await conn.execute(
        "DELETE FROM store_scripts WHERE store_id = $1 AND programme = $2 AND step = $3", me.store_id, programme, step
    )
    if gone == "DELETE 0":
        raise queries.StepNotFound
    await audit.note(conn, me, "script.removed", "script", now=now, detail={"programme": programme, "step": step})


def _plain(question: QuestionIn) -> dict[str, Any]:
    plain = question.model_dump()
    return plain if plain["options"] else {name: value for name, value in plain.items() if name != "options"}


_PUT = """
    INSERT INTO store_scripts (store_id, id, programme, step, text, questions, updated_at, updated_by, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)
    ON CONFLICT (store_id, programme, step) DO UPDATE SET text = excluded.text, questions = excluded.questions,
        updated_at = excluded.updated_at, updated_by = excluded.updated_by, version = store_scripts.version + 1
"""
