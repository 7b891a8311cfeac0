"""The ladder of a visit: calls, SMS, e-mail, the end. Times are the store's, in Shanghai; 24 November 2026 is a Tuesday."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from shared.domain.calendar import DayRule, StoreCalendar
from shared.domain.ladder import (
    RULES,
    AttemptFacts,
    CancelCustomer,
    CancelVehicle,
    Decision,
    Emit,
    FollowUp,
    LadderPolicy,
    MarkNumber,
    MessageFacts,
    Next,
    NotifyManager,
    NumberFacts,
    OpenTask,
    OptOut,
    SignalFacts,
    TaskKind,
    VisitFacts,
    explain,
    next_step,
    undone,
)
from shared.domain.message import MessageState
from shared.domain.visit import Channel, Outcome, ReachedPerson, Result, State

ZONE = ZoneInfo("Asia/Shanghai")
CALENDAR = StoreCalendar("Asia/Shanghai")
POLICY = LadderPolicy()
A = UUID(int=1)
B = UUID(int=2)
MOBILE = NumberFacts(A)
SECOND = NumberFacts(B)
LANDLINE = NumberFacts(A, textable=False)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """An instant of November 2026 on the store's clock; days after the 30th run on into December."""
    return datetime(2026, 11, 1, hour, minute, tzinfo=ZONE) + timedelta(days=day - 1)


VISIT = VisitFacts(
    state=State.DUE,
    channel=Channel.PHONE,
    due_at=at(24, 9),
    window_end=at(26, 0),
    numbers=(MOBILE,),
    email_ok=True,
)


def call(when: datetime, outcome: Outcome = Outcome.NO_ANSWER, **facts: Any) -> AttemptFacts:
    return replace(AttemptFacts(when, Channel.PHONE, outcome), **facts)


def text(state: MessageState, when: datetime, channel: Channel = Channel.SMS, **facts: Any) -> MessageFacts:
    return replace(MessageFacts(channel, state, when), **facts)


def ask(
    now: datetime,
    *attempts: AttemptFacts,
    visit: VisitFacts = VISIT,
    messages: tuple[MessageFacts, ...] = (),
    policy: LadderPolicy = POLICY,
    calendar: StoreCalendar = CALENDAR,
) -> Decision:
    return next_step(visit, attempts, messages, policy, calendar, now)


def tasks(decision: Decision) -> set[TaskKind]:
    return {effect.kind for effect in decision.effects if isinstance(effect, OpenTask)}


def emitted(decision: Decision) -> set[str]:
    return {effect.kind for effect in decision.effects if isinstance(effect, Emit)}


THREE_TRIES = (call(at(24, 10)), call(at(25, 14, 30)), call(at(26, 17, 30)))


# --- becoming due -------------------------------------------------------------------------------------------------


def test_a_planned_visit_waits_for_its_day() -> None:
    decision = ask(at(23, 12), visit=replace(VISIT, state=State.PLANNED))

    assert decision.state is State.PLANNED
    assert decision.next == Next("call", at(24, 9), "planned")
    assert decision.wake_at == at(24, 9)
    assert decision.effects == ()


def test_on_its_day_it_is_due_and_the_call_is_emitted_once() -> None:
    decision = ask(at(24, 9), visit=replace(VISIT, state=State.PLANNED))

    assert decision.state is State.DUE
    assert decision.next == Next("call", at(24, 9), "due")
    assert decision.number_id == A
    assert [effect.key for effect in decision.effects] == ["emit:call:2026-11-24T01:00:00+00:00"]
    assert decision.wake_at == at(26, 0)


def test_a_visit_nobody_was_shown_in_its_window_expires_and_the_manager_hears_of_it() -> None:
    decision = ask(at(29, 9), visit=replace(VISIT, state=State.PLANNED))

    assert (decision.state, decision.reason, decision.ended_at) == (State.EXPIRED, "window_passed_unseen", at(26, 0))
    assert NotifyManager("expired") in decision.effects


def test_a_call_before_the_day_is_accepted() -> None:
    planned = replace(VISIT, state=State.PLANNED)

    assert ask(at(23, 10), call(at(23, 10), Outcome.REACHED), visit=planned).state is State.COMPLETED
    assert ask(at(23, 10), call(at(23, 10)), visit=planned).state is State.TRYING


# --- tries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "outcome",
    [Outcome.NO_ANSWER, Outcome.BUSY, Outcome.POWERED_OFF, Outcome.OUT_OF_COVERAGE, Outcome.REJECTED],
)
def test_not_reached_is_a_try_and_the_next_one_is_tomorrow_in_another_part_of_the_day(outcome: Outcome) -> None:
    decision = ask(at(24, 10), call(at(24, 10), outcome))

    assert (decision.state, decision.tries) == (State.TRYING, 1)
    assert decision.next == Next("call", at(25, 14), f"{outcome}_1")
    assert decision.wake_at == at(25, 14)


