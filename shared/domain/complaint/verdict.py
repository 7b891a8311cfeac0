"""What the customer's word in the follow-up means: a complaint closes only when the customer says so (domain.md §11.4)."""

from collections.abc import Mapping
from enum import StrEnum

SATISFIED_KEY = "complaint_settled"
"""The question of the follow-up that asks it; its answer stands above the score."""

SATISFIED_FROM = 4


class Verdict(StrEnum):
    """Closed by the customer's word; the loop again, one level up; nothing was said."""

    SATISFIED = "satisfied"
    NOT_SATISFIED = "not_satisfied"
    SILENT = "silent"


def verdict(state: str, satisfaction: int | None, answers: Mapping[str, object]) -> Verdict:
    """The verdict of a follow-up visit that has ended, from its state, its score 1–5 and its answers. No answer is no zero."""
    if state != "completed":
        return Verdict.SILENT
    said = answers.get(SATISFIED_KEY)
    if isinstance(said, str):
        said = {"yes": True, "true": True, "no": False, "false": False}.get(said.lower())
    if isinstance(said, bool):
        return Verdict.SATISFIED if said else Verdict.NOT_SATISFIED
    if satisfaction is None:
        return Verdict.SILENT
    return Verdict.SATISFIED if satisfaction >= SATISFIED_FROM else Verdict.NOT_SATISFIED
