"""From a fact to its visits, and from a closed visit to what follows it. Pure: the same facts give the same visits."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from shared.domain.calendar import StoreCalendar, add_months
from shared.domain.programme.facts import is_for_kind, still_needed, triggers
from shared.domain.programme.types import (
    Anchor,
    ClosedVisit,
    Duty,
    Fact,
    PlannedTask,
    PlannedVisit,
    Programme,
    Repeat,
    Step,
    Window,
)
from shared.domain.programme.windows import (
    EXPIRED_REASON,
    Slot,
    anchor_day,
    brought_forward,
    day_slot,
    slot_of,
    visit_of,
)

FIRST_IMPORT_DAYS = 30
COMPLETED = "completed"
INTERVAL = "interval"
"""The attr of a fact that comes again (a birthday, a maintenance): the number of its turn, which its visits bear."""

_DAY = timedelta(days=1)
_ON_THE_DAY = Window(0, 0, 0)


def plan(
    programme: Programme,
    fact: Fact,
    calendar: StoreCalendar,
    now: datetime,
    *,
    first_import: bool,
    busy_days: Collection[date] = frozenset(),
) -> tuple[list[PlannedVisit], int]:
    """The visits a fact starts in one programme, and how many were left out as too long past (`skipped_past`).

    A window that closed before `now` gives an `expired` visit with the reason; on a first import only if it closed
    within the last 30 days, else it is counted. An open window whose due day passed is due now. A step on a grid
    starts with its first date still ahead. A step after another waits for its close, unless that one is over already.
    `busy_days` are days of other open visits of the same person with this customer. Facts the programme does not start
    from give nothing.
    """
    if not triggers(programme, fact):
        return [], 0
    steps = [step for step in programme.steps if is_for_kind(step, fact) and still_needed(step, fact)]
    at_once = [step for step in steps if not step.after and step.task is None]
    candidates = [visit for step in at_once for visit in _first_visit(programme, step, fact, calendar, now)]
    kept = [visit for visit in candidates if not (first_import and _long_past(visit, now))]
    waiting = {visit.step for visit in kept if visit.state == "planned"}
    overdue = (step for step in steps if step.after and not step.when and not waiting.intersection(step.after))
    late = _late_follow_ons(programme, overdue, candidates, fact, calendar, now, busy_days)
    return [*kept, *late], len(candidates) - len(kept)


def follow_ons(
    programme: Programme,
    closed: ClosedVisit,
    fact: Fact,
    calendar: StoreCalendar,
    now: datetime,
    busy_days: Collection[date] = frozenset(),
) -> list[PlannedVisit]:
    """The visits that follow a closed one of the same fact: the date set in its result, the chase, the next on a grid.

    `fact` carries what is known now (insured? plated?). A date set in the result is a promise: it moves for nothing
    and comes instead of the cadence. A final state in the programme's `stop_on`, or an excluded car, ends the chain.
    """
    if fact.excluded:
        return []
    if closed.next_at is not None:
        return [_promised(programme, closed, closed.next_at, fact, calendar)]
    if closed.state in programme.stop_on:
        return []
    visits = (_next_visit(programme, step, closed, fact, calendar, now, busy_days) for step in _next(programme, closed))
    return [visit for visit in visits if visit is not None]


def leads_on(programme: Programme, step_key: str) -> bool:
    """Can anything at all follow a visit of this step: another step, the same again, a task? A date set in its result aside."""
    return any(
        step_key in step.after or (step.key == step_key and bool(step.repeat or step.tasks or step.answer_tasks))
        for step in programme.steps
    )


def tasks_after(
    programme: Programme, closed: ClosedVisit, fact: Fact, calendar: StoreCalendar, now: datetime
) -> list[PlannedTask]:
    """The tasks a closed visit leads to: those of its step when completed, and the one at the end of a chase."""
    today = calendar.day_of(now)
    step = programme.step(closed.step)
    done = step.tasks if closed.state == COMPLETED else ()
    tasks = [PlannedTask(kind, None, today, f"{programme.key}.{step.key}") for kind in done]
    if closed.state == COMPLETED:
        asked = (task for task in step.answer_tasks if _answered(task.when, closed))
        tasks += [PlannedTask(task.kind, task.role, today, f"{programme.key}.{step.key}") for task in asked]
    if fact.excluded or closed.next_at is not None or closed.state in programme.stop_on:
        return tasks
    for follower in _next(programme, closed):
        repeat = follower.repeat
        if repeat is None or repeat.then_task is None or not still_needed(follower, fact):
            continue
        if _next_visit(programme, follower, closed, fact, calendar, now, ()) is None:
            tasks.append(PlannedTask(repeat.then_task, repeat.then_role, today, "repeat_ended"))
    return tasks


def duties(programme: Programme, fact: Fact, calendar: StoreCalendar) -> list[Duty]:
    """The tasks a fact starts, each due at the end of its deadline. None for what is done, or not needed, already."""
    if not triggers(programme, fact):
        return []
    steps = (step for step in programme.steps if step.task is not None and is_for_kind(step, fact) and still_needed(step, fact))
    return [_duty(programme, step, fact, calendar) for step in steps]


def _duty(programme: Programme, step: Step, fact: Fact, calendar: StoreCalendar) -> Duty:
    slot = slot_of(step.window or _ON_THE_DAY, anchor_day(step.anchor, fact), fact, calendar, any_day=step.any_day)
    return Duty(
        kind=step.task or "",
        role=step.role,
        programme=programme.key,
        step=step.key,
        due_at=slot.end,
        trigger_id=fact.id,
        customer_id=fact.customer_id,
        vehicle_id=fact.vehicle_id,
    )


def _first_visit(programme: Programme, step: Step, fact: Fact, calendar: StoreCalendar, now: datetime) -> Iterator[PlannedVisit]:
    if step.repeat is not None and step.repeat.from_ == "fact":
        slot: Slot | None = _named_slot(step, fact, calendar, now)
    elif step.repeat is not None:
        slot = _next_on_grid(step, step.repeat, fact, calendar, calendar.day_of(now) - _DAY, now)
    else:
        slot = slot_of(step.window or _ON_THE_DAY, anchor_day(step.anchor, fact), fact, calendar, any_day=step.any_day)
    if slot is None:
        return
    if slot.end <= now:
        yield replace(visit_of(programme, step, 1, slot, fact, calendar), state="expired", reason=EXPIRED_REASON)
    else:
        yield visit_of(programme, step, 1, brought_forward(slot, calendar, now), fact, calendar)


def _long_past(visit: PlannedVisit, now: datetime) -> bool:
    return visit.state == "expired" and visit.window_end <= now - timedelta(days=FIRST_IMPORT_DAYS)


def _late_follow_ons(
    programme: Programme,
    steps: Iterable[Step],
    planned: Iterable[PlannedVisit],
    fact: Fact,
    calendar: StoreCalendar,
    now: datetime,
    busy_days: Collection[date],
) -> Iterator[PlannedVisit]:
    """The first visit of each step whose predecessor was over before it could be planned."""
    over = {visit.step: visit for visit in planned if visit.state == "expired"}
    for step in steps:
        before = next((over[key] for key in step.after if key in over), None)
        if before is None:
            continue
        closed = ClosedVisit(before.step, before.occurrence, "expired", before.due_on, before.due_at)
        visit = _next_visit(programme, step, closed, fact, calendar, now, busy_days)
        if visit is not None:
            yield visit


def _next(programme: Programme, closed: ClosedVisit) -> Iterator[Step]:
    """The steps a close leads to: those after it, and itself when it repeats."""
    for step in programme.steps:
        comes = closed.step in step.after or (step.key == closed.step and step.repeat is not None)
        if comes and _answered(step.when, closed):
            yield step


def _answered(when: Mapping[str, str], closed: ClosedVisit) -> bool:
    """True when the visit was answered as a step or a task asks for; without a wish, always."""
    return all(str(closed.answers.get(question)) == value for question, value in when.items())


def _next_visit(
    programme: Programme,
    step: Step,
    closed: ClosedVisit,
    fact: Fact,
    calendar: StoreCalendar,
    now: datetime,
    busy_days: Collection[date],
) -> PlannedVisit | None:
    if not (is_for_kind(step, fact) and still_needed(step, fact)):
        return None
    slot = _next_slot(step, closed, fact, calendar, now, busy_days)
    if slot is None:
        return None
    visit = visit_of(programme, step, _occurrence(step, closed, fact), slot, fact, calendar)
    return replace(visit, follows_visit_id=closed.id)


def _occurrence(step: Step, closed: ClosedVisit, fact: Fact) -> int:
    """The next of the same step; of another the first, or, where the fact comes again, the one of the same turn."""
    if step.repeat is not None and step.repeat.from_ == "fact" and INTERVAL in fact.attrs:
        return int(fact.attrs[INTERVAL])
    if step.key == closed.step:
        return closed.occurrence + 1
    return closed.occurrence if INTERVAL in fact.attrs else 1


def _next_slot(
    step: Step, closed: ClosedVisit, fact: Fact, calendar: StoreCalendar, now: datetime, busy_days: Collection[date]
) -> Slot | None:
    closed_on = calendar.day_of(closed.closed_at)
    if step.repeat is None:
        slot = slot_of(step.window or _ON_THE_DAY, closed_on, fact, calendar, any_day=step.any_day)
        return brought_forward(slot, calendar, now)
    if step.repeat.from_ == "fact":
        return _named_slot(step, fact, calendar, now)
    if step.repeat.from_ == "anchor":
        return _next_on_grid(step, step.repeat, fact, calendar, max(closed_on, closed.due_on + _early(step)), now)
    days = step.repeat.every_days if step.key == closed.step else step.repeat.first_after_days
    due = max(closed_on + timedelta(days=days), calendar.day_of(now))
    return _free_slot(step, step.repeat, due, fact, calendar, busy_days)


def _named_slot(step: Step, fact: Fact, calendar: StoreCalendar, now: datetime) -> Slot:
    """Around the day the fact names, or around today when it has passed: what is overdue is due, not over."""
    day = max(anchor_day(step.anchor, fact), calendar.day_of(now))
    window = step.window or _ON_THE_DAY
    earliest, due, deadline = (day + timedelta(days=count) for count in (window.earliest, window.due, window.deadline))
    return brought_forward(day_slot(earliest, due, deadline, fact, calendar), calendar, now)


def _next_on_grid(step: Step, repeat: Repeat, fact: Fact, calendar: StoreCalendar, after: date, now: datetime) -> Slot | None:
    """The first date of the grid later than `after` whose window is still open, unless the repeat has ended."""
    anchor = anchor_day(step.anchor, fact)
    last = _last_day(step.anchor, repeat, fact)
    number = _grid_number(repeat, anchor, after)
    while True:
        due = _grid_day(repeat, anchor, number)
        if last is not None and due > last:
            return None
        slot = _around(step, due, fact, calendar)
        if due > after and slot.end > now:
            return brought_forward(slot, calendar, now)
        number += 1


def _early(step: Step) -> timedelta:
    """How far before its date of the grid a visit may have been moved: one of those days still stands for that date."""
    window = step.window
    return timedelta(days=max(0, -window.earliest)) if window is not None and window.unit == "days" else timedelta(0)


def _grid_number(repeat: Repeat, anchor: date, after: date) -> int:
    """A number of the grid at or shortly before `after`, so that a car of ten years is not counted up from one."""
    days = repeat.every_days or repeat.every_months * 31
    return max(1, (after - anchor).days // days)


def _grid_day(repeat: Repeat, anchor: date, number: int) -> date:
    if repeat.every_months:
        return add_months(anchor, repeat.every_months * number)
    return anchor + timedelta(days=repeat.every_days * number)


def _free_slot(
    step: Step, repeat: Repeat, due: date, fact: Fact, calendar: StoreCalendar, busy_days: Collection[date]
) -> Slot | None:
    """The slot on or after `due` on an open day that keeps its distance to the person's other visits."""
    wanted, last = due, _last_day(step.anchor, repeat, fact)
    while last is None or due <= last:
        slot = _around(step, due, fact, calendar)
        if not any(abs((slot.due_on - busy).days) <= repeat.gap_days for busy in busy_days):
            spaced = (f"spacing|{wanted}|{due}|",) if due > wanted else ()
            return None if last is not None and slot.due_on > last else replace(slot, shifts=(*spaced, *slot.shifts))
        due += _DAY
    return None