@pytest.mark.parametrize(
    ("hour", "minute", "following"),
    [(8, 0, 14), (9, 0, 14), (12, 0, 14), (13, 30, 14), (14, 0, 17), (16, 59, 17), (17, 0, 9), (20, 0, 9)],
)
def test_the_parts_rotate_from_the_part_of_the_last_try(hour: int, minute: int, following: int) -> None:
    assert ask(at(24, 20), call(at(24, hour, minute))).next == Next("call", at(25, following), "no_answer_1")


def test_the_next_try_is_on_an_open_day() -> None:
    closed = StoreCalendar("Asia/Shanghai", days={date(2026, 11, 25): DayRule(False, None, "盘点", "store")})

    assert ask(at(24, 10), call(at(24, 10)), calendar=closed).next == Next("call", at(26, 14), "no_answer_1")


def test_a_part_begins_when_the_store_opens_and_a_part_outside_the_hours_is_passed_over() -> None:
    mornings = StoreCalendar("Asia/Shanghai", weekly={day: ((time(10), time(13)),) for day in range(7)})

    assert ask(at(24, 10), call(at(24, 10)), calendar=mornings).next == Next("call", at(25, 10), "no_answer_1")


def test_a_store_open_in_no_part_calls_at_its_opening() -> None:
    nights = StoreCalendar("Asia/Shanghai", weekly={day: ((time(20), time(22)),) for day in range(7)})

    assert ask(at(24, 20), call(at(24, 20)), calendar=nights).next == Next("call", at(25, 20), "no_answer_1")


def test_further_calls_of_a_day_are_kept_and_not_counted() -> None:
    decision = ask(at(24, 18), call(at(24, 10)), call(at(24, 14)), call(at(24, 17, 30)))

    assert decision.tries == 1
    assert decision.next == Next("call", at(25, 14), "no_answer_1")


def test_the_day_of_a_try_is_the_stores() -> None:
    late, early = call(at(24, 23, 30)), call(at(25, 0, 30))

    assert ask(at(25, 1), late, early).tries == 2


def test_messages_and_calls_from_the_customer_are_no_tries() -> None:
    decision = ask(
        at(24, 18),
        call(at(24, 10), channel=Channel.WECHAT),
        call(at(24, 11), direction="in"),
    )

    assert (decision.state, decision.tries) == (State.DUE, 0)


def test_a_withdrawn_attempt_never_was() -> None:
    assert ask(at(24, 10), call(at(24, 10), withdrawn=True)) == ask(at(24, 10))
    closed = replace(VISIT, state=State.COMPLETED, closed_at=at(24, 10))
    reached = call(at(24, 10), Outcome.REACHED, withdrawn=True)

    assert ask(at(24, 11), reached, visit=undone(closed, at(24, 11))).state is State.DUE


def test_the_manager_hears_of_a_next_try_left_undone_for_an_open_day() -> None:
    first = call(at(24, 10))
    told = NotifyManager("call_overdue", "2026-11-25T06:00:00+00:00")

    assert told not in ask(at(26, 23, 59), first).effects
    assert told in ask(at(27, 0), first).effects
    assert ask(at(27, 0), first).state is State.TRYING
    assert ask(at(27, 0), first).late


# --- SMS, e-mail, the end -----------------------------------------------------------------------------------------------


def test_after_three_tries_the_sms_goes_at_once() -> None:
    decision = ask(at(26, 17, 30), *THREE_TRIES)

    assert (decision.state, decision.tries) == (State.TRYING, 3)
    assert decision.next == Next("sms", at(26, 17, 30), "tries_exhausted")
    assert emitted(decision) == {"sms"}
    assert decision.number_id == A


@pytest.mark.parametrize(
    ("last", "sms"),
    [
        (at(26, 8, 0), at(26, 8, 30)),
        (at(26, 8, 30), at(26, 8, 30)),
        (at(26, 20, 29), at(26, 20, 29)),
        (at(26, 20, 30), at(27, 8, 30)),
        (at(26, 23, 0), at(27, 8, 30)),
    ],
)
def test_the_sms_keeps_to_its_window(last: datetime, sms: datetime) -> None:
    decision = ask(last, call(at(24, 10)), call(at(25, 14)), call(last))

    assert decision.next == Next("sms", sms, "tries_exhausted")
    assert emitted(decision) == ({"sms"} if sms == last else set())
    assert decision.wake_at == (sms if sms > last else last + timedelta(hours=24))


