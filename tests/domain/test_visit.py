"""The words and states of a visit."""

import pytest

from shared.domain.visit import (
    CHANNEL_LABELS,
    FINAL,
    NEXT,
    OPEN,
    OUTCOME_LABELS,
    PROBLEM_LABELS,
    REACHED_PERSON_LABELS,
    RESULT_LABELS,
    STATE_LABELS,
    Channel,
    ImpossibleMove,
    Outcome,
    ProblemType,
    ReachedPerson,
    Result,
    State,
    move,
    still_wanted,
)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("to", State)
def test_the_table_alone_says_which_moves_there_are(state: State, to: State) -> None:
    if to == state or to in NEXT[state]:
        assert move(state, to) is to
    else:
        with pytest.raises(ImpossibleMove):
            move(state, to)


def test_every_state_is_open_or_final_and_has_a_row() -> None:
    assert set(State) == OPEN | FINAL
    assert set(NEXT) == set(State)


def test_only_unreachable_has_a_way_back_from_the_end() -> None:
    assert {state for state in FINAL if NEXT[state]} == {State.UNREACHABLE}
    assert NEXT[State.UNREACHABLE] == {State.COMPLETED}


def test_nothing_becomes_planned_again() -> None:
    assert all(State.PLANNED not in following for following in NEXT.values())


def test_every_word_has_both_languages() -> None:
    for table, words in (
        (STATE_LABELS, State),
        (OUTCOME_LABELS, Outcome),
        (CHANNEL_LABELS, Channel),
        (PROBLEM_LABELS, ProblemType),
        (REACHED_PERSON_LABELS, ReachedPerson),
        (RESULT_LABELS, Result),
    ):
        assert set(table) == set(words)
        assert all(label.zh and label.en for label in table.values())
        assert len({label.zh for label in table.values()}) == len(table)


def test_a_message_is_wanted_by_open_missed_and_sent_automatic_visits_only() -> None:
    assert {state for state in State if still_wanted(state, Channel.PHONE)} == OPEN | {State.MISSED}
    assert {state for state in State if still_wanted(state, Channel.SMS)} == OPEN | {State.MISSED, State.COMPLETED}
