"""Work that looks too good, and a random share of all work, for a manager's second call (domain.md §10.16). Pure.

A flag is a question, not a verdict: a manager rings the customer and decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from shared.domain.visit import Channel, Label, Outcome

_SCALE = 2**64
NO = frozenset({False, "no", "否", "false"})


class FlagKind(StrEnum):
    """What made somebody look."""

    BULK_CLOSE = "bulk_close"
    SHORT_REACH = "short_reach"
    ALL_FIVES = "all_fives"
    DENIED_REACH = "denied_reach"
    SAMPLE = "sample"


FLAG_LABELS: Mapping[FlagKind, Label] = {
    FlagKind.BULK_CLOSE: Label("短时间内批量关闭", "Many closed within minutes"),
    FlagKind.SHORT_REACH: Label("接通时间过短", "Reached in a few seconds"),
    FlagKind.ALL_FIVES: Label("评分全为 5 分", "All scores are 5"),
    FlagKind.DENIED_REACH: Label("客户否认接到电话", "The customer denies the call"),
    FlagKind.SAMPLE: Label("随机抽查", "Drawn at random"),
}


@dataclass(frozen=True)
class HonestPolicy:
    """A store's settings, all without a source (d): how many closed within how many minutes are many; how short a talk is none;
    from how many scores on all fives are strange; the share of results that is drawn, in per cent.
    """

    bulk_count: int = 10
    bulk_minutes: int = 10
    short_seconds: int = 3
    fives: int = 10
    sample_percent: int = 5


@dataclass(frozen=True)
class Work:
    """One attempt as these rules see it. `opened_at`: when the caller opened the call; `recorded_at`: when he wrote it down; `closed`: it
    ended its visit; `satisfaction`: the score he wrote.
    """

    attempt_id: UUID
    visit_id: UUID
    customer_id: UUID
    channel: Channel
    outcome: Outcome
    recorded_at: datetime
    opened_at: datetime | None = None
    talk_seconds: int | None = None
    direction: str = "out"
    closed: bool = False
    satisfaction: int | None = None


@dataclass(frozen=True)
class Run:
    """Visits closed one after the other faster than anybody can call."""

    visit_ids: tuple[UUID, ...]
    first: datetime
    last: datetime


def honest_policy(settings: Mapping[str, Any]) -> HonestPolicy:
    """The store's settings under `honest`; names as in HonestPolicy, others are passed over."""
    return HonestPolicy(**{name: value for name, value in settings.items() if name in HonestPolicy.__dataclass_fields__})


def short_reach(work: Work, policy: HonestPolicy) -> bool:
    """ "Reached" by our own call with a talk of at most `short_seconds`, or written down within as many of opening it."""
    if work.outcome is not Outcome.REACHED or work.channel is not Channel.PHONE or work.direction != "out":
        return False
    if work.talk_seconds is not None and work.talk_seconds <= policy.short_seconds:
        return True
    opened = work.opened_at
    return opened is not None and timedelta(0) <= work.recorded_at - opened <= timedelta(seconds=policy.short_seconds)


def bulk_closes(work: Iterable[Work], policy: HonestPolicy) -> list[Run]:
    """Runs in which one person closed the visits of `bulk_count` customers or more within `bulk_minutes`, without talking to them.

    One call may close several visits of a customer, so customers count. Runs do not overlap, and each is as long as it can be.
    """
    closings = sorted((one for one in work if one.closed and not _talked(one, policy)), key=lambda one: one.recorded_at)
    span = timedelta(minutes=policy.bulk_minutes)
    fast: set[int] = set()
    start = 0
    for end, one in enumerate(closings):
        while one.recorded_at - closings[start].recorded_at > span:
            start += 1
        if len({closing.customer_id for closing in closings[start : end + 1]}) >= policy.bulk_count:
            fast.update(range(start, end + 1))
    runs: list[list[Work]] = []
    for one in (closings[place] for place in sorted(fast)):
        if runs and one.recorded_at - runs[-1][-1].recorded_at <= span:
            runs[-1].append(one)
        else:
            runs.append([one])
    return [_run(run) for run in runs]


def _run(work: Sequence[Work]) -> Run:
    return Run(tuple(dict.fromkeys(one.visit_id for one in work)), work[0].recorded_at, work[-1].recorded_at)


def all_fives(scores: Sequence[int], policy: HonestPolicy) -> bool:
    """All scores that somebody wrote down are 5, and they are many; a store where everybody is delighted says so by the link as well."""
    return len(scores) >= policy.fives and all(score == 5 for score in scores)


def denies(answers: Mapping[str, Any] | None) -> bool:
    """Did the customer tell the club that the consultant had not called? No answer is no denial."""
    said = (answers or {}).get("consultant_called")
    plain = said.strip().lower() if isinstance(said, str) else said
    return plain is not None and plain in NO


def drawn(visit_id: UUID, policy: HonestPolicy) -> bool:
    """Is this visit of the random share? By its id alone: nobody can draw again, and asking twice gives one answer."""
    number = int.from_bytes(sha256(b"honest|" + visit_id.bytes).digest()[:8])
    return number * 100 < policy.sample_percent * _SCALE


def _talked(work: Work, policy: HonestPolicy) -> bool:
    return work.talk_seconds is not None and work.talk_seconds > policy.short_seconds
