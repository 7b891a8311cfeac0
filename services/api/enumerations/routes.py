"""Enumerations over HTTP."""

from __future__ import annotations

from pydantic import Field

from services.api.enumerations.words import ALL
from services.api.routing import router as make_router
from services.api.wire import Out

router = make_router("/enumerations", "enumerations")


class Word(Out):
    """A value of the wire and what people call it."""

    value: str = Field(examples=["no_answer"])
    zh: str = Field(examples=["无人接"])
    en: str = Field(examples=["No answer"])


class EnumerationsOut(Out):
    """Every list by its name; each in the order to show it."""

    enumerations: dict[str, list[Word]]


_ANSWER = EnumerationsOut(
    enumerations={
        name: [Word(value=value, zh=label.zh, en=label.en) for value, label in words.items()] for name, words in ALL.items()
    }
)


@router.get("", operation_id="list_enumerations")
async def list_enumerations() -> EnumerationsOut:
    """Labels for states, outcomes, roles and the rest, in both languages."""
    return _ANSWER
