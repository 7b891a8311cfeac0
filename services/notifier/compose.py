"""One message from one due-contact event: to which address, in which words, under which rule. Pure but for the vault's keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.notifier import policy
from services.notifier.known import Consents, Numbers, Person, Row
from shared.crypto import Sealed, Vault
from shared.domain.consent import ContactFacts, ContactPolicy, Purpose
from shared.domain.programme import Programme, Question, Step
from shared.ids import new_id
from shared.stores import StoreContext
from shared.tokens import survey_token, unsubscribe_token
from shared.wording import Rendered, Wording, render, salutation, uses, wording_for

LADDER, AUTOMATIC = "ladder", "automatic"
SURVEY_LIFE = timedelta(days=30)
_UNREACHED, _ASKED = "unreached", "survey"
_CAR = {"zh": "爱车", "en": "car"}
_INTERVAL_MONTHS, _INTERVAL_KM = 6, 5000
_KIND = {"sms": "phone", "email": "email"}
NO_WORDS = Rendered("", None, 0)


@dataclass(frozen=True)
class Batch:
    """Everything read for the events of one store."""

    store: StoreContext
    vault: Vault
    public_url: str
    now: datetime
    rules: ContactPolicy
    points: Mapping[UUID, Sequence[Row]]
    numbers: Numbers
    consents: Consents
    people: Mapping[UUID, Person]
    advisors: Mapping[UUID, UUID]
    wordings: Mapping[tuple[str, str, str], Wording]
    recipes: dict[tuple[Any, ...], Recipe] = field(default_factory=dict)
    rulings: dict[tuple[Any, ...], policy.Ruling] = field(default_factory=dict)


class Recipe(NamedTuple):
    """What messages of one kind of visit share: worked out once a batch."""

    kind: str
    purpose: Purpose
    template: str
    language: str
    wording: Wording | None
    asks: bool
    constants: Mapping[str, str]


class Address(NamedTuple):
    """Where it goes: the contact point (None: the person who brought the car), its index, the text."""

    point_id: UUID | None
    value_index: bytes
    text: str


class Draft(NamedTuple):
    """A message to be inserted: first what differs from row to row, then what most rows of a batch share (`shared`)."""

    id: UUID
    visit_id: UUID
    event_id: UUID
    customer_id: UUID
    point_id: UUID | None
    number_index: bytes | None
    address: Sealed | None
    subject: str | None
    body: str | None
    wake_at: datetime | None
    expire_at: datetime | None
    shared: tuple[str, str, str, str, str, str, str | None]
    survey: str | None
    unsubscribe: str | None

    @property
    def channel(self) -> str:
        return self.shared[2]

    @property
    def language(self) -> str:
        return self.shared[4]

    @property
    def state(self) -> str:
        return self.shared[5]

    @property
    def reason(self) -> str | None:
        return self.shared[6]


OWN_COLUMNS = 11
"""How many of a draft's fields are columns of their own."""


def compose(batch: Batch, event: Row, visit: Row) -> Draft:
    """The message of an event, already ruled upon: queued, held, or suppressed with the reason."""
    channel, recipe, visit_id = event["step"], _recipe(batch, event["step"], visit), visit["id"]
    expire_at = expiry(recipe.kind, channel, event["due_at"], visit["window_end"], batch.store)
    address = choose_address(batch, visit, channel, recipe.purpose)
    ruling = _rule(batch, visit, channel, recipe, expire_at, address)
    message_id = new_id()
    survey = survey_token(batch.vault, visit_id) if recipe.asks else None
    rendered = _words(batch, visit, recipe, survey) if recipe.wording is not None else NO_WORDS
    return Draft(
        message_id,
        visit_id,
        event["id"],
        visit["customer_id"],
        address.point_id if address else None,
        address.value_index if address else None,
        batch.vault.seal(address.text, "messages", "address", batch.store.id, message_id) if address else None,
        rendered.subject,
        rendered.body,
        batch.now if ruling.state == "queued" else ruling.at,
        expire_at,
        (recipe.kind, recipe.purpose, channel, recipe.template, recipe.language, ruling.state, ruling.reason),
        survey if ruling.state != "suppressed" else None,
        _unsubscribe(batch.vault, message_id, channel, recipe.purpose),
    )