def test_an_sms_asked_for_too_late_in_the_evening_waits_for_the_morning() -> None:
    decision = ask(at(26, 22), *THREE_TRIES)

    assert decision.next == Next("sms", at(26, 17, 30), "tries_exhausted")
    assert (emitted(decision), decision.wake_at) == (set(), at(27, 8, 30))


def test_an_early_fourth_call_does_not_bring_a_second_sms() -> None:
    sent = text(MessageState.DELIVERED, at(26, 17, 31), sent_at=at(26, 17, 31))
    decision = ask(at(27, 10), *THREE_TRIES, call(at(27, 10)), messages=(sent,))

    assert emitted(decision) == set()
    assert decision.next == Next("email", at(27, 17, 31), "sms_unanswered")


@pytest.mark.parametrize("state", [MessageState.REJECTED, MessageState.UNDELIVERED, MessageState.SUPPRESSED])
def test_a_failed_sms_brings_the_email_at_once(state: MessageState) -> None:
    failed = text(state, at(26, 17, 31), settled_at=at(26, 17, 40))
    decision = ask(at(26, 17, 40), *THREE_TRIES, messages=(failed,))

    assert decision.next == Next("email", at(26, 17, 40), f"sms_{state}")
    assert emitted(decision) == {"email"}


@pytest.mark.parametrize(
    "state",
    [
        MessageState.QUEUED,
        MessageState.HELD,
        MessageState.SENDING,
        MessageState.ACCEPTED,
        MessageState.DELIVERED,
        MessageState.UNKNOWN,
        MessageState.UNKNOWN_FINAL,
    ],
)
def test_an_unanswered_sms_brings_the_email_after_24_hours_whatever_its_state(state: MessageState) -> None:
    sms = text(state, at(26, 17, 31))
    before, after = (ask(now, *THREE_TRIES, messages=(sms,)) for now in (at(27, 17, 30), at(27, 17, 31)))

    assert before.next == after.next == Next("email", at(27, 17, 31), "sms_unanswered")
    assert before.wake_at == at(27, 17, 31)
    assert (emitted(before), emitted(after)) == (set(), {"email"})


def test_an_sms_that_arrives_after_all_takes_the_email_back() -> None:
    delivered = text(MessageState.DELIVERED, at(26, 17, 31), sent_at=at(26, 17, 31), settled_at=at(26, 18))

    assert ask(at(26, 18), *THREE_TRIES, messages=(delivered,)).next == Next("email", at(27, 17, 31), "sms_unanswered")


def test_an_sms_the_notifier_never_made_is_not_waited_for_longer_than_24_hours() -> None:
    assert ask(at(27, 17, 30), *THREE_TRIES).next == Next("email", at(27, 17, 30), "sms_unanswered")


@pytest.mark.parametrize("number", [LANDLINE, NumberFacts(A, sms_ok=False)])
def test_without_a_number_to_text_the_email_goes_straight(number: NumberFacts) -> None:
    decision = ask(at(26, 17, 30), *THREE_TRIES, visit=replace(VISIT, numbers=(number,)))

    assert decision.next == Next("email", at(26, 17, 30), "no_textable_number")
    assert emitted(decision) == {"email"}


SMS = text(MessageState.DELIVERED, at(26, 17, 31), sent_at=at(26, 17, 31))
EMAIL = text(MessageState.ACCEPTED, at(27, 17, 31), Channel.EMAIL, sent_at=at(27, 17, 32))


def test_three_days_after_the_email_the_customer_is_unreachable() -> None:
    waiting = ask(at(30, 17, 31), *THREE_TRIES, messages=(SMS, EMAIL))
    closed = ask(at(30, 17, 32), *THREE_TRIES, messages=(SMS, EMAIL))

    assert waiting.next == Next("close", at(30, 17, 32), "email_unanswered")
    assert waiting.wake_at == at(30, 17, 32)
    assert (closed.state, closed.ended_at, closed.late) == (State.UNREACHABLE, at(30, 17, 32), True)
    assert tasks(closed) == {TaskKind.CONFIRM_NUMBER}
    assert closed.wake_at is None


def test_an_email_that_never_left_closes_three_days_after_it_was_due() -> None:
    held = text(MessageState.HELD, at(27, 17, 31), Channel.EMAIL)

    assert ask(at(30, 17, 31), *THREE_TRIES, messages=(SMS, held)).state is State.UNREACHABLE
    assert ask(at(30, 17, 31), *THREE_TRIES, messages=(SMS,)).reason == "email_never_left"


