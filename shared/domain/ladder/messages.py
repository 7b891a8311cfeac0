"""The part of the ladder in which messages go: SMS, e-mail, the end; and the steps that are a message from the
start.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.domain.ladder.calls import CallsOver
from shared.domain.ladder.case import Case, step_of
from shared.domain.ladder.facts import Decision, Effect, MessageFacts, Next, OpenTask, TaskKind
from shared.domain.message import FAILED, SENT, MessageState
from shared.domain.visit import Channel, State

_DAY = timedelta(days=1)
_UNSENT = FAILED | {MessageState.UNKNOWN_FINAL}


def after_calls(case: Case, over: CallsOver) -> Decision:
    """SMS at once (inside its window), e-mail when it fails or after 24 h, the end 3 days after the e-mail or at
    once without address.

    When every number fell out, nothing more goes to any: the SMS is passed over although one may have been sent.
    """
    silent, reason = over.at, over.reason
    text = case.message(Channel.SMS)
    if not case.good_numbers():
        pass
    elif text is not None:
        silent, reason = max(silent, case.silent_since(text)), f"sms_{_fate(text)}"
    elif case.text_target() is not None:
        at = case.slot(over.at)
        silent, reason = at + case.silence, "sms_unanswered"
        if case.now < silent:
            step = Next("sms", at, over.reason)
            return case.decide(State.TRYING, step, looks=[silent], number_id=case.text_target())
    else:
        reason = "no_textable_number" if over.reason != "line_suspended" else over.reason
    return _email(case, silent, reason)


def _fate(message: MessageFacts) -> str:
    return str(message.state) if message.state in FAILED else "unanswered"


def _email(case: Case, silent: datetime, reason: str) -> Decision:
    wait = timedelta(days=case.policy.close_after_days)
    email = case.message(Channel.EMAIL)
    if email is not None:
        close_at = max((email.sent_at or email.created_at) + wait, silent)
        return _close(case, close_at, "email_unanswered", looks=[silent])
    if not case.visit.email_ok:
        return _close(case, silent, "no_address") if case.good_numbers() else _invalid(case, silent)
    at = case.slot(silent)
    if case.now >= at + wait:
        return _close(case, at + wait, "email_never_left")
    return case.decide(State.TRYING, Next("email", at, reason), looks=[silent, at + wait])


def _invalid(case: Case, at: datetime) -> Decision:
    """No number left and no e-mail: the file must be corrected; where a good number only wants no calls, the visit is cancelled."""
    marks = case.history.marks or {}
    if any(number.refused and number.id not in marks for number in case.visit.numbers):
        return case.end(State.CANCELLED, at, "opted_out")
    return case.end(State.INVALID, at, "no_good_number", effects=[OpenTask(TaskKind.CORRECT_FILE)])


def _close(case: Case, at: datetime, reason: str, looks: Sequence[datetime] = ()) -> Decision:
    step = Next("letter" if case.policy.letter else "close", at, reason)
    if case.now < at:
        return case.decide(State.TRYING, Next("close", at, reason), looks=looks)
    effects: list[Effect] = [OpenTask(TaskKind.CONFIRM_NUMBER)]
    if case.policy.letter:
        effects.append(OpenTask(TaskKind.LETTER))
    return case.end(State.UNREACHABLE, at, reason, step=step, effects=effects)


def automatic(case: Case) -> Decision:
    """A step that is a message: due, sent, completed when accepted.

    Undelivered, refused or never settled: the e-mail, if there is an address, else unreachable. Suppressed:
    cancelled, with the
    notifier's reason (the occasion has passed or the customer must not get it; another channel would be no
    different). A message
    that could not even be made by the end of its window (or a day after it was due, if that is later) expires.
    """
    channel = case.visit.channel
    own = case.message(channel)
    if own is None:
        return _make(case, channel)
    if own.state in SENT:
        return _sent(case, own)
    if own.state is MessageState.SUPPRESSED:
        return case.end(State.CANCELLED, _settled(own), own.reason or "suppressed")
    if own.state not in _UNSENT:
        return case.decide(case.waiting_state, None, reason=f"{channel}_{own.state}")
    if channel is Channel.EMAIL:
        return _close(case, _settled(own), f"email_{own.state}")
    return _email_instead(case, _settled(own), f"sms_{own.state}")


def _make(case: Case, channel: Channel) -> Decision:
    if not case.may(channel):
        if channel is Channel.EMAIL:
            return _close(case, case.activation, "no_address")
        return _email_instead(case, case.activation, "no_textable_number")
    at = case.slot(case.activation)
    expires = max(case.visit.window_end, at + _DAY)
    if case.now >= expires:
        running = case.waiting_state is State.TRYING
        return _close(case, expires, "never_made") if running else case.end(State.EXPIRED, expires, "never_made")
    number_id = case.text_target() if channel is Channel.SMS else None
    return case.decide(case.waiting_state, Next(step_of(channel), at, "due"), looks=[expires], number_id=number_id)


def _sent(case: Case, message: MessageFacts) -> Decision:
    at = message.sent_at or _settled(message)
    return case.end(State.COMPLETED, at, f"{message.channel}_{message.state}", channel=message.channel)


def _settled(message: MessageFacts) -> datetime:
    return message.settled_at or message.created_at


def _email_instead(case: Case, since: datetime, reason: str) -> Decision:
    """An automatic SMS could not go: an e-mail takes its place once, until the window (or a day) has passed; no
    address is the end.
    """
    email = case.message(Channel.EMAIL)
    if email is None:
        return _make_email(case, since, reason) if case.visit.email_ok else _close(case, since, reason)
    if email.state in SENT:
        return _sent(case, email)
    if email.state in _UNSENT:
        return _close(case, _settled(email), f"email_{email.state}")
    return case.decide(State.TRYING, None, reason=f"email_{email.state}")


def _make_email(case: Case, since: datetime, reason: str) -> Decision:
    at = case.slot(since)
    expires = max(case.visit.window_end, at + _DAY)
    if case.now >= expires:
        return _close(case, expires, "email_never_left")
    return case.decide(State.TRYING, Next("email", at, reason), looks=[expires])
