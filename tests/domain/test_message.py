"""The life of a message: its table, receipts, retries, questions to the provider, and what replies mean."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.message import (
    MESSAGE_STATE_LABELS,
    NEXT,
    PULL_AFTER,
    RANK,
    ImpossibleMessageMove,
    MessageState,
    apply_receipt,
    given_up,
    move,
    next_pull,
    read_reply,
    retry_at,
)

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
S = MessageState
Told = Literal["accepted", "delivered", "undelivered"]
TOLD: tuple[Told, ...] = ("accepted", "delivered", "undelivered")


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("to", S)
def test_the_table_alone_says_which_moves_there_are(state: S, to: S) -> None:
    if to == state or to in NEXT[state]:
        assert move(state, to) is to
    else:
        with pytest.raises(ImpossibleMessageMove):
            move(state, to)


def test_nothing_returns_to_the_queue_once_it_may_have_left() -> None:
    assert {state for state in S if S.QUEUED in NEXT[state]} == {S.HELD, S.SENDING}
    assert S.SENDING not in NEXT[S.UNKNOWN]


def test_every_state_has_its_words() -> None:
    assert set(MESSAGE_STATE_LABELS) == set(S) == set(NEXT)


@given(st.lists(st.sampled_from(TOLD), max_size=8), st.sampled_from(sorted(S)))
def test_receipts_in_any_order_never_lower_the_rank_and_follow_the_table(told: list[Told], state: MessageState) -> None:
    for word in told:
        after = apply_receipt(state, word)
        assert after == state or (after in NEXT[state] and RANK[after] > RANK[state])
        state = after


def test_delivered_wins_over_undelivered_whichever_comes_first() -> None:
    assert apply_receipt(S.UNDELIVERED, "delivered") is S.DELIVERED
    assert apply_receipt(S.DELIVERED, "undelivered") is S.DELIVERED


def test_a_receipt_before_accepted_settles_and_the_late_accepted_changes_nothing() -> None:
    assert apply_receipt(S.SENDING, "delivered") is S.DELIVERED
    assert apply_receipt(S.DELIVERED, "accepted") is S.DELIVERED


@pytest.mark.parametrize("state", [S.QUEUED, S.HELD, S.SUPPRESSED, S.REJECTED])
def test_a_receipt_for_what_never_left_changes_nothing(state: MessageState) -> None:
    assert all(apply_receipt(state, word) is state for word in TOLD)


def test_refused_for_now_is_tried_again_four_times() -> None:
    waits = [retry_at(NOW, tries, 0) for tries in (1, 2, 3, 4, 5)]

    assert waits == [
        NOW + timedelta(seconds=30),
        NOW + timedelta(minutes=2),
        NOW + timedelta(minutes=10),
        NOW + timedelta(hours=1),
        None,
    ]


@given(st.integers(1, 4), st.floats(-3, 3))
def test_the_wait_is_spread_by_a_fifth_at_most(tries: int, jitter: float) -> None:
    wait, middle = retry_at(NOW, tries, jitter), retry_at(NOW, tries, 0)

    assert wait is not None
    assert middle is not None
    assert abs((wait - NOW) / (middle - NOW) - 1) <= 0.2001


def test_the_provider_is_asked_nine_times_in_72_hours() -> None:
    hours = [(at - NOW) / timedelta(hours=1) for n in range(9) if (at := next_pull(NOW, n))]

    assert hours == pytest.approx([1 / 60, 3 / 60, 1 / 6, 0.5, 2, 6, 24, 48, 72])
    assert next_pull(NOW, len(PULL_AFTER)) is None


@pytest.mark.parametrize(("state", "end"), [(S.UNKNOWN, S.UNKNOWN_FINAL), (S.ACCEPTED, S.RECEIPT_TIMEOUT)])
def test_waiting_ends_visibly_after_72_hours(state: MessageState, end: MessageState) -> None:
    assert given_up(state, NOW, NOW + timedelta(hours=71, minutes=59)) is state
    assert given_up(state, NOW, NOW + timedelta(hours=72)) is end
    assert given_up(S.DELIVERED, NOW, NOW + timedelta(hours=99)) is S.DELIVERED


@pytest.mark.parametrize(
    "text",
    [
        "R",
        "T",
        "TD",
        "N",
        "QX",
        "退订",
        "拒收",
        "取消",
        "不要再发",
        "STOP",
        " td ",
        "ｔｄ",
        "退订。",
        "回复TD",
        "回T",
        "Stop!",
        "【退订】",
    ],
)
def test_the_opt_out_words(text: str) -> None:
    assert read_reply(text).kind == "opt_out"


@pytest.mark.parametrize("text", ["TD了还发?", "我要退订啊", "please STOP", "T 谢谢", "别发了,拒收", "不要退订"])
def test_an_unclear_opt_out_stops_and_is_looked_at(text: str) -> None:
    assert read_reply(text).kind == "unclear_opt_out"


@pytest.mark.parametrize(
    "text", ["No problem", "取消明天的预约", "我的T恤落车上了", "OUTDOOR", "Great service R", "STOPPED", "", "谢谢"]
)
def test_other_texts_are_for_a_person_to_read(text: str) -> None:
    assert read_reply(text).kind == "text"


@pytest.mark.parametrize(("text", "score"), [("5", 5), ("１", 1), (" 3 ", 3), ("4分", 4), ("回复2", 2), ("5。", 5)])
def test_one_digit_is_the_score(text: str, score: int) -> None:
    assert (read_reply(text).kind, read_reply(text).score) == ("score", score)


@pytest.mark.parametrize("text", ["0", "6", "55", "5 很好", "2点来"])
def test_other_numbers_are_no_score(text: str) -> None:
    assert read_reply(text).kind == "text"