def test_without_an_address_the_ladder_ends_when_the_email_would_have_gone() -> None:
    visit = replace(VISIT, email_ok=False)
    waiting = ask(at(27, 17, 30), *THREE_TRIES, visit=visit, messages=(SMS,))
    closed = ask(at(27, 17, 31), *THREE_TRIES, visit=visit, messages=(SMS,))

    assert (waiting.state, waiting.next) == (State.TRYING, Next("close", at(27, 17, 31), "no_address"))
    assert (closed.state, closed.reason) == (State.UNREACHABLE, "no_address")


def test_with_neither_number_to_text_nor_address_the_third_try_ends_it() -> None:
    decision = ask(at(26, 17, 30), *THREE_TRIES, visit=replace(VISIT, numbers=(LANDLINE,), email_ok=False))

    assert (decision.state, decision.next) == (State.UNREACHABLE, Next("close", at(26, 17, 30), "no_address"))


def test_a_letter_follows_where_the_policy_says_so() -> None:
    decision = ask(at(30, 18), *THREE_TRIES, messages=(SMS, EMAIL), policy=replace(POLICY, letter=True))

    assert decision.next is not None
    assert decision.next.step == "letter"
    assert TaskKind.LETTER in tasks(decision)


# --- outcomes ------------------------------------------------------------------------------------------------------------


def test_every_outcome_has_its_rule() -> None:
    assert set(RULES) == set(Outcome)


def test_reached_completes() -> None:
    decision = ask(at(24, 10), call(at(24, 10), Outcome.REACHED))

    assert (decision.state, decision.ended_at, decision.channel) == (State.COMPLETED, at(24, 10), Channel.PHONE)
    assert not decision.late
    assert decision.next is None


def test_reached_with_a_next_date_is_incomplete_and_followed_up() -> None:
    decision = ask(at(24, 10), call(at(24, 10), Outcome.REACHED, next_at=at(28, 15)))

    assert decision.state is State.INCOMPLETE
    assert FollowUp(at(28, 15)) in decision.effects


def test_the_result_of_this_visit_outranks_the_date_of_the_call() -> None:
    done = call(at(24, 10), Outcome.REACHED, next_at=at(28, 15), result=Result.COMPLETED)
    declined = call(at(24, 10), Outcome.REACHED, result=Result.DECLINED)

    assert ask(at(24, 10), done).state is State.COMPLETED
    assert ask(at(24, 10), done).effects == ()
    assert ask(at(24, 10), declined).state is State.DECLINED


def test_the_third_rejected_try_means_no() -> None:
    rejected = tuple(replace(attempt, outcome=Outcome.REJECTED) for attempt in THREE_TRIES)
    decision = ask(at(26, 17, 30), *rejected)

    assert (decision.state, decision.reason) == (State.DECLINED, "rejected_3")
    assert emitted(decision) == set()


def test_two_rejected_tries_and_one_unanswered_lead_to_the_sms() -> None:
    mixed = (replace(THREE_TRIES[0], outcome=Outcome.REJECTED), replace(THREE_TRIES[1], outcome=Outcome.REJECTED))

    assert ask(at(26, 17, 30), *mixed, THREE_TRIES[2]).next == Next("sms", at(26, 17, 30), "tries_exhausted")


def test_call_later_is_a_promise_and_no_try() -> None:
    later = call(at(24, 10), Outcome.CALL_LATER, next_at=at(28, 15))
    decision = ask(at(24, 10), later)

    assert (decision.state, decision.tries, decision.promised_at) == (State.DUE, 0, at(28, 15))
    assert decision.next == Next("call", at(28, 15), "promised")


def test_a_promise_moves_the_deadline_and_is_kept_by_the_call() -> None:
    later = call(at(24, 10), Outcome.CALL_LATER, next_at=at(28, 15))
    overdue = ask(at(29, 0), later)
    kept = ask(at(28, 14, 40), later, call(at(28, 14, 40)))

    assert ask(at(28, 23), later).effects == (Emit("call", at(28, 15)),)
    assert NotifyManager("deadline") in overdue.effects
    assert (kept.state, kept.promised_at, kept.tries) == (State.TRYING, None, 1)
    assert kept.next == Next("call", at(29, 17), "no_answer_1")


def test_a_call_before_the_promise_does_not_keep_it() -> None:
    later = call(at(24, 10), Outcome.CALL_LATER, next_at=at(25, 15))

    assert ask(at(24, 16), later, call(at(24, 16))).next == Next("call", at(25, 15), "promised")


def test_the_stored_promise_written_back_changes_nothing() -> None:
    later = call(at(24, 10), Outcome.CALL_LATER, next_at=at(28, 15))

    assert ask(at(24, 11), later, visit=replace(VISIT, promised_at=at(28, 15))) == ask(at(24, 11), later)


def test_a_promise_set_by_hand_outranks_an_older_one() -> None:
    later = call(at(24, 10), Outcome.CALL_LATER, next_at=at(28, 15))
    by_hand = replace(VISIT, promised_at=at(27, 10), promised_set_at=at(24, 12))

    assert ask(at(24, 13), later, visit=by_hand).promised_at == at(27, 10)


