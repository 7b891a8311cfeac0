"""Loaded by schemathesis in its own process: who calls, which keys a POST has, and the check that knows a business rule."""

from __future__ import annotations

from datetime import date, timedelta, timezone
from hashlib import sha256
from typing import Any

import jwt
import schemathesis
from hypothesis import strategies as st
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi.checks import positive_data_acceptance

from services.api.wire import EARLIEST, LATEST
from shared.clock import machine_now
from shared.settings import DEVELOPMENT_SECRET
from tests.fuzz.settings import business

KEY = "Idempotency-Key"

_DAY = 86_400
_REACH = int((LATEST - EARLIEST).total_seconds()) - _DAY


def _instant(seconds: int, quarters: int) -> str:
    return (EARLIEST + timedelta(seconds=seconds)).astimezone(timezone(timedelta(minutes=15 * quarters))).isoformat()


# Days and instants as far as the API reaches; the table in settings says so.
schemathesis.openapi.format("date", st.dates(date(1900, 1, 1), date(2199, 12, 31)).map(str))
schemathesis.openapi.format("date-time", st.builds(_instant, st.integers(_DAY, _REACH), st.integers(-48, 48)))


@schemathesis.auth(refresh_interval=120)
class Operator:
    """An operator's token lives for five minutes at most; a run is longer."""

    def get(self, case: Any, context: Any) -> str:
        now = machine_now()
        claims = {"iss": "huifang", "aud": "huifang-api", "typ": "operator", "sub": "operator", "iat": now}
        return jwt.encode(claims | {"exp": now + timedelta(minutes=4)}, DEVELOPMENT_SECRET, algorithm="HS256")

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """A key of its own for each request: the same key with another body is refused, and chance likes to repeat itself."""
    key = (case.headers or {}).get(KEY)
    if key and key.isascii() and key.isprintable() and " " not in key and len(key) < 256:
        seen = f"{case.method} {case.formatted_path} {case.query!r} {case.media_type} {case.body!r}"
        case.headers[KEY] = f"{key[:200]}-{sha256(seen.encode(errors='replace')).hexdigest()[:24]}"


@schemathesis.check
def valid_data_is_accepted(ctx: Any, response: Any, case: Any) -> bool | None:
    """positive_data_acceptance, but for what `settings.AWAY` names."""
    try:
        accepted: bool | None = positive_data_acceptance(ctx, response, case)
        return accepted
    except Failure:
        if response.status_code in {410, 412} or _is_business(response, case):
            return None
        raise


def _is_business(response: Any, case: Any) -> bool:
    if None in case.path_parameters.values():  # followed from a field of another answer that was null
        return True
    if case.operation.path == "/s/{token}":
        return bool(response.status_code == 422)
    try:
        body = response.json()
    except ValueError:
        return False
    return isinstance(body, dict) and business(response.status_code, body)
