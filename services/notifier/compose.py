"""One message: to which address, in which words. Pure but for the vault's keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.notifier import policy
from services.notifier.known import Numbers, Person, Row
from services.notifier.occasions import Occasion, words_of
from shared.crypto import Sealed, Vault
from shared.domain.consent import Purpose
from shared.domain.programme import Programme, Question, Step, Trigger
from shared.stores import StoreContext
from shared.tokens import survey_token, unsubscribe_token
from shared.wording import Rendered, Wording, render, salutation, uses, wording_for

_CAR = {"zh": "爱车", "en": "car"}
_INTERVAL_MONTHS, _INTERVAL_KM = 6, 5000
_KIND = {"sms": "phone", "email": "email"}


@dataclass(frozen=True)
class Batch:
    """Everything read for messages of one store that have no words yet."""

    store: StoreContext
    vault: Vault
    public_url: str
    visits: Mapping[UUID, Row]
    points: Mapping[UUID, Sequence[Row]]
    numbers: Numbers
    people: Mapping[UUID, Person]
    advisors: Mapping[UUID, UUID]
    wordings: Mapping[tuple[str, str, str], Wording]
    occasions: Mapping[UUID, Occasion] = field(default_factory=dict)
    recipes: dict[tuple[str, str, str | None], Recipe] = field(default_factory=dict)


class Recipe(NamedTuple):
    """What messages of one template, channel and language share: worked out once a batch. No wording: there is none to be had."""

    language: str
    wording: Wording | None
    asks: bool
    constants: Mapping[str, str]


class Address(NamedTuple):
    """Where it goes: the contact point (None: the person who brought the car), its index, the text."""

    point_id: UUID | None
    value_index: bytes
    text: str


class Worded(NamedTuple):
    """What a message gets at the first look: the address, sealed for its row, and the words. `subject` and `body` None: no wording."""

    point_id: UUID | None
    number_index: bytes | None
    address: Sealed | None
    language: str
    subject: str | None
    body: str | None
    survey: str | None
    unsubscribe: str | None


def compose(batch: Batch, message: Row) -> Worded:
    """Address and words of a message that has none."""
    visit, channel, purpose = batch.visits[message["visit_id"]], message["channel"], Purpose(message["purpose"])
    recipe = _recipe(batch, message["template"], channel, visit["language"])
    address = choose_address(batch, visit, channel, purpose)
    survey = survey_token(batch.vault, visit["id"]) if recipe.asks else None
    rendered = _words(batch, visit, recipe, purpose, survey) if recipe.wording is not None else None
    return Worded(
        address.point_id if address else None,
        address.value_index if address else None,
        batch.vault.seal(address.text, "messages", "address", batch.store.id, message["id"]) if address else None,
        recipe.language,
        rendered.subject if rendered else None,
        rendered.body if rendered else None,
        survey,
        _unsubscribe(batch.vault, message["id"], channel, purpose),
    )


def _recipe(batch: Batch, template: str, channel: str, language: str | None) -> Recipe:
    key = (template, channel, language)
    found = batch.recipes.get(key)
    if found is None:
        wanted = language or batch.store.language
        wording = wording_for(batch.wordings, template, channel, wanted, batch.store.language)
        asks = wording is not None and uses(wording, "survey_url")
        found = Recipe(wording.language if wording else wanted, wording, asks, _constants(batch.store))
        batch.recipes[key] = found
    return found


def choose_address(batch: Batch, visit: Row, channel: str, purpose: Purpose) -> Address | None:
    """The callee's own number first, then the file's in order; the first that has not opted out, else the first there is."""
    found: Address | None = None
    for candidate in _addresses(batch, visit, channel):
        if not policy.refuses(batch.numbers.opt_outs.get(candidate[1], frozenset()), purpose, channel):
            return _opened(batch, visit, candidate)
        found = found or _opened(batch, visit, candidate)
    return found


def survey_questions(programmes: Mapping[str, Programme], visit: Row) -> str:
    """At most three questions as JSON: the score, the step's first yes-or-no if it has one, free text (S4: 2–3 questions)."""
    step = _step_of(programmes, visit)
    closed = next((q for q in step.questions if q.type == "yes_no"), None) if step else None
    return _questions(closed)


def _addresses(batch: Batch, visit: Row, channel: str) -> list[tuple[UUID | None, bytes, bytes]]:
    wanted = _KIND[channel]
    found: list[tuple[UUID | None, bytes, bytes]] = []
    points = [row for row in batch.points.get(visit["customer_id"], ()) if row["kind"] == wanted]
    callee = visit["callee_phone_index"]
    if channel == "sms" and callee is not None and all(row["value_index"] != callee for row in points):
        found.append((None, callee, visit["callee_phone"]))
    usable = [row for row in points if channel == "email" or row["textable"]]
    usable.sort(key=lambda row: row["value_index"] != callee)
    return found + [(row["id"], row["value_index"], row["value"]) for row in usable]


