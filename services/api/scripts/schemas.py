"""The wire of scripts."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.api.wire import In, Instant, Line, Out
from shared.domain.programme import SCRIPT_PARTS

Words = Annotated[
    str,
    Field(min_length=1, max_length=8000, examples=["开场：您好，我是{{ store_name }}的{{ staff_name }}。"]),
]
"""One `部分：文字` a line."""

QuestionType = Literal["score", "yes_no", "text", "choice", "number", "date"]


class OptionIn(In):
    """One answer of a choice."""

    value: Line = Field(examples=["quality"])
    zh: Line = Field(examples=["服务质量"])
    en: Line = Field(examples=["Quality"])


class QuestionIn(In):
    """One question of the step."""

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$", examples=["fixed"])]
    zh: Line = Field(examples=["问题是否解决"])
    en: Line = Field(examples=["Is the fault fixed"])
    type: QuestionType = Field(examples=["yes_no"])
    required: bool = False
    options: Annotated[list[OptionIn], Field(max_length=30)] = Field(default_factory=list)


class ScriptIn(In):
    """The store's own words. `questions` null or absent: those of the programme stay."""

    text: Words
    questions: Annotated[list[QuestionIn], Field(max_length=30)] | None = None


class PreviewIn(ScriptIn):
    """Words to be tried on a visit; nothing is kept."""

    programme: Line
    step: Line
    visit_id: UUID | None = Field(None, description="Whose names, car and dates to use; absent: made-up ones.")


class OptionOut(Out):
    """One answer of a choice."""

    value: str
    zh: str
    en: str


class ScriptQuestion(Out):
    """One question of the step."""

    key: str
    zh: str
    en: str
    type: QuestionType
    required: bool
    options: list[OptionOut]


class ScriptOut(Out):
    """The words of a step as they are spoken now. `own`: the store's; else those of the programme."""

    programme: str = Field(examples=["after-repair"])
    programme_name: str = Field(examples=["修后回访"])
    step: str = Field(examples=["call"])
    step_name: str = Field(examples=["修后回访"])
    role: str = Field(examples=["followup_specialist"])
    own: bool
    own_questions: bool
    text: str = Field(examples=["开场：您好，我是{{ store_name }}的{{ staff_name }}。"])
    questions: list[ScriptQuestion]
    updated_at: Instant | None
    updated_by: UUID | None


class ScriptsOut(Out):
    """Every step somebody calls for, and what a script may name."""

    items: list[ScriptOut]
    parts: list[str] = Field(examples=[list(SCRIPT_PARTS)], description="In speaking order.")
    variables: list[str] = Field(examples=[["customer_name", "plate"]])


class PreviewLine(Out):
    """A part, filled in."""

    part: str
    text: str


class PreviewOut(Out):
    """The script as it would be read to this customer."""

    lines: list[PreviewLine]
    unfilled: list[str] = Field(
        examples=[["mileage_km"]], description="Variables that nothing is known for; they show as a blank."
    )