def _around(step: Step, due: date, fact: Fact, calendar: StoreCalendar) -> Slot:
    """The window of a repeated step lies around its own due day."""
    window = step.window or _ON_THE_DAY
    earliest, deadline = (due + timedelta(days=count - window.due) for count in (window.earliest, window.deadline))
    return day_slot(earliest, due, deadline, fact, calendar)


def _last_day(anchor: Anchor, repeat: Repeat, fact: Fact) -> date | None:
    day = anchor_day(anchor, fact)
    if repeat.until_months is not None:
        return add_months(day, repeat.until_months)
    return None if repeat.until_day is None else day + timedelta(days=repeat.until_day)


def _promised(programme: Programme, closed: ClosedVisit, next_at: datetime, fact: Fact, calendar: StoreCalendar) -> PlannedVisit:
    """The visit on the date of the last result: the step that waits for such dates, else the same step again."""
    dated = (step for step in _next(programme, closed) if step.repeat is not None and step.repeat.next_date)
    step = next(dated, programme.step(closed.step))
    day = calendar.day_of(next_at)
    slot = Slot(day, next_at, min(calendar.opening(day), next_at), calendar.end_of_day(day))
    occurrence = closed.occurrence + 1 if step.key == closed.step else 1
    visit = visit_of(programme, step, occurrence, slot, fact, calendar)
    return replace(visit, promised_at=next_at, follows_visit_id=closed.id)