def test_call_later_without_a_time_is_tomorrow_in_another_part() -> None:
    decision = ask(at(24, 10), call(at(24, 10), Outcome.CALL_LATER))

    assert (decision.tries, decision.next) == (0, Next("call", at(25, 14), "call_later_0"))


def test_a_suspended_line_gets_the_sms_and_no_more_calls() -> None:
    decision = ask(at(24, 10), call(at(24, 10), Outcome.SUSPENDED))

    assert (decision.state, decision.tries) == (State.TRYING, 0)
    assert decision.next == Next("sms", at(24, 10), "line_suspended")
    assert emitted(decision) == {"sms"}


def test_suspended_a_second_time_is_a_dead_number() -> None:
    decision = ask(at(25, 10), call(at(24, 10), Outcome.SUSPENDED), call(at(25, 10), Outcome.SUSPENDED))

    assert MarkNumber(A, "invalid") in decision.effects
    assert decision.next == Next("email", at(25, 10), "no_good_number")


BAD = [
    (Outcome.WRONG_NUMBER, "wrong", None),
    (Outcome.NUMBER_INVALID, "invalid", None),
    (Outcome.NOT_OWNER, "wrong", None),
    (Outcome.NOT_OWNER, "wrong", ReachedPerson.OTHER),
]


@pytest.mark.parametrize(("outcome", "mark", "person"), BAD)
def test_a_strangers_number_gets_nothing_more(outcome: Outcome, mark: str, person: ReachedPerson | None) -> None:
    bad = call(at(24, 10), outcome, reached_person=person)
    two, one, none = (
        ask(at(24, 10), bad, visit=replace(VISIT, numbers=(MOBILE, SECOND))),
        ask(at(24, 10), bad),
        ask(at(24, 10), bad, visit=replace(VISIT, email_ok=False)),
    )

    assert two.next == Next("call", at(24, 10), "other_number")
    assert two.number_id == B
    assert one.next == Next("email", at(24, 10), "no_good_number")
    assert (none.state, none.next) == (State.INVALID, None)
    for decision in (two, one, none):
        assert (MarkNumber(A, "wrong" if mark == "wrong" else "invalid")) in decision.effects
        assert OpenTask(TaskKind.CORRECT_FILE, A) in decision.effects
        assert "sms" not in emitted(decision)


def test_the_other_number_has_its_own_tries() -> None:
    visit = replace(VISIT, numbers=(MOBILE, SECOND))
    wrong = call(at(26, 9), Outcome.WRONG_NUMBER, number_id=A)
    decision = ask(at(26, 10), call(at(24, 10)), call(at(25, 14)), wrong, call(at(26, 10)), visit=visit)

    assert (decision.state, decision.tries) == (State.TRYING, 1)
    assert decision.next == Next("call", at(27, 14), "no_answer_1")


def test_a_number_found_wrong_after_the_sms_brings_the_email_at_once() -> None:
    decision = ask(at(27, 9), *THREE_TRIES, call(at(27, 9), Outcome.WRONG_NUMBER), messages=(SMS,))

    assert decision.next == Next("email", at(27, 9), "no_good_number")


@pytest.mark.parametrize("person", [ReachedPerson.USER, ReachedPerson.FAMILY])
def test_somebody_who_drives_the_car_may_answer_for_its_owner(person: ReachedPerson) -> None:
    decision = ask(at(24, 10), call(at(24, 10), Outcome.NOT_OWNER, reached_person=person))

    assert decision.state is State.COMPLETED
    assert decision.effects == ()


def test_do_not_contact_declines_and_opts_out_of_all_but_recalls() -> None:
    decision = ask(at(24, 10), call(at(24, 10), Outcome.DO_NOT_CONTACT))

    assert (decision.state, decision.effects) == (State.DECLINED, (OptOut(A),))


def test_a_sold_car_stops_that_car_and_asks_for_the_new_owner() -> None:
    decision = ask(at(24, 10), call(at(24, 10), Outcome.MOVED_OR_SOLD))

    assert decision.state is State.CANCELLED
    assert decision.effects == (CancelVehicle(), OpenTask(TaskKind.NEW_OWNER))


def test_a_death_stops_everything() -> None:
    decision = ask(at(24, 10), call(at(24, 10), Outcome.DECEASED))

    assert (decision.state, decision.effects) == (State.CANCELLED, (CancelCustomer(),))


def test_a_file_without_number_and_address_is_invalid_when_due() -> None:
    decision = ask(at(24, 9), visit=replace(VISIT, numbers=(), email_ok=False))

    assert (decision.state, tasks(decision)) == (State.INVALID, {TaskKind.CORRECT_FILE})