def _opened(batch: Batch, visit: Row, candidate: tuple[UUID | None, bytes, bytes]) -> Address:
    point_id, index, sealed = candidate
    if point_id is None:
        text = batch.vault.open(sealed, "visits", "callee_phone", batch.store.id, visit["id"])
    else:
        text = batch.vault.open(sealed, "contact_points", "value", batch.store.id, point_id)
    return Address(point_id, index, text)


def _step_of(programmes: Mapping[str, Programme], visit: Row) -> Step | None:
    programme = programmes.get(visit["programme"])
    if programme is None:
        return None
    return next((step for step in programme.steps if step.key == visit["step"]), None)


def _words(batch: Batch, visit: Row, recipe: Recipe, purpose: Purpose, survey: str | None) -> Rendered:
    assert recipe.wording is not None  # noqa: S101 - asked by the caller
    return render(
        recipe.wording,
        values(batch, visit, recipe, _survey_url(batch, recipe.wording, survey)),
        signature=batch.store.signature,
        marketing=purpose is Purpose.MARKETING,
    )


def _survey_url(batch: Batch, wording: Wording, survey: str | None) -> str:
    """The filed prefix and the token; a link in an e-mail says so, because the visit is closed by the channel that was answered."""
    if survey is None:
        return ""
    return f"{batch.public_url}/s/{survey}{'?e' if wording.channel == 'email' else ''}"


def _constants(store: StoreContext) -> dict[str, str]:
    return {
        "store_name": store.name,
        "store_phone": as_dialled(store.phone),
        "store_address": store.address or "",
        "rescue_phone": as_dialled(store.rescue_phone),
        "manager_name": store.general_manager or "",
    }


def values(batch: Batch, visit: Row, recipe: Recipe, survey_url: str) -> dict[str, str]:
    """The variables of a template, filled in."""
    language, store = recipe.language, batch.store
    staff = batch.people.get(visit["assignee_id"])
    advisor = batch.people.get(batch.advisors[visit["id"]]) if visit["id"] in batch.advisors else None
    due_on, callee = visit["next_maintenance_on"], visit["callee_name"]
    return {
        **recipe.constants,
        "customer_name": callee or visit["name"],
        "salutation": "" if callee or visit["customer_kind"] != "person" else salutation(visit["gender"], language),
        "staff_name": staff.name if staff else "",
        "staff_phone": as_dialled(staff.phone) if staff else "",
        "advisor_name": advisor.name if advisor else "",
        "advisor_phone": as_dialled(advisor.phone) if advisor else "",
        "vehicle_model": visit["model"] or _CAR.get(language, _CAR["zh"]),
        "plate": visit["plate"] or "",
        "interval_months": str(visit["interval_months"] or store.setting("interval_months", _INTERVAL_MONTHS)),
        "interval_km": str(visit["interval_km"] or store.setting("interval_km", _INTERVAL_KM)),
        "maintenance_due_on": (f"{due_on.month}月{due_on.day}日" if language == "zh" else f"{due_on:%d %b}") if due_on else "",
        "appointment_at": appointment_hour(visit, store, language),
        "survey_url": survey_url,
        **words_of(batch.occasions.get(visit["id"]), language),
    }


def appointment_hour(visit: Row, store: StoreContext, language: str) -> str:
    """The hour of the appointment a visit confirms, on the store's clock; nothing for other visits."""
    if visit["trigger_type"] != Trigger.APPOINTMENT_BOOKED:
        return ""
    at = store.calendar.local(visit["trigger_at"])
    if language == "en":
        return f"{at.day} {at:%b %H:%M}"
    return f"{at.month}月{at.day}日{at.hour}点" + (f"{at.minute}分" if at.minute else "")


@lru_cache(maxsize=4096)
def as_dialled(phone: str | None) -> str:
    """A number of the house as people dial it: +862164001234 → 021-64001234; anything else as it was typed."""
    if not phone:
        return ""
    national = phone.removeprefix("+86")
    if national == phone or not national.isdigit() or national.startswith(("400", "800")):
        return national
    if len(national) == 11 and national.startswith("1"):
        return national
    area = 2 if national[0] in "12" else 3
    return f"0{national[:area]}-{national[area:]}"


def _unsubscribe(vault: Vault, message_id: UUID, channel: str, purpose: Purpose) -> str | None:
    if channel != "email" or purpose is Purpose.RECALL_SAFETY:
        return None
    return unsubscribe_token(vault, message_id)


@lru_cache(maxsize=1024)
def _questions(closed: Question | None) -> str:
    asked: list[dict[str, Any]] = [
        {"key": "satisfaction", "type": "score", "zh": "您总体满意吗？", "en": "How satisfied are you overall?", "required": True}
    ]
    if closed is not None:
        asked.append({"key": closed.key, "type": "yes_no", "zh": closed.zh, "en": closed.en, "required": False})
    asked.append(
        {
            "key": "comment",
            "type": "text",
            "zh": "想对我们说……（选填）",
            "en": "Anything to tell us? (optional)",
            "required": False,
        }
    )
    return orjson.dumps(asked).decode()
