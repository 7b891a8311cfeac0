"""What would be sent to whom: messages ahead, with masked numbers, the words as they stand today, and what stands in their way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from shared.crypto import Unreadable, Vault
from shared.db import Connection
from shared.domain.programme import Step
from shared.domain.voucher import KINDS
from shared.domain.voucher import wording as voucher_words
from shared.phones import mask
from shared.rehearsal.work import Work
from shared.stores import StoreContext
from shared.wording import VARIABLES, Wording, render, salutation, wording_for

SAMPLE: Final = 20
FROM_THE_STORE: Final = ("store_name", "store_phone", "store_address", "rescue_phone")
MADE_WHEN_SENT: Final = {"survey_url": "https://…/s/…"}
NO_VOUCHER: Final = {"voucher_code": "", "voucher_text": "", "voucher_until": ""}

_PEOPLE = """
    SELECT c.id, c.name, c.gender, c.language, c.deceased_at, p.id AS point_id, p.kind, p.value,
        EXISTS (SELECT FROM opt_outs o WHERE o.number_index = p.value_index AND o.revoked_at IS NULL
                AND o.channel IN ('all', CASE p.kind WHEN 'phone' THEN 'sms' ELSE p.kind END)) AS opted_out,
        EXISTS (SELECT FROM consents k WHERE k.store_id = c.store_id AND k.customer_id = c.id AND k.purpose = 'marketing'
                AND k.withdrawn_at IS NULL) AS consents
    FROM customers c
    LEFT JOIN contact_points p ON p.store_id = c.store_id AND p.customer_id = c.id AND p.wrong_at IS NULL
        AND (p.kind = 'email' OR (p.kind = 'phone' AND p.textable))
    WHERE c.store_id = $1 AND c.id = ANY($2) ORDER BY c.id, p.rank, p.id
"""
_CARS = "SELECT id, plate, model, next_maintenance_on FROM vehicles WHERE store_id = $1 AND id = ANY($2)"
_OWN = "SELECT key, channel, language, subject, body, html FROM message_templates WHERE store_id = $1"


@dataclass(frozen=True)
class Text:
    """A message that would go. `hindrance`: why it would not after all (no_address, opted_out, no_consent, deceased, no_wording)."""

    customer_id: UUID
    customer_name: str
    programme: str
    step: str
    channel: str
    to: str | None
    at: datetime
    subject: str | None
    text: str | None
    hindrance: str | None


async def texts_of(conn: Connection, store: StoreContext, vault: Vault, work: Sequence[Work]) -> list[Text]:
    """The first messages of the work ahead, rendered. At most SAMPLE; links and vouchers are made only when a message is sent."""
    sample = sorted((each for each in work if not each.is_call), key=lambda each: (each.at, str(each.customer_id)))[:SAMPLE]
    people: dict[UUID, list[asyncpg.Record]] = {}
    for row in await conn.fetch(_PEOPLE, store.id, [each.customer_id for each in sample]):
        people.setdefault(row["id"], []).append(row)
    cars = {row["id"]: row for row in await conn.fetch(_CARS, store.id, [each.vehicle_id for each in sample if each.vehicle_id])}
    own = {
        (row["key"], row["channel"], row["language"]): Wording(**dict(row.items())) for row in await conn.fetch(_OWN, store.id)
    }
    return [
        _text(store, vault, each, people[each.customer_id], cars.get(each.vehicle_id) if each.vehicle_id else None, own)
        for each in sample
    ]


def _text(
    store: StoreContext,
    vault: Vault,
    work: Work,
    points: Sequence[asyncpg.Record],
    car: asyncpg.Record | None,
    own: Mapping[tuple[str, str, str], Wording],
) -> Text:
    person, kind = points[0], "email" if work.channel == "email" else "phone"
    fitting = [row for row in points if row["kind"] == kind]
    free = [row for row in fitting if not row["opted_out"]]
    language = person["language"] or store.language
    wording = wording_for(own, work.message, work.channel, language, store.language) if work.message else None
    marketing = _is_marketing(store, work)
    rendered = (
        render(wording, _values(store, work, person, car, language), signature=store.signature, marketing=marketing)
        if wording
        else None
    )
    return Text(
        customer_id=work.customer_id,
        customer_name=person["name"],
        programme=work.programme,
        step=work.step,
        channel=work.channel,
        to=_masked(store, vault, (free or fitting)[0]) if fitting else None,
        at=work.at,
        subject=rendered.subject if rendered else None,
        text=rendered.body if rendered else None,
        hindrance=_hindrance(work, person, fitting, free, wording, marketing),
    )


def _hindrance(
    work: Work,
    person: asyncpg.Record,
    fitting: Sequence[asyncpg.Record],
    free: Sequence[asyncpg.Record],
    wording: Wording | None,
    marketing: bool,
) -> str | None:
    """The first thing in the way, as the notifier's own reasons have it. Caps and freezes are seen only at the moment of sending."""
    if work.channel == "letter":
        return None
    checks = (
        ("deceased", person["deceased_at"] is not None),
        ("no_address", not fitting),
        ("opted_out", not free),
        ("no_consent", marketing and not person["consents"]),
        ("no_wording", wording is None),
    )
    return next((name for name, stands in checks if stands), None)


def _values(store: StoreContext, work: Work, person: asyncpg.Record, car: asyncpg.Record | None, language: str) -> dict[str, str]:
    staff = store.staff.get(work.assignee_id) if work.assignee_id else None
    known: dict[str, str | None] = {
        **{name: getattr(store, name.removeprefix("store_")) for name in FROM_THE_STORE},
        **MADE_WHEN_SENT,
        **_voucher(_step(store, work), language),
        "customer_name": person["name"],
        "salutation": salutation(person["gender"], language),
        "staff_name": staff.name if staff else None,
        "vehicle_model": car["model"] if car else None,
        "plate": car["plate"] if car else None,
        "maintenance_due_on": _day(car) if car else None,
    }
    return {name: known.get(name, sample) or "" for name, sample in VARIABLES.items()}


def _day(car: asyncpg.Record) -> str | None:
    day = car["next_maintenance_on"]
    return f"{day.month}月{day.day}日" if day else None


def _voucher(step: Step | None, language: str) -> dict[str, str]:
    """What the step's voucher gives, the one of most worth of several; its code and last day are made when it is issued."""
    kinds = sorted(
        (KINDS[key] for key in step.vouchers) if step else (), key=lambda kind: not (kind.value_fen or kind.percent_off)
    )
    if not kinds:
        return NO_VOUCHER
    kind = kinds[0]
    return {
        "voucher_code": "…",
        "voucher_until": "…",
        "voucher_text": voucher_words(kind, language, kind.value_fen, kind.percent_off),
    }


def _step(store: StoreContext, work: Work) -> Step | None:
    programme = store.programmes.get(work.programme)
    return next((step for step in programme.steps if step.key == work.step), None) if programme is not None else None


def _is_marketing(store: StoreContext, work: Work) -> bool:
    step = _step(store, work)
    return step is not None and step.marketing


def _masked(store: StoreContext, vault: Vault, point: asyncpg.Record) -> str | None:
    try:
        value = vault.open(point["value"], "contact_points", "value", store.id, point["point_id"])
    except Unreadable:
        return None
    if point["kind"] == "phone":
        return mask(value)
    name, _, domain = value.partition("@")
    return f"{name[:1]}***@{domain}"
