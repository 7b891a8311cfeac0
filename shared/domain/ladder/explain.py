"""The ladder's past and future as stable codes with parameters, for "why?"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain.calendar import StoreCalendar
from shared.domain.ladder.decide import next_step
from shared.domain.ladder.facts import AttemptFacts, Decision, LadderPolicy, MessageFacts, VisitFacts
from shared.domain.ladder.history import Weight, read_history
from shared.domain.ladder.slots import part_of_day


@dataclass(frozen=True)
class Explained:
    """One line of why: an instant (UTC), a stable code, and parameters as text (instants in RFC 3339)."""

    at: datetime
    code: str
    params: Mapping[str, str]


def explain(
    visit: VisitFacts,
    attempts: Sequence[AttemptFacts],
    messages: Sequence[MessageFacts],
    policy: LadderPolicy,
    calendar: StoreCalendar,
    now: datetime,
) -> list[Explained]:
    """What happened to a visit, oldest first, then where it stands and what comes next. Takes what `next_step` takes.

    Codes: `due`; `attempt_<weight>` (try, same_day, inbound, other_channel, withdrawn, not_a_try); `number_<mark>`;
    `message`;
    `reply`, `answer`; `deadline_passed`; then `ended`, or `waits`, and `next` with the step, its instant, its reason.
    """
    history = read_history(visit, attempts, policy, calendar)
    decision = next_step(visit, attempts, messages, policy, calendar, now)
    lines = [Explained(visit.due_at, "due", {"channel": visit.channel})] if now >= visit.due_at else []
    lines += _attempts(history.weights, policy, calendar)
    lines += [
        Explained(history.marked_at, f"number_{mark}", {"number_id": str(number_id)})
        for number_id, mark in (history.marks or {}).items()
        if history.marked_at
    ]
    lines += [_message(message) for message in messages]
    lines += [Explained(signal.at, signal.kind, {"channel": signal.channel}) for signal in visit.signals]
    if now >= visit.window_end:
        lines.append(Explained(visit.window_end, "deadline_passed", {}))
    return sorted(lines, key=lambda line: line.at) + _outlook(decision, policy, calendar, now)


def _attempts(weights: Sequence[tuple[AttemptFacts, Weight]], policy: LadderPolicy, calendar: StoreCalendar) -> list[Explained]:
    lines, tries = [], 0
    for attempt, weight in weights:
        params = {"outcome": str(attempt.outcome), "channel": str(attempt.channel)}
        if weight == "try":
            tries += 1
            start, end = policy.parts[part_of_day(policy.parts, calendar.local(attempt.at).time())]
            params |= {"try": str(tries), "of": str(policy.max_calls), "part": f"{start:02}-{end:02}"}
        if attempt.next_at:
            params["next_at"] = attempt.next_at.isoformat()
        lines.append(Explained(attempt.at, f"attempt_{weight}", params))
    return lines


def _message(message: MessageFacts) -> Explained:
    params = {"channel": str(message.channel), "state": str(message.state)}
    if message.reason:
        params["reason"] = message.reason
    return Explained(message.sent_at or message.created_at, "message", params)


def _outlook(decision: Decision, policy: LadderPolicy, calendar: StoreCalendar, now: datetime) -> list[Explained]:
    lines = []
    if decision.ended_at:
        params = {"state": str(decision.state), "reason": decision.reason or ""}
        lines.append(Explained(decision.ended_at, "ended", params | ({"late": "true"} if decision.late else {})))
    elif decision.next is None:
        lines.append(Explained(now, "waits", {"reason": decision.reason or ""}))
    if decision.next:
        step = decision.next
        params = {"step": step.step, "reason": step.reason, "tries": str(decision.tries), "of": str(policy.max_calls)}
        if step.step == "call":
            start, end = policy.parts[part_of_day(policy.parts, calendar.local(step.at).time())]
            params["part"] = f"{start:02}-{end:02}"
        lines.append(Explained(step.at, "next", params))
    return lines
