"""A message on its way: the states, what a receipt may change, when to try and to ask again, and what a reply means.

One message for each visit, channel and step; one attempt for each call of a provider. The rule above all: after the
socket write
nothing is sent again by itself; what is uncertain is `unknown`, shown, and settled by a receipt or a query.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from shared.domain.visit import Label


class MessageState(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    HELD = "held"
    SUPPRESSED = "suppressed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    UNKNOWN_FINAL = "unknown_final"
    RECEIPT_TIMEOUT = "receipt_timeout"


class ImpossibleMessageMove(Exception):
    """A message was to go from one state to another that the table does not allow."""

    def __init__(self, state: MessageState, to: MessageState) -> None:
        super().__init__(f"a message cannot go from {state} to {to}")
        self.state = state
        self.to = to


_S = MessageState

# What the notifier does by itself. A named human's resend is RESEND below and is audited.
NEXT: Mapping[MessageState, frozenset[MessageState]] = {
    _S.QUEUED: frozenset({_S.HELD, _S.SUPPRESSED, _S.SENDING}),
    _S.HELD: frozenset({_S.QUEUED, _S.SUPPRESSED}),
    _S.SENDING: frozenset({_S.QUEUED, _S.ACCEPTED, _S.REJECTED, _S.UNKNOWN, _S.DELIVERED, _S.UNDELIVERED}),
    _S.UNKNOWN: frozenset({_S.ACCEPTED, _S.DELIVERED, _S.UNDELIVERED, _S.UNKNOWN_FINAL}),
    _S.ACCEPTED: frozenset({_S.DELIVERED, _S.UNDELIVERED, _S.RECEIPT_TIMEOUT}),
    _S.UNDELIVERED: frozenset({_S.DELIVERED}),
    # A receipt that comes after we stopped waiting is still the truth.
    _S.UNKNOWN_FINAL: frozenset({_S.ACCEPTED, _S.DELIVERED, _S.UNDELIVERED}),
    _S.RECEIPT_TIMEOUT: frozenset({_S.DELIVERED, _S.UNDELIVERED}),
    _S.SUPPRESSED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.DELIVERED: frozenset(),
}
RESEND: frozenset[MessageState] = frozenset({_S.UNKNOWN, _S.UNKNOWN_FINAL})
WAITING: frozenset[MessageState] = frozenset({_S.QUEUED, _S.HELD})
FAILED: frozenset[MessageState] = frozenset({_S.REJECTED, _S.UNDELIVERED, _S.SUPPRESSED})
SENT: frozenset[MessageState] = frozenset({_S.ACCEPTED, _S.DELIVERED, _S.RECEIPT_TIMEOUT})
SETTLED: frozenset[MessageState] = frozenset(
    {_S.DELIVERED, _S.UNDELIVERED, _S.REJECTED, _S.SUPPRESSED, _S.UNKNOWN_FINAL, _S.RECEIPT_TIMEOUT}
)

RANK: Mapping[MessageState, int] = {
    _S.SENDING: 1,
    _S.UNKNOWN: 2,
    _S.UNKNOWN_FINAL: 2,
    _S.ACCEPTED: 3,
    _S.RECEIPT_TIMEOUT: 3,
    _S.UNDELIVERED: 4,
    _S.DELIVERED: 5,
}

RETRY_AFTER = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
MAX_TRIES = 5
RETRY_SPREAD = 0.2
PULL_AFTER = (
    *(timedelta(minutes=minutes) for minutes in (1, 3, 10, 30)),
    *(timedelta(hours=hours) for hours in (2, 6, 24, 48, 72)),
)
GIVE_UP_AFTER = timedelta(hours=72)


def move(state: MessageState, to: MessageState) -> MessageState:
    """The state after a move; staying is no move. Raises `ImpossibleMessageMove` when the table has no such edge."""
    if to != state and to not in NEXT[state]:
        raise ImpossibleMessageMove(state, to)
    return to


def apply_receipt(state: MessageState, told: Literal["accepted", "delivered", "undelivered"]) -> MessageState:
    """The state after a receipt or a query's answer: it may only raise the rank; late and repeated ones change
    nothing.

    A receipt for a message that never reached the wire (queued, held, suppressed, rejected) changes nothing either.
    """
    to = MessageState(told)
    if state not in RANK or RANK[to] <= RANK[state]:
        return state
    return to


def retry_at(now: datetime, tries: int, jitter: float) -> datetime | None:
    """When a message that was definitely not accepted goes again, or None when it has had its tries.

    `tries` is how many calls were made (1 or more); `jitter` is the caller's chance number in -1…1, which spreads
    the wait by ±20 %.
    """
    if not 1 <= tries < MAX_TRIES:
        return None
    wait = RETRY_AFTER[tries - 1]
    return now + wait * (1 + RETRY_SPREAD * max(-1.0, min(1.0, jitter)))


def next_pull(since: datetime, pulls: int) -> datetime | None:
    """When the provider is asked next about a message uncertain (or without receipt) `since`, after `pulls`
    questions; None: no more.
    """
    return since + PULL_AFTER[pulls] if 0 <= pulls < len(PULL_AFTER) else None


def given_up(state: MessageState, since: datetime, now: datetime) -> MessageState:
    """The state once waiting has lasted 72 h: unknown → unknown_final, accepted → receipt_timeout; before that, and
    for others, as it is.

    `since`: when it became unknown, or was accepted.
    """
    if now - since < GIVE_UP_AFTER:
        return state
    return {_S.UNKNOWN: _S.UNKNOWN_FINAL, _S.ACCEPTED: _S.RECEIPT_TIMEOUT}.get(state, state)


@dataclass(frozen=True)
class Reply:
    """What a customer's SMS means: `opt_out` (stop), `unclear_opt_out` (stop, and a person looks), `score` (1–5),
    `text` (a person reads it).
    """

    kind: Literal["opt_out", "unclear_opt_out", "score", "text"]
    score: int | None = None


OPT_OUT_WORDS: frozenset[str] = frozenset({"R", "T", "TD", "N", "QX", "退订", "拒收", "取消", "不要再发", "STOP"})
# Inside a longer text these still mean stop. `N`, `R` and 取消 count only alone; a lone letter T counts inside a text
# only where
# blanks or punctuation stand around it ("T 谢谢"), or 我的T恤 would silence a customer.
_INSIDE = re.compile(r"退订|拒收|不要再发|(?<![A-Z0-9])(?:TD|QX|STOP)(?![A-Z0-9])|(?<!\w)T(?!\w)")
_EDGE = " \t\r\n　。.,,、!!??~~;;::\"'“”‘’()()【】[]<>《》"
_PREFIX = re.compile(r"^(?:回复|回)\s*")
_SCORE = re.compile(r"^([1-5])分?$")


def read_reply(text: str) -> Reply:
    """What an inbound SMS says. Compared after NFKC, without blanks and punctuation around it, in capitals (S:
    carriers' opt-out words).
    """
    word = _PREFIX.sub("", unicodedata.normalize("NFKC", text).strip(_EDGE).upper()).strip(_EDGE)
    if word in OPT_OUT_WORDS:
        return Reply("opt_out")
    if score := _SCORE.match(word):
        return Reply("score", int(score[1]))
    if _INSIDE.search(word):
        return Reply("unclear_opt_out")
    return Reply("text")


MESSAGE_STATE_LABELS: Mapping[MessageState, Label] = {
    _S.QUEUED: Label("排队", "Queued"),
    _S.HELD: Label("暂缓", "Held"),
    _S.SUPPRESSED: Label("未发", "Not sent"),
    _S.SENDING: Label("发送中", "Sending"),
    _S.ACCEPTED: Label("已受理", "Accepted"),
    _S.DELIVERED: Label("已送达", "Delivered"),
    _S.UNDELIVERED: Label("未送达", "Not delivered"),
    _S.REJECTED: Label("被拒", "Refused"),
    _S.UNKNOWN: Label("待核实", "Uncertain"),
    _S.UNKNOWN_FINAL: Label("无法核实", "Never settled"),
    _S.RECEIPT_TIMEOUT: Label("无回执", "No receipt"),
}
