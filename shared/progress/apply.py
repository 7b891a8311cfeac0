"""`progress`: ask the ladder about each visit of a batch, write what is new in its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from shared.complaints import AFTER_COMPLAINT, after_visits
from shared.db import Connection
from shared.domain.ladder import Decision, Effect, Emit, LadderPolicy, Next, VisitFacts, next_step, undone
from shared.domain.visit import FINAL, State
from shared.events import Actor
from shared.ids import new_id
from shared.planning import plan_follow_ons
from shared.progress import answers, consequences, write
from shared.progress.facts import Known, read_facts
from shared.progress.persons import PERSONAL
from shared.progress.write import Change, Event, Stand
from shared.stores import StoreContext

# Effects that a withdrawn attempt takes back; what was told or sent stays told and sent.
REVERSIBLE = ("mark:", "opt_out:", "cancel:", "task:")
STILL_TO_SEND = frozenset({"sms", "email"})


@dataclass(frozen=True)
class Progressed:
    """What holds for a visit now. `event_ids`: due-contact events that this call made."""

    visit_id: UUID
    state: State
    next: Next | None
    event_ids: tuple[UUID, ...] = ()


async def progress(
    conn: Connection, store: StoreContext, visit_ids: Sequence[UUID], *, now: datetime, actor: Actor
) -> list[Progressed]:
    """Bring visits to where their past puts them at `now`, inside the caller's transaction of the store. Out: ordered by id.

    Locks the visits, writes only what is new: a second call with nothing new writes nothing. Call it after an attempt, its
    withdrawal, a survey's answer, a promise set by hand, a signal of the notifier, and when `wake_at` came.
    """
    known = await read_facts(conn, store.id, visit_ids)
    found = [_change(one, store, now, by_system=actor.kind == "system") for one in known]
    changes = [change for change in found if change.matters]
    if changes:
        await write.write(conn, store.id, changes, now=now, actor=actor)
        await answers.apply(conn, store, changes, now=now)
        await consequences.apply(conn, store, changes, now=now, actor=actor)
        closed = [change.id for change in changes if change.closes]
        if closed:
            await plan_follow_ons(conn, store, closed, now=now, actor=actor)
            of_complaints = [c.id for c in changes if c.closes and c.known.row["programme"] == AFTER_COMPLAINT]
            if of_complaints:
                await after_visits(conn, store, of_complaints, now=now, actor=actor)
        await write.tell(conn, store.id, changes, actor)
    return [Progressed(c.id, c.after.state, c.decision.next, tuple(event.id for event in c.events)) for c in found]


def _change(known: Known, store: StoreContext, now: datetime, *, by_system: bool) -> Change:
    visit = _as_it_stands(known, now)
    decision = next_step(
        visit, known.attempts, known.messages, ladder_of(store, known.row["programme"], known.row["step"]), store.calendar, now
    )
    new = (effect for effect in decision.effects if not _done(known, effect))
    effects = tuple(effect for effect in new if not (by_system and isinstance(effect, PERSONAL)))
    events = tuple(
        Event(new_id(), known.row["due_seq"] + number, effect.kind, effect.at)
        for number, effect in enumerate((e for e in effects if isinstance(e, Emit)), start=1)
    )
    before, after = _before(known), _after(known, visit, decision, len(events))
    return Change(
        known=known,
        decision=decision,
        before=before,
        after=after,
        effects=tuple(effect for effect in effects if not isinstance(effect, Emit)),
        undone=() if by_system else _taken_back(known, decision),
        events=events,
    )


def ladder_of(store: StoreContext, programme_key: str, step_key: str) -> LadderPolicy:
    """The store's ladder, with as many calls as the visit's step has when that is fewer, and a letter where the step wants one."""
    programme = store.programmes.get(programme_key)
    step = next((step for step in programme.steps if step.key == step_key), None) if programme else None
    if step is None:
        return store.ladder
    calls = store.ladder.max_calls if step.calls is None else min(step.calls, store.ladder.max_calls)
    return replace(store.ladder, max_calls=calls, letter=store.ladder.letter or step.letter)


def _as_it_stands(known: Known, now: datetime) -> VisitFacts:
    """An end that rests on a withdrawn attempt is no end."""
    if known.visit.state in FINAL and known.closed_by_a_withdrawn_attempt:
        return undone(known.visit, now)
    return known.visit


def _done(known: Known, effect: Effect) -> bool:
    """Was it applied before? Messages go once for a visit, a call is announced once for each instant."""
    if not isinstance(effect, Emit):
        return effect.key in known.applied
    return any(step == effect.kind and (step != "call" or at == effect.at) for step, at in known.emitted)


def _taken_back(known: Known, decision: Decision) -> tuple[str, ...]:
    if not any(attempt.withdrawn for attempt in known.attempts):
        return ()
    standing = {effect.key for effect in decision.effects}
    return tuple(sorted(key for key in known.applied if key.startswith(REVERSIBLE) and key not in standing))


def _before(known: Known) -> Stand:
    row = known.row
    return Stand(
        state=State(row["state"]),
        state_reason=row["state_reason"],
        late=row["late"],
        tries=row["tries"],
        next_step=row["next_step"],
        next_at=row["next_at"],
        next_reason=row["next_reason"],
        wake_at=row["wake_at"],
        due_seq=row["due_seq"],
        promised_at=row["promised_at"],
        closed_at=row["closed_at"],
    )


def _after(known: Known, visit: VisitFacts, decision: Decision, events: int) -> Stand:
    """The row as the decision wants it. What a closed visit said when it closed stays; what it may still send is shown."""
    before, ended = _before(known), decision.state in FINAL
    stays = visit.state in FINAL and decision.state is visit.state
    step = decision.next if not ended or (decision.next and decision.next.step in STILL_TO_SEND) else None
    return Stand(
        state=decision.state,
        state_reason=before.state_reason if stays else _reason(decision, ended),
        late=before.late if stays else decision.late,
        tries=before.tries if stays else decision.tries,
        next_step=step.step if step else None,
        next_at=step.at if step else None,
        next_reason=step.reason if step else None,
        wake_at=decision.wake_at,
        due_seq=before.due_seq + events,
        promised_at=before.promised_at if ended else decision.promised_at,
        closed_at=before.closed_at if stays else decision.ended_at,
    )


def _reason(decision: Decision, ended: bool) -> str | None:
    """Why it ended, or what it waits for; where a step is next, the step says why itself."""
    return decision.reason if ended or decision.next is None else None