def test_a_file_without_a_number_is_written_to() -> None:
    assert ask(at(24, 9), visit=replace(VISIT, numbers=())).next == Next("email", at(24, 9), "no_good_number")


# --- what comes back ----------------------------------------------------------------------------------------------------


def test_an_answer_to_the_survey_completes_the_visit() -> None:
    visit = replace(VISIT, state=State.TRYING, signals=(SignalFacts(at(27, 8), "answer", Channel.SMS),))
    decision = ask(at(27, 8), *THREE_TRIES, visit=visit, messages=(SMS,))

    assert (decision.state, decision.channel, decision.late) == (State.COMPLETED, Channel.SMS, True)


def test_a_reply_makes_the_visit_due_again_to_be_read() -> None:
    visit = replace(VISIT, state=State.TRYING, signals=(SignalFacts(at(26, 20), "reply", Channel.SMS),))
    decision = ask(at(26, 20), *THREE_TRIES, visit=visit, messages=(SMS,))

    assert decision.state is State.DUE
    assert decision.next == Next("call", at(27, 9), "read_reply")
    assert tasks(decision) == {TaskKind.READ_REPLY}


def test_after_a_reply_the_tries_begin_anew_and_no_second_sms_goes() -> None:
    visit = replace(VISIT, signals=(SignalFacts(at(26, 20), "reply", Channel.SMS),))
    again = (call(at(27, 10)), call(at(28, 14)), call(at(29, 17)))
    first = ask(at(27, 10), *THREE_TRIES, again[0], visit=visit, messages=(SMS,))
    last = ask(at(29, 17), *THREE_TRIES, *again, visit=visit, messages=(SMS,))

    assert (first.state, first.tries, first.next) == (State.TRYING, 1, Next("call", at(28, 14), "no_answer_1"))
    assert last.next == Next("email", at(29, 17), "sms_unanswered")


def test_a_call_back_ends_the_ladder() -> None:
    back = call(at(27, 19), Outcome.REACHED, direction="in")

    assert ask(at(27, 19), *THREE_TRIES, back, messages=(SMS,)).state is State.COMPLETED


UNREACHABLE = replace(VISIT, state=State.UNREACHABLE, closed_at=at(30, 17))


def test_an_answer_within_thirty_days_after_unreachable_completes_it_late() -> None:
    for days, state in ((30, State.COMPLETED), (31, State.UNREACHABLE)):
        answered = at(30 + days, 17)
        visit = replace(UNREACHABLE, signals=(SignalFacts(answered, "answer", Channel.EMAIL),))
        decision = ask(answered, *THREE_TRIES, visit=visit, messages=(SMS, EMAIL))
        assert (decision.state, decision.late) == (state, True)


def test_a_call_back_after_unreachable_completes_it_and_a_free_reply_only_opens_a_task() -> None:
    back = call(at(35, 10), Outcome.REACHED, direction="in")
    replied = replace(UNREACHABLE, signals=(SignalFacts(at(35, 10), "reply", Channel.SMS),))

    assert ask(at(35, 10), *THREE_TRIES, back, visit=UNREACHABLE).state is State.COMPLETED
    assert ask(at(35, 10), *THREE_TRIES, visit=replied).state is State.UNREACHABLE
    assert tasks(ask(at(35, 10), *THREE_TRIES, visit=replied)) == {TaskKind.READ_REPLY}


def test_do_not_contact_after_the_end_still_opts_out() -> None:
    closed = replace(VISIT, state=State.COMPLETED, closed_at=at(24, 10))
    decision = ask(at(25, 10), call(at(25, 10), Outcome.DO_NOT_CONTACT, direction="in"), visit=closed)

    assert (decision.state, decision.effects) == (State.COMPLETED, (OptOut(A),))


# --- deadlines -----------------------------------------------------------------------------------------------------------


def test_without_a_try_the_manager_is_told_at_the_deadline_and_the_visit_missed_one_open_day_later() -> None:
    told, missed = ask(at(26, 0)), ask(at(27, 0))

    assert (told.state, told.wake_at, told.late) == (State.DUE, at(27, 0), True)
    assert NotifyManager("deadline") in told.effects
    assert (missed.state, missed.reason, missed.ended_at) == (State.MISSED, "deadline_without_try", at(27, 0))


def test_a_closed_day_does_not_count_as_the_open_day() -> None:
    closed = StoreCalendar("Asia/Shanghai", days={date(2026, 11, 26): DayRule(False, None, "盘点", "store")})

    assert ask(at(27, 0), calendar=closed).state is State.DUE
    assert ask(at(28, 0), calendar=closed).state is State.MISSED


