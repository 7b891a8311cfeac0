"""One message from one due-contact event: to which address, in which words, under which rule. Pure but for the vault's keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
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


@dataclass(frozen=True)
class Address:
    """Where it goes: the contact point (None: the person who brought the car), its index, the text."""

    point_id: UUID | None
    index: bytes
    text: str


@dataclass(frozen=True)
class Draft:
    """A message to be inserted, in the order of the columns in `intake`."""

    id: UUID
    visit_id: UUID
    event_id: UUID
    customer_id: UUID
    kind: str
    purpose: str
    channel: str
    template: str
    language: str
    point_id: UUID | None
    number_index: bytes | None
    address: Sealed | None
    subject: str | None
    body: str | None
    state: str
    reason: str | None
    wake_at: datetime | None
    expire_at: datetime | None
    survey: str | None = None
    unsubscribe: str | None = None


def compose(batch: Batch, event: Row, visit: Row) -> Draft:
    """The message of an event, already ruled upon: queued, held, or suppressed with the reason."""
    channel, step = event["step"], _step_of(batch.store.programmes, visit)
    purpose = policy.purpose_of(visit["purposes"], step is not None and step.marketing)
    kind = AUTOMATIC if visit["message_template"] and visit["channel"] in ("sms", "email") else LADDER
    expire_at = expiry(kind, channel, event["due_at"], visit["window_end"], batch.store)
    key = _template_key(kind, visit)
    language = visit["language"] or batch.store.language
    wording = wording_for(batch.wordings, key, channel, language, batch.store.language)
    address = choose_address(batch, visit, channel, purpose)
    ruling = _rule(batch, visit, channel, purpose, expire_at, address, wording)
    message_id = new_id()
    survey = survey_token(batch.vault, visit["id"]) if wording is not None and uses(wording, "survey_url") else None
    rendered = _words(batch, visit, wording, survey, purpose) if wording is not None else Rendered("", None, 0)
    sealed = batch.vault.seal(address.text, "messages", "address", batch.store.id, message_id) if address else None
    return Draft(
        id=message_id,
        visit_id=visit["id"],
        event_id=event["id"],
        customer_id=visit["customer_id"],
        kind=kind,
        purpose=purpose,
        channel=channel,
        template=key,
        language=wording.language if wording else language,
        point_id=address.point_id if address else None,
        number_index=address.index if address else None,
        address=sealed,
        subject=rendered.subject,
        body=rendered.body,
        state=ruling.state,
        reason=ruling.reason,
        wake_at=batch.now if ruling.state == "queued" else ruling.at,
        expire_at=expire_at,
        survey=survey if ruling.state != "suppressed" else None,
        unsubscribe=_unsubscribe(batch.vault, message_id, channel, purpose),
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


def _rule(
    batch: Batch,
    visit: Row,
    channel: str,
    purpose: Purpose,
    expire_at: datetime,
    address: Address | None,
    wording: Wording | None,
) -> policy.Ruling:
    if wording is None:
        return policy.Ruling("suppressed", "no_template")
    index = address.index if address else b""
    facts = ContactFacts(
        consent=policy.standing(batch.consents.get(visit["customer_id"], ()), channel),
        opt_outs=policy.scopes(batch.numbers.opt_outs.get(index, ()), channel),
        has_address=address is not None,
        wanted=policy.wanted(visit["state"], visit["channel"]),
        still_owner=visit["ended_at"] is None,
        deceased=visit["deceased_at"] is not None,
        expire_at=expire_at,
        sent=batch.numbers.sends.get(index, ()),
    )
    return policy.rule(facts, purpose, channel, batch.rules, batch.store.timezone, batch.now)


def _template_key(kind: str, visit: Row) -> str:
    if visit["message_template"]:
        return str(visit["message_template"])
    return _UNREACHED if visit["tries"] else _ASKED


def _step_of(programmes: Mapping[str, Programme], visit: Row) -> Step | None:
    programme = programmes.get(visit["programme"])
    if programme is None:
        return None
    return next((step for step in programme.steps if step.key == visit["step"]), None)


def _words(batch: Batch, visit: Row, wording: Wording, survey: str | None, purpose: Purpose) -> Rendered:
    return render(
        wording,
        values(batch, visit, wording.language, _survey_url(batch, wording, survey)),
        signature=batch.store.signature,
        marketing=purpose is Purpose.MARKETING,
    )


def _survey_url(batch: Batch, wording: Wording, survey: str | None) -> str:
    """The filed prefix and the token; a link in an e-mail says so, because the visit is closed by the channel that was answered."""
    if survey is None:
        return ""
    return f"{batch.public_url}/s/{survey}{'?e' if wording.channel == 'email' else ''}"


def values(batch: Batch, visit: Row, language: str, survey_url: str) -> dict[str, str]:
    """The variables of a template, filled in."""
    store = batch.store
    staff = batch.people.get(visit["assignee_id"])
    advisor = batch.people.get(batch.advisors[visit["id"]]) if visit["id"] in batch.advisors else None
    due_on = visit["next_maintenance_on"]
    return {
        "customer_name": visit["callee_name"] or visit["name"],
        "salutation": "" if visit["callee_name"] or visit["customer_kind"] != "person" else salutation(visit["gender"], language),
        "store_name": store.name,
        "store_phone": as_dialled(store.phone),
        "store_address": store.address or "",
        "rescue_phone": as_dialled(store.rescue_phone),
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
