"""Planning facts into visits, any number at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache

from shared.crypto import Vault
from shared.db import Connection
from shared.domain.programme import (
    FIRST_IMPORT_DAYS,
    INTERVAL,
    Fact,
    PlanCounts,
    PlannedVisit,
    Programme,
    Trigger,
    applicable,
    plan,
    still_needed,
)
from shared.domain.programme.facts import is_for_kind
from shared.events import Actor
from shared.planning.duties import write_duties
from shared.planning.people import Assigner
from shared.planning.rows import Draft, tell, write_visits
from shared.stores import StoreContext

# A window may stretch to the next open day; no closure is longer than this.
_SLACK_DAYS = 60
_UNIT_DAYS = {"hours": 1 / 24, "days": 1, "months": 31}
_BY_DAY = frozenset({Trigger.SALE_DELIVERED, Trigger.CARD_HANDED_OVER})


async def plan_facts(
    conn: Connection,
    store: StoreContext,
    facts: Sequence[Fact],
    *,
    now: datetime,
    first_import: bool = False,
    actor: Actor,
    vault: Vault | None = None,
) -> PlanCounts:
    """Plan everything the facts start, in the caller's transaction; facts planned before add nothing.

    `vault` is for facts of work orders: with it, who brought the car becomes the visit's callee. A large import calls this some
    thousand facts at a time, each in a transaction of its own, with one `store` and one `now`: what facts have in common is then
    computed once, and PostgreSQL's statistics keep up with the rows.
    """
    planner = Planner(store, now, first_import=first_import)
    planned = [(visit, programme, fact) for fact in facts for visit, programme in planner.visits(fact)]
    assigner = await Assigner.load(conn, store, now=now, customer_ids={visit.customer_id for visit, _, _ in planned})
    drafts = [Draft(visit, programme, assigner.assign(visit, fact)) for visit, programme, fact in planned]
    written = await write_visits(conn, store.id, drafts, now=now, actor=actor, vault=vault)
    await write_duties(conn, store, planner.programmes, facts, now=now, first_import=first_import)
    await tell(conn, store.id, written.planned)
    return PlanCounts(written.planned, written.expired, planner.skipped)


class Planner:
    """Plans facts of one store at one instant; facts that differ in nothing but whose they are share the work."""

    def __init__(self, store: StoreContext, now: datetime, *, first_import: bool = False) -> None:
        self.skipped = 0
        self._store, self._now, self._first_import = store, now, first_import
        self._started: dict[tuple[object, ...], list[Programme]] = {}
        self._plans = _alike(store, now, first_import)
        self._reach: dict[str, int | None] = {}
        self._today = store.calendar.day_of(now)

    def programmes(self, fact: Fact) -> list[Programme]:
        """The programmes a fact starts, as `applicable` says."""
        key = (fact.type, fact.kind, fact.first_service, fact.excluded)
        if key not in self._started:
            self._started[key] = applicable(self._store.programmes.values(), fact)
        return self._started[key]

    def knows(self, key: str) -> bool:
        """True when a programme of that key is in force."""
        return key in self._store.programmes

    def visits(self, fact: Fact) -> Iterable[tuple[PlannedVisit, Programme]]:
        """The visits of a fact in all programmes it starts."""
        for programme in self.programmes(fact):
            if self._first_import and self._long_past(programme, fact):
                visits_of = (step for step in programme.steps if step.task is None)
                self.skipped += sum(is_for_kind(step, fact) and still_needed(step, fact) for step in visits_of)
                continue
            visits, skipped = self._planned(programme, fact)
            self.skipped += skipped
            for visit in visits:
                yield visit, programme

    def _planned(self, programme: Programme, fact: Fact) -> tuple[list[PlannedVisit], int]:
        if fact.type not in _BY_DAY:
            visits, skipped = plan(programme, fact, self._store.calendar, self._now, first_import=self._first_import)
            return [_of_interval(visit, fact) for visit in visits], skipped
        key = (programme.key, fact.type, fact.at, fact.insured, fact.plated, *sorted(fact.attrs.items()))
        if key not in self._plans:
            self._plans[key] = plan(programme, fact, self._store.calendar, self._now, first_import=self._first_import)
        alike, skipped = self._plans[key]
        return [
            replace(
                visit, trigger_id=fact.id, customer_id=fact.customer_id, vehicle_id=fact.vehicle_id if visit.vehicle_id else None
            )
            for visit in alike
        ], skipped

    def _long_past(self, programme: Programme, fact: Fact) -> bool:
        """True when every window closed so long ago that a first import leaves it out: nothing need be computed."""
        if programme.key not in self._reach:
            self._reach[programme.key] = _reach_days(programme)
        reach = self._reach[programme.key]
        return reach is not None and fact.on + timedelta(days=reach + _SLACK_DAYS + FIRST_IMPORT_DAYS) < self._today


def _of_interval(visit: PlannedVisit, fact: Fact) -> PlannedVisit:
    """A reminder of maintenance is numbered by its interval: a due date that moves with the odometer is not planned twice."""
    number = fact.attrs.get(INTERVAL)
    return visit if number is None else replace(visit, occurrence=int(number))


Plans = dict[tuple[object, ...], tuple[list[PlannedVisit], int]]


@lru_cache(maxsize=4)
def _alike(_store: StoreContext, _now: datetime, _first_import: bool) -> Plans:
    """Plans of facts that differ in nothing but whose they are, kept over the calls of one import."""
    return {}


def _reach_days(programme: Programme) -> int | None:
    """Days from the trigger to the last deadline of a programme; None when it may reach any day."""
    reach = 0.0
    for step in programme.steps:
        if step.repeat or step.after or step.anchor.from_ != "trigger" or step.anchor.or_earlier:
            return None
        last = step.window.deadline * _UNIT_DAYS[step.window.unit] if step.window else 0
        reach = max(reach, last + step.anchor.months * 31 + step.anchor.days)
    return int(reach) + 1
