"""The text of a letter that somebody is to print and post, as of now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg

from shared.db import Connection
from shared.errors import NotFound
from shared.stores import StoreContext
from shared.wording import Wording, render, salutation, wording_for

LETTER, DEFAULT = "letter", "thank_you_letter"
_OWN = """
    SELECT key, channel, language, subject, body, html FROM message_templates WHERE store_id = $1 AND key = $2 AND channel = 'email'
"""
_ABOUT = """
    SELECT c.name, c.gender, c.kind, c.language, c.address, k.plate, k.model, v.message_template
    FROM tasks t
    JOIN customers c ON c.store_id = t.store_id AND c.id = t.customer_id
    LEFT JOIN visits v ON v.store_id = t.store_id AND v.id = t.visit_id
    LEFT JOIN sales s ON s.store_id = t.store_id AND s.id = t.about_id
    LEFT JOIN vehicles k ON k.store_id = t.store_id AND k.id = coalesce(v.vehicle_id, s.vehicle_id)
    WHERE t.store_id = $1 AND t.id = $2
"""


class NoLetter(NotFound):
    """This task has no letter to be posted."""

    code = "no_letter"
    zh = "该任务没有可打印的信件。"


async def letter_of(conn: Connection, store: StoreContext, task: Mapping[str, Any]) -> dict[str, Any]:
    """Whom to, where to, subject and text of the letter of a task. Raises NoLetter.

    A letter by post has the words of the e-mail it stands in for, in the customer's language.
    """
    about = await conn.fetchrow(_ABOUT, store.id, task["id"]) if task["kind"] == LETTER else None
    if about is None:
        raise NoLetter
    key = about["message_template"] or (DEFAULT if task["visit_id"] is None else "unreached")
    wording = await _wording(conn, store, key, about["language"] or store.language)
    if wording is None:
        raise NoLetter
    text = render(wording, _values(store, about, wording.language), signature=store.signature)
    return {"task_id": task["id"], "to": about["name"], "address": about["address"], "subject": text.subject, "body": text.body}


async def _wording(conn: Connection, store: StoreContext, key: str, language: str) -> Wording | None:
    rows = await conn.fetch(_OWN, store.id, key)
    own = {(row["key"], row["channel"], row["language"]): Wording(**dict(row)) for row in rows}
    return wording_for(own, key, "email", language, store.language)


def _values(store: StoreContext, about: asyncpg.Record, language: str) -> dict[str, str]:
    return {
        "customer_name": about["name"],
        "salutation": salutation(about["gender"], language) if about["kind"] == "person" else "",
        "vehicle_model": about["model"] or ("爱车" if language == "zh" else "car"),
        "plate": about["plate"] or "",
        "store_name": store.name,
        "store_phone": store.phone or "",
        "store_address": store.address or "",
        "manager_name": store.general_manager or "",
    }