def test_a_ladder_that_crosses_the_deadline_goes_on_and_is_late() -> None:
    decision = ask(at(26, 17, 30), *THREE_TRIES)

    assert (decision.state, decision.late) == (State.TRYING, True)


def test_a_missed_visit_sends_the_survey_link_once_in_the_morning_and_stays_missed() -> None:
    visit = replace(VISIT, on_missed="sms")
    night = ask(at(27, 0), visit=visit)
    stored = replace(visit, state=State.MISSED, closed_at=at(27, 0))
    morning = ask(at(27, 8, 30), visit=stored)
    answered = replace(stored, signals=(SignalFacts(at(27, 9), "answer", Channel.SMS),))

    assert (night.state, night.next, night.wake_at) == (State.MISSED, Next("sms", at(27, 8, 30), "missed"), at(27, 8, 30))
    assert emitted(night) == set()
    assert (emitted(morning), morning.wake_at) == ({"sms"}, None)
    assert emitted(ask(at(27, 9), visit=stored, messages=(text(MessageState.QUEUED, at(27, 8, 30)),))) == set()
    assert ask(at(27, 9), visit=answered).state is State.MISSED


def test_a_missed_visit_may_go_to_somebody_else() -> None:
    decision = ask(at(27, 0), visit=replace(VISIT, on_missed="reassign"))

    assert FollowUp(at(27, 9), "reassign") in decision.effects
    assert ask(at(27, 0)).next is None


# --- preferred channels ----------------------------------------------------------------------------------------------------


def test_who_prefers_sms_gets_it_first_and_calls_after_a_day_of_silence() -> None:
    visit = replace(VISIT, preferred_channel=Channel.SMS)
    sent = text(MessageState.DELIVERED, at(24, 9, 1), sent_at=at(24, 9, 1))
    first, waiting, silent = (
        ask(at(24, 9), visit=visit),
        ask(at(24, 12), visit=visit, messages=(sent,)),
        ask(at(25, 9, 1), visit=visit, messages=(sent,)),
    )

    assert (first.next, emitted(first)) == (Next("sms", at(24, 9), "preferred_channel"), {"sms"})
    assert (waiting.next, emitted(waiting)) == (Next("call", at(25, 9, 1), "message_unanswered"), set())
    assert waiting.wake_at == at(25, 9, 1)
    assert (silent.next, emitted(silent)) == (Next("call", at(25, 9, 1), "message_unanswered"), {"call"})


def test_a_preferred_message_that_failed_is_called_after_at_once() -> None:
    visit = replace(VISIT, preferred_channel=Channel.EMAIL)
    failed = text(MessageState.UNDELIVERED, at(24, 9), Channel.EMAIL, settled_at=at(24, 9, 5))

    assert ask(at(24, 9, 5), visit=visit, messages=(failed,)).next == Next("call", at(24, 9, 5), "message_unanswered")


def test_the_preferred_message_is_not_sent_again_after_the_tries() -> None:
    sent = text(MessageState.DELIVERED, at(24, 9, 1), sent_at=at(24, 9, 1))
    by_sms = ask(at(26, 17, 30), *THREE_TRIES, visit=replace(VISIT, preferred_channel=Channel.SMS), messages=(sent,))
    mail = replace(sent, channel=Channel.EMAIL)
    by_mail = ask(at(26, 17, 30), *THREE_TRIES, visit=replace(VISIT, preferred_channel=Channel.EMAIL), messages=(mail,))

    assert by_sms.next == Next("email", at(26, 17, 30), "sms_unanswered")
    assert by_mail.next == Next("sms", at(26, 17, 30), "tries_exhausted")


def test_a_message_that_goes_first_moves_the_deadline_to_the_day_calls_may_begin() -> None:
    visit = replace(VISIT, preferred_channel=Channel.SMS, due_at=at(25, 9))
    sent = text(MessageState.DELIVERED, at(25, 9), sent_at=at(25, 9))

    assert ask(at(26, 12), visit=visit, messages=(sent,)).state is State.DUE
    assert NotifyManager("deadline") not in ask(at(26, 12), visit=visit, messages=(sent,)).effects
    assert ask(at(28, 0), visit=visit, messages=(sent,)).state is State.MISSED


def test_wechat_is_a_task_by_hand_and_calls_follow_a_day_later() -> None:
    visit = replace(VISIT, preferred_channel=Channel.WECHAT)
    first = ask(at(24, 9), visit=visit)
    written = AttemptFacts(at(24, 10), Channel.WECHAT, Outcome.NO_ANSWER)
    later = ask(at(24, 10), written, visit=visit)

    assert (tasks(first), first.next) == ({TaskKind.WECHAT_MESSAGE}, Next("call", at(24, 9), "wechat_message"))
    assert later.next == Next("call", at(25, 10), "message_unanswered")


