"""What schemathesis is told: every check, the ids of real rows, and the one table of what is configured away."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PROBABILITY = 0.9
"""How often an address names a row that is there; otherwise chance makes the id, and the answer is 404."""


@dataclass(frozen=True)
class Away:
    """A check that accepts more than it would by itself, or an operation left out; and why."""

    check: str
    what: str
    why: str


AWAY: tuple[Away, ...] = (
    Away("all", "GET …/events", "the stream does not end; tests/api/test_events.py follows it"),
    Away("positive_data_acceptance", "409", "the state of things does not allow it: a closed visit, a name that is taken"),
    Away("positive_data_acceptance", "410", "a survey whose time is over; only /s/{token} answers so"),
    Away("positive_data_acceptance", "412", "an If-Match that chance wrote, or of a version that went by"),
    Away(
        "positive_data_acceptance",
        "422 with a `code` other than `invalid`, or a `detail` of its own",
        "a rule that no schema can say, since it reads rows, the clock, a text's inside or two fields together",
    ),
    Away(
        "positive_data_acceptance",
        "422 at timezone, vin, plate",
        "a zone's list, a VIN's check digit and the marks of a plate are no patterns; their examples are valid",
    ),
    Away(
        "positive_data_acceptance",
        "422 within `policies` of a store",
        "each setting has rules of its own (docs/settings.md); tests/api/test_occasion_settings.py holds the API to them",
    ),
    Away(
        "positive_data_acceptance",
        "422 at `#`, the body as a whole",
        "two fields that do not go together: a cancellation wants a reason",
    ),
    Away("positive_data_acceptance", "422 as a page of /s/{token}", "which questions want an answer is the survey's own"),
    Away(
        "all",
        "days before 1900 and after 2199, instants before 1970",
        "no schema can say it; the API refuses them, its own tests hold it to that",
    ),
    Away(
        "positive_data_acceptance",
        "422 at an id of the path that is `None`",
        "schemathesis follows an id of another answer even when it is null",
    ),
    Away("missing_required_header", "428", "RFC 6585: what is missing is If-Match"),
    Away("negative_data_rejection", "413", "a body that is too large is refused before it is read"),
    Away(
        "negative_data_rejection",
        "POST /v1/hooks/…",
        "what a provider says is kept as it came and answered with 200; one item nobody can read spoils none of the others",
    ),
)
"""Everything configured away. docs/api.md repeats it for those who use the API."""

LEFT_OUT = ("follow_events",)
KEPT_AS_THEY_COME = ("receive_sms_receipts", "receive_sms_replies", "receive_email_events")
REFUSED = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]
BY_THEIR_OWN_RULES = frozenset({"timezone", "vin", "plate", "policies", "#"})
SCHEMA_DETAIL = "The content is not as it must be; see errors."

_WORDS: Mapping[str, Sequence[str]] = {
    "header.If-Match": ["*", '"1"'],
    "body.vin": ["LSVAA49J132047371"],
    "body.plate": ["沪A12345", "沪AD12345"],
    "body.timezone": ["Asia/Shanghai", "Asia/Urumqi"],
    "body.phone": ["13812345678", "021-64001234"],
    "path.day": ["2026-11-23", "2026-12-01"],
}


def business(status: int, body: Mapping[str, object]) -> bool:
    """Whether a problem names a rule of the business rather than a fault that the schema could have said."""
    if status != 422:
        return False
    if body.get("code") != "invalid" or body.get("detail") != SCHEMA_DETAIL:
        return True
    errors = body.get("errors")
    pointers = [str(error["pointer"]) for error in errors] if isinstance(errors, list) else []
    places = ["policies" if one.startswith("#/policies/") else one.rpartition("/")[2] for one in pointers]
    return bool(places) and set(places) <= BY_THEIR_OWN_RULES


def config(ids: Mapping[str, Sequence[str]], seed: int) -> str:
    """The text of schemathesis.toml."""
    places = {f"{place}.{name}": values for name, values in ids.items() for place in ("path", "query", "body")}
    places |= _WORDS
    names = {place: place.replace(".", "_").replace("-", "_") for place in places}
    return "\n".join(
        [
            f"seed = {seed}",
            'hooks = "tests.fuzz.hooks"',
            "continue-on-failure = true",
            "warnings = false",
            'headers = { Accept-Language = "en" }',
            "[generation]",
            'database = "none"',
            "[checks]",
            "positive_data_acceptance = { enabled = false }",  # hooks.valid_data_is_accepted asks it
            f"missing_required_header = {{ expected-statuses = {[400, 401, 403, 404, 422, 428]} }}",
            f"negative_data_rejection = {{ expected-statuses = {REFUSED} }}",
            "[[operations]]",
            f"include-operation-id = {json.dumps(KEPT_AS_THEY_COME)}",
            "checks.negative_data_rejection.enabled = false",
            "[parameters]",
            *(f'"{place}" = {{ dictionary = "{names[place]}", probability = {PROBABILITY} }}' for place in places),
            *(f"[dictionaries.{names[place]}]\nvalues = {json.dumps(list(values))}" for place, values in places.items()),
            "",
        ]
    )
