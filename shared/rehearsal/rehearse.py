"""Now and after, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from shared.crypto import Vault
from shared.db import Connection
from shared.domain.programme import Programme
from shared.planning.change import ProgrammeChange, change_of_programme
from shared.rehearsal.texts import Text, texts_of
from shared.rehearsal.work import Work, calendar_work, changed_work, open_work
from shared.stores import StoreContext

MOST_DAYS: Final = 60
LISTED: Final = 200


@dataclass(frozen=True)
class Day:
    """Calls of a person on a store day. `over`: more than the person can make, after the change."""

    on: date
    before: int
    after: int
    over: bool


@dataclass(frozen=True)
class Volume:
    """One person's days. Without a person: the pool of a role, or what goes by itself (`role` system)."""

    staff_id: UUID | None
    name: str | None
    role: str | None
    capacity: int | None
    before: int
    after: int
    days: tuple[Day, ...]


@dataclass(frozen=True)
class Step:
    """What a step of a programme brings in these days: contacts before and after, by channel."""

    programme: str
    step: str
    channel: str
    before: int
    after: int


@dataclass(frozen=True)
class Change:
    """A planned visit that the change touches: moved, recast (another role, channel or message), cancelled or added."""

    kind: str
    visit_id: UUID | None
    customer_id: UUID
    step: str
    from_on: date | None
    to_on: date | None
    from_id: UUID | None
    to_id: UUID | None
    reason: str | None


@dataclass(frozen=True)
class Rehearsal:
    """What would be, from `first` to `last` (store days, both included)."""

    first: date
    last: date
    volumes: tuple[Volume, ...]
    steps: tuple[Step, ...]
    counts: dict[str, int]
    changes: tuple[Change, ...]
    messages_before: int
    messages_after: int
    sample: tuple[Text, ...]

    @property
    def overruns(self) -> list[tuple[Volume, Day]]:
        """Days on which somebody would have more calls than they can make."""
        return [(volume, day) for volume in self.volumes for day in volume.days if day.over]


async def rehearse(
    conn: Connection,
    store: StoreContext,
    key: str,
    changed: Programme | None,
    *,
    now: datetime,
    days: int,
    vault: Vault,
    replan: bool = True,
) -> Rehearsal:
    """Run `changed` (None: switched off) in the place of the store's programme `key` against the real files.

    `replan`: planned visits follow the change, as they would when it is put in force so; else only what is planned from now on.
    Writes nothing; the caller's transaction may go on.
    """
    first = store.calendar.day_of(now)
    last = first + timedelta(days=days - 1)
    until = store.calendar.end_of_day(last)
    others = {name: programme for name, programme in store.programmes.items() if name != key}
    after_store = replace(store, programmes={**others, key: changed} if changed else others)
    there = await open_work(conn, store, now=now, until=until)
    change = await change_of_programme(conn, after_store, key, now=now) if replan else ProgrammeChange()
    coming = await calendar_work(conn, store, now=now, until=until)
    linked = _linked(store, key, changed)
    own = replace(after_store, programmes={name: each for name, each in after_store.programmes.items() if name in linked})
    coming_after = [each for each in coming if each.programme not in linked]
    coming_after += await calendar_work(conn, own, now=now, until=until) if own.programmes else []
    before, after = there + coming, changed_work(there, change, store, until) + coming_after
    sample = [each for each in after if each.programme == key] or after
    return Rehearsal(
        first=first,
        last=last,
        volumes=tuple(_volumes(store, before, after)),
        steps=tuple(_steps(before, after)),
        counts=_counts(change),
        changes=tuple(_changes(change))[:LISTED],
        messages_before=sum(not each.is_call for each in before),
        messages_after=sum(not each.is_call for each in after),
        sample=tuple(await texts_of(conn, after_store, vault, sample)),
    )


def _linked(store: StoreContext, key: str, changed: Programme | None) -> set[str]:
    """The programme and those it replaces or is replaced by, now or then: only their planning can differ."""
    now = store.programmes.get(key)
    replaced = {name for programme in (now, changed) if programme for name in programme.replaces}
    return {key, *replaced, *(name for name, programme in store.programmes.items() if key in programme.replaces)}


def _volumes(store: StoreContext, before: Iterable[Work], after: Iterable[Work]) -> Iterable[Volume]:
    """Calls by person and day; the pool of each role after the people."""
    counted = [Counter((_who(each), each.on) for each in work if each.is_call) for work in (before, after)]
    days = sorted({on for counter in counted for _, on in counter})
    for who in sorted({who for counter in counted for who, _ in counter}, key=lambda who: (who[0] is None, str(who))):
        person = store.staff.get(who[0]) if who[0] else None
        capacity = person.capacity if person else None
        row = [
            Day(on, then, later, capacity is not None and later > capacity)
            for on in days
            for then, later in [(counted[0][who, on], counted[1][who, on])]
            if then or later
        ]
        yield Volume(
            who[0],
            person.name if person else None,
            who[1],
            capacity,
            sum(day.before for day in row),
            sum(day.after for day in row),
            tuple(row),
        )


def _who(work: Work) -> tuple[UUID | None, str | None]:
    return (work.assignee_id, None) if work.assignee_id else (None, work.role)


def _steps(before: Iterable[Work], after: Iterable[Work]) -> Iterable[Step]:
    counted = [Counter((each.programme, each.step, each.channel) for each in work) for work in (before, after)]
    for name in sorted(counted[0] | counted[1]):
        yield Step(*name, counted[0][name], counted[1][name])


def _counts(change: ProgrammeChange) -> dict[str, int]:
    return {
        "moved": len(change.moved),
        "recast": len(change.recast),
        "cancelled": len(change.cancelled),
        "added": len(change.added),
    }


def _changes(change: ProgrammeChange) -> Sequence[Change]:
    moved = [
        Change("moved", r["id"], r["customer_id"], r["step"], r["due_on"], v.due_on, r["assignee_id"], r["assignee_id"], None)
        for r, v in change.moved
    ]
    recast = [
        Change(
            "recast", one.row["id"], one.row["customer_id"], one.row["step"], one.row["due_on"], one.row["due_on"],
            one.row["assignee_id"], one.assigned.staff_id, f"{one.row['role']}/{one.row['channel']} → {one.step.role}/{one.step.channel}",
        )
        for one in change.recast
    ]  # fmt: skip
    cancelled = [
        Change("cancelled", r["id"], r["customer_id"], r["step"], r["due_on"], None, r["assignee_id"], None, reason)
        for r, reason in change.cancelled
    ]
    added = [
        Change("added", None, v.customer_id, v.step, None, v.due_on, None, assigned.staff_id, None)
        for v, _, assigned in change.added
    ]
    return [*moved, *recast, *cancelled, *added]