# --- automatic messages ------------------------------------------------------------------------------------------------------

BIRTHDAY = replace(VISIT, channel=Channel.SMS, window_end=at(25, 0))


def test_an_automatic_message_is_emitted_when_due_and_completed_when_accepted() -> None:
    due = ask(at(24, 9), visit=BIRTHDAY)
    for state in (MessageState.ACCEPTED, MessageState.DELIVERED):
        sent = ask(at(24, 9, 1), visit=BIRTHDAY, messages=(text(state, at(24, 9), sent_at=at(24, 9, 1)),))
        assert (sent.state, sent.channel, sent.ended_at) == (State.COMPLETED, Channel.SMS, at(24, 9, 1))

    assert (due.state, due.next, emitted(due)) == (State.DUE, Next("sms", at(24, 9), "due"), {"sms"})


def test_an_automatic_message_waits_for_its_window() -> None:
    early = replace(BIRTHDAY, due_at=at(24, 6))

    assert ask(at(24, 6), visit=early).next == Next("sms", at(24, 8, 30), "due")
    assert ask(at(24, 6), visit=early).wake_at == at(24, 8, 30)


def test_an_automatic_message_not_delivered_is_mailed_else_unreachable() -> None:
    failed = text(MessageState.UNDELIVERED, at(24, 9), settled_at=at(24, 9, 10))
    mailed = ask(at(24, 9, 10), visit=BIRTHDAY, messages=(failed,))
    unmailed = ask(at(24, 9, 10), visit=replace(BIRTHDAY, email_ok=False), messages=(failed,))

    assert (mailed.state, mailed.next) == (State.TRYING, Next("email", at(24, 9, 10), "sms_undelivered"))
    assert (unmailed.state, unmailed.reason) == (State.UNREACHABLE, "sms_undelivered")


def test_an_automatic_message_without_a_number_goes_by_mail() -> None:
    decision = ask(at(24, 9), visit=replace(BIRTHDAY, numbers=()))
    sent = text(MessageState.ACCEPTED, at(24, 9), Channel.EMAIL)

    assert decision.next == Next("email", at(24, 9), "no_textable_number")
    assert ask(at(24, 10), visit=replace(BIRTHDAY, numbers=()), messages=(sent,)).state is State.COMPLETED


def test_a_suppressed_automatic_message_cancels_with_the_notifiers_reason() -> None:
    kept_back = text(MessageState.SUPPRESSED, at(24, 9), settled_at=at(24, 9), reason="no_consent")
    decision = ask(at(24, 9), visit=BIRTHDAY, messages=(kept_back,))

    assert (decision.state, decision.reason) == (State.CANCELLED, "no_consent")


def test_an_accepted_automatic_message_found_undelivered_later_is_mailed_and_stays_completed() -> None:
    closed = replace(BIRTHDAY, state=State.COMPLETED, closed_at=at(24, 9))
    failed = text(MessageState.UNDELIVERED, at(24, 9), settled_at=at(24, 21))
    decision = ask(at(24, 21), visit=closed, messages=(failed,))

    assert (decision.state, decision.next) == (State.COMPLETED, Next("email", at(25, 8, 30), "sms_undelivered"))
    assert decision.wake_at == at(25, 8, 30)


def test_an_automatic_message_that_could_not_be_made_expires() -> None:
    assert ask(at(25, 8, 59), visit=BIRTHDAY).state is State.DUE
    assert ask(at(25, 9), visit=BIRTHDAY).state is State.EXPIRED


# --- why ---------------------------------------------------------------------------------------------------------------------


def test_why_tells_what_counted_and_what_comes_next() -> None:
    attempts = (call(at(24, 10)), call(at(24, 15)), call(at(25, 14)))
    lines = explain(VISIT, attempts, (), POLICY, CALENDAR, at(25, 14))

    assert [line.code for line in lines] == ["due", "attempt_try", "attempt_same_day", "attempt_try", "next"]
    assert lines[1].params == {"outcome": "no_answer", "channel": "phone", "try": "1", "of": "3", "part": "09-12"}
    assert lines[-1].at == at(26, 17)
    assert lines[-1].params == {"step": "call", "reason": "no_answer_2", "tries": "2", "of": "3", "part": "17-19"}


def test_why_tells_how_it_ended() -> None:
    lines = explain(VISIT, THREE_TRIES, (SMS, EMAIL), POLICY, CALENDAR, at(30, 18))

    assert [line.code for line in lines][-4:] == ["message", "message", "ended", "next"]
    assert lines[-2].params == {"state": "unreachable", "reason": "email_unanswered", "late": "true"}