def _recipe(batch: Batch, channel: str, visit: Row) -> Recipe:
    key = (channel, visit["programme"], visit["step"], visit["message_template"], visit["tries"] > 0, visit["language"],
           visit["channel"], *visit["purposes"])  # fmt: skip
    found = batch.recipes.get(key)
    if found is None:
        found = batch.recipes[key] = _make_recipe(batch, channel, visit)
    return found


def _make_recipe(batch: Batch, channel: str, visit: Row) -> Recipe:
    step = _step_of(batch.store.programmes, visit)
    kind = AUTOMATIC if visit["message_template"] and visit["channel"] in ("sms", "email") else LADDER
    template = str(visit["message_template"] or (_UNREACHED if visit["tries"] else _ASKED))
    wanted = visit["language"] or batch.store.language
    wording = wording_for(batch.wordings, template, channel, wanted, batch.store.language)
    language = wording.language if wording else wanted
    return Recipe(
        kind,
        policy.purpose_of(visit["purposes"], step is not None and step.marketing),
        template,
        language,
        wording,
        wording is not None and uses(wording, "survey_url"),
        _constants(batch.store),
    )


def expiry(kind: str, channel: str, due_at: datetime, window_end: datetime, store: StoreContext) -> datetime:
    """Until the ladder's next instant, or SMS and e-mail would arrive together; an automatic one lives as long as its window."""
    if kind == AUTOMATIC:
        return max(window_end, due_at + timedelta(days=1))
    if channel == "email":
        return due_at + timedelta(days=store.ladder.close_after_days)
    return due_at + timedelta(hours=store.ladder.email_after_hours)


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


def _rule(batch: Batch, visit: Row, channel: str, recipe: Recipe, expire_at: datetime, address: Address | None) -> policy.Ruling:
    """The ruling. Most numbers have no past at all, and then what holds for one visit holds for all like it."""
    if recipe.wording is None:
        return policy.Ruling("suppressed", "no_template")
    index = address.value_index if address else b""
    consents, opt_outs = batch.consents.get(visit["customer_id"], ()), batch.numbers.opt_outs.get(index, frozenset())
    sends = batch.numbers.sends.get(index, ())
    if consents or opt_outs or sends:
        facts = _facts(visit, channel, expire_at, address is not None)
        facts = replace(facts, consent=policy.standing(consents, channel), opt_outs=policy.scopes(opt_outs, channel), sent=sends)
        return policy.rule(facts, recipe.purpose, channel, batch.rules, batch.store.timezone, batch.now)
    key = (recipe.purpose, channel, expire_at, visit["state"], visit["channel"], visit["ended_at"] is None,
           visit["deceased_at"] is None, address is None)  # fmt: skip
    ruling = batch.rulings.get(key)
    if ruling is None:
        facts = _facts(visit, channel, expire_at, address is not None)
        ruling = policy.rule(facts, recipe.purpose, channel, batch.rules, batch.store.timezone, batch.now)
        batch.rulings[key] = ruling
    return ruling


def _facts(visit: Row, channel: str, expire_at: datetime, has_address: bool) -> ContactFacts:
    return ContactFacts(
        has_address=has_address,
        wanted=policy.wanted(visit["state"], visit["channel"]),
        still_owner=visit["ended_at"] is None,
        deceased=visit["deceased_at"] is not None,
        expire_at=expire_at,
    )


def _step_of(programmes: Mapping[str, Programme], visit: Row) -> Step | None:
    programme = programmes.get(visit["programme"])
    if programme is None:
        return None
    return next((step for step in programme.steps if step.key == visit["step"]), None)


def _words(batch: Batch, visit: Row, recipe: Recipe, survey: str | None) -> Rendered:
    assert recipe.wording is not None  # noqa: S101 - asked by the caller
    return render(
        recipe.wording,
        values(batch, visit, recipe, _survey_url(batch, recipe.wording, survey)),
        signature=batch.store.signature,
        marketing=recipe.purpose is Purpose.MARKETING,
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
        "survey_url": survey_url,
    }


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
