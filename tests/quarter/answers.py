"""What the people of the town do when they are called or texted. Pure: the same person, visit and day give the same answer."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.quarter.world import Person

AFTERNOON, EVENING = 14, 17
UNREACHED, WEIGHTS = ("no_answer", "busy", "powered_off", "out_of_coverage", "rejected"), (70, 14, 8, 4, 4)
SHUT = {"sold": "moved_or_sold", "dead": "deceased", "enough": "do_not_contact"}

Question = Mapping[str, Any]


@dataclass(frozen=True)
class Reaction:
    """The outcome of a call, and the rest of the attempt's body."""

    outcome: str
    more: Mapping[str, Any]


def on_a_call(person: Person, dice: random.Random, now: datetime) -> Reaction:
    """Does somebody answer, and what do they say first?"""
    if person.wrong_number:
        return Reaction(dice.choices(("wrong_number", "number_invalid", "not_owner"), (60, 30, 10))[0], {})
    part = 2 if now.hour >= EVENING else 1 if now.hour >= AFTERNOON else 0
    if dice.random() > person.picks_up[part]:
        return Reaction(dice.choices(UNREACHED, WEIGHTS)[0], {})
    if not person.shut:
        person.shut = _says_for_good(dice)
    if person.shut:
        return Reaction(SHUT[person.shut], {})
    if dice.random() < 0.05:
        again = (now + timedelta(days=1)).replace(hour=dice.choice((10, 14, 17)), minute=0)
        return Reaction("call_later", {"next_at": again.isoformat()})
    return Reaction(
        "reached",
        {"talk_seconds": dice.randrange(25, 400), "reached_person": dice.choices(("owner", "user", "family"), (85, 10, 5))[0]},
    )


def _says_for_good(dice: random.Random) -> str:
    chance = dice.random()
    return "dead" if chance < 0.0004 else "sold" if chance < 0.005 else "enough" if chance < 0.008 else ""


def on_questions(person: Person, dice: random.Random, questions: Sequence[Question], now: datetime) -> dict[str, Any]:
    """Answers to the questions of a step, and the score among them."""
    return {
        question["key"]: value
        for question in questions
        if (value := _answer(question, person, dice, now)) is not None and (question.get("required") or dice.random() < 0.6)
    }


def score(person: Person, dice: random.Random) -> int:
    """1 to 5; most are content most of the time."""
    content = dice.random() < person.mood
    return dice.choices((5, 4), (65, 35))[0] if content else dice.choices((3, 2, 1), (70, 22, 8))[0]


def _answer(question: Question, person: Person, dice: random.Random, now: datetime) -> Any:
    kind, key = question["type"], question["key"]
    if kind == "score":
        return score(person, dice)
    if kind == "yes_no":
        return dice.random() < (0.75 if key in ("insured", "plated") else 0.9)
    if kind == "number":
        return person.km_on(now.date()) if "mileage" in key else dice.randrange(1, 10)
    if kind == "choice":
        return dice.choice([option["value"] for option in question["options"]])
    if kind == "date":
        return (now + timedelta(days=dice.randrange(2, 20))).date().isoformat()
    return dice.choice(("都挺好的。", "等的时间有点长。", "价格再优惠一点就好了。")) if dice.random() < 0.3 else None
