"""A filled-in call form as the API's attempt. Pure: text in, a body out; what is right is the API's to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

CORRECTIONS = ("name", "phone", "email", "wechat", "address", "plate", "preferred_channel", "mileage_km")
WHOLE_NUMBERS = frozenset({"mileage_km"})
CONVERSATIONS = frozenset({"reached", "not_owner"})
"""Outcomes after which there was somebody to ask: score, answers and results are sent with these only."""


class Unreadable(ValueError):
    """A field holds what cannot be read; `field` is its name in the API."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def attempt_of(form: Mapping[str, str], visit_id: str, zone: tzinfo) -> Json:
    """The body of POST …/attempts. Raises Unreadable for a date, time or number that is none."""
    promise = _promise(form, zone)
    # A button says the outcome and, where there is a choice, who was on the line: `not_owner:family`.
    outcome, _, person = ("call_later", "", "") if promise else form.get("outcome", "").partition(":")
    body: Json = {"channel": "phone", "outcome": outcome, "direction": form.get("direction") or "out"}
    body |= {name: value for name in ("note", "contact_point_id", "started_at") if (value := form.get(name))}
    if promise:
        body["next_at"] = promise
    if corrections := dict(_corrections(form)):
        body["corrections"] = corrections
    if outcome in CONVERSATIONS:
        body |= _conversation(form, visit_id, zone)
        body["reached_person"] = person or form.get("reached_person") or None
    return body


def _conversation(form: Mapping[str, str], visit_id: str, zone: tzinfo) -> Json:
    answers = dict(_answers(form))
    said: Json = {"answers": answers} if answers else {}
    if form.get("satisfaction"):
        said["satisfaction"] = _number(form["satisfaction"], "satisfaction")
    if form.get("problem_type"):
        said["problem_type"] = form["problem_type"]
    # The score is said once, on the visit in view; the answers go to every visit of the call, since any may have asked.
    results = [
        {"visit_id": each, "state": state} | (said if each == visit_id else {"answers": answers} if answers else {})
        for each, state in _results(form)
    ]
    more: Json = (
        {"results": results} if any(result["visit_id"] == visit_id for result in results) else said | {"results": results}
    )
    if form.get("next_date"):
        more["next_at"] = _instant(form["next_date"], form.get("next_time") or "09:00", zone, "next_at")
    if form.get("appointment_date"):
        at = _instant(form["appointment_date"], form.get("appointment_time") or "09:00", zone, "appointment")
        more["appointment"] = {"at": at} | ({"items": form["appointment_items"]} if form.get("appointment_items") else {})
    return more


def _results(form: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((name.removeprefix("result:"), value) for name, value in form.items() if name.startswith("result:") and value)


def _answers(form: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    """Fields are named `answer:<type>:<key>`; what was not answered is left out."""
    for name, value in form.items():
        if not name.startswith("answer:") or not value:
            continue
        _, kind, key = name.split(":", 2)
        if kind == "yes_no":
            yield key, value == "yes"
        elif kind in ("score", "number"):
            yield key, _number(value, f"answers/{key}")
        else:
            yield key, value


def _corrections(form: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    for name in CORRECTIONS:
        value = form.get(f"fix:{name}", "").strip()
        if value:
            yield name, _number(value, f"corrections/{name}") if name in WHOLE_NUMBERS else value


def _promise(form: Mapping[str, str], zone: tzinfo) -> str | None:
    """The instant of a call-back: a preset, or the day and time chosen."""
    chosen = form.get("promise", "")
    if not chosen:
        return None
    if chosen != "chosen":
        return _instant(chosen[:10], chosen[11:], zone, "next_at")
    return _instant(form.get("promise_date", ""), form.get("promise_time", ""), zone, "next_at")


def _instant(day: str, time: str, zone: tzinfo, field: str) -> str:
    try:
        return datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=zone).isoformat()
    except ValueError:
        raise Unreadable(field) from None


def _number(text: str, field: str) -> int:
    try:
        return int(text.replace(",", "").strip())
    except ValueError:
        raise Unreadable(field) from None
