"""What to send, to whom, when, and may it: the rules of `shared.domain.consent` put to the rows of the notifier. Pure.

Asked in the transaction that looks at a message, the one that claims it, with what is known at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from shared.domain.consent import (
    Allowed,
    Cap,
    ContactFacts,
    ContactPolicy,
    Held,
    OptOutScope,
    Purpose,
    Sent,
    Standing,
    closes_at,
    opted_out,
    permission,
)
from shared.domain.visit import Channel, State, still_wanted

Sends = Sequence[Sent]
OptOuts = frozenset[tuple[str, str]]
"""What stands against a number: (channel or `all`, scope)."""

LONGEST_CAP = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Ruling:
    """The state a message gets: queued (it may go), held until `at`, or suppressed; and the reason its file will show."""

    state: Literal["queued", "held", "suppressed"]
    reason: str | None = None
    at: datetime | None = None


MAY_GO = Ruling("queued")


def rule(facts: ContactFacts, purpose: Purpose, channel: str, policy: ContactPolicy, zone: str, now: datetime) -> Ruling:
    """May it go at `now` (UTC), in a store of `zone`?"""
    answer = permission(facts, purpose, Channel(channel), now.astimezone(_zone(zone)), policy)
    if isinstance(answer, Allowed):
        return MAY_GO
    if isinstance(answer, Held):
        return Ruling("held", answer.reason, answer.release_at)
    return Ruling("suppressed", answer.reason)


def closing(purpose: Purpose, policy: ContactPolicy, zone: str, now: datetime) -> datetime | None:
    """Until when a call that may go at `now` may begin; None: at any time."""
    return closes_at(purpose, now.astimezone(_zone(zone)), policy)


def wanted(visit_state: str | None, visit_channel: str | None) -> bool:
    """Does its visit still want the message? One without a visit is wanted by whoever made it."""
    return visit_state is None or still_wanted(State(visit_state), Channel(visit_channel or "phone"))


def scopes(opt_outs: Iterable[tuple[str, str]], channel: str) -> frozenset[OptOutScope]:
    """The opt-outs that bear on a channel, in the words of the rules: from all purposes but recall, or from marketing."""
    bearing = (scope for named, scope in opt_outs if named in (channel, "all"))
    return frozenset(_scope(scope) for scope in bearing)


def refuses(opt_outs: OptOuts, purpose: Purpose, channel: str) -> bool:
    """Does an opt-out stand against this purpose and channel?"""
    return bool(opt_outs) and opted_out(scopes(opt_outs, channel), purpose, Channel(channel))


def standing(rows: Iterable[tuple[str, str, bool]], channel: str) -> dict[Purpose, Standing]:
    """What a customer said, from (purpose, channel, withdrawn) of each consent; a standing grant outweighs an old withdrawal."""
    said: dict[Purpose, Standing] = {}
    for purpose, named, withdrawn in rows:
        if named in (channel, "all") and purpose in Purpose._value2member_map_:
            word = Standing.WITHDRAWN if withdrawn else Standing.GRANTED
            said[Purpose(purpose)] = max(said.get(Purpose(purpose), Standing.WITHDRAWN), word)
    return said


def contact_policy(policies: Mapping[str, Any]) -> ContactPolicy:
    """The store's settings under `contact`: hours as ["HH:MM", "HH:MM"], caps as [[most, days], …]; the rest stays as shipped."""
    given: Mapping[str, Any] = policies.get("contact") or {}
    read: dict[str, Any] = {}
    for name, value in given.items():
        if name in ("marketing_hours", "service_hours"):
            read[name] = (time.fromisoformat(value[0]), time.fromisoformat(value[1]))
        elif name in ("marketing_caps", "all_caps"):
            read[name] = tuple(Cap(most, timedelta(days=days)) for most, days in value)
        elif name == "gap_after_complaint_days":
            read["gap_after_complaint"] = timedelta(days=value)
        elif name == "urgent_recall":
            read[name] = bool(value)
    return ContactPolicy(**read)


def _scope(scope: str) -> OptOutScope:
    return "marketing" if scope == "marketing" else "all_but_recall"


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
