"""The words of a visit and the table of its states.

A visit is one planned follow-up of one customer for one step. Everything here is data: the table of states drives
the code that
writes visits, the API's enumerations and the tests.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """Where a visit stands; the only list of states there is."""

    PLANNED = "planned"
    DUE = "due"
    TRYING = "trying"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    UNREACHABLE = "unreachable"
    INVALID = "invalid"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    MISSED = "missed"
    EXPIRED = "expired"


class Outcome(StrEnum):
    """What came of one attempt."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    POWERED_OFF = "powered_off"
    OUT_OF_COVERAGE = "out_of_coverage"
    REJECTED = "rejected"
    CALL_LATER = "call_later"
    SUSPENDED = "suspended"
    WRONG_NUMBER = "wrong_number"
    NOT_OWNER = "not_owner"
    NUMBER_INVALID = "number_invalid"
    DO_NOT_CONTACT = "do_not_contact"
    MOVED_OR_SOLD = "moved_or_sold"
    DECEASED = "deceased"


class Channel(StrEnum):
    """The way an attempt or a step goes."""

    PHONE = "phone"
    WECHAT = "wechat"
    ONSITE = "onsite"
    SMS = "sms"
    EMAIL = "email"
    LETTER = "letter"


class ProblemType(StrEnum):
    """What a customer was not content with (S1, S4)."""

    EFFICIENCY = "efficiency"
    QUALITY = "quality"
    PRICE = "price"
    ENVIRONMENT = "environment"
    OTHER = "other"


class ReachedPerson(StrEnum):
    """Who was on the line; only the first two count for the seven-day rate of new owners (S2)."""

    OWNER = "owner"
    USER = "user"
    FAMILY = "family"
    OTHER = "other"


class Result(StrEnum):
    """What a conversation means for one visit of the call (`results[].state`)."""

    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    DECLINED = "declined"


class Label(NamedTuple):
    """A word for people, in both languages."""

    zh: str
    en: str


class ImpossibleMove(Exception):
    """A visit was to go from one state to another that the table does not allow."""

    def __init__(self, state: State, to: State) -> None:
        super().__init__(f"a visit cannot go from {state} to {to}")
        self.state = state
        self.to = to


OPEN: frozenset[State] = frozenset({State.PLANNED, State.DUE, State.TRYING})
FINAL: frozenset[State] = frozenset(State) - OPEN
SEVEN_DAY_PERSONS: frozenset[ReachedPerson] = frozenset({ReachedPerson.OWNER, ReachedPerson.USER})

_BY_A_PERSON = frozenset({State.COMPLETED, State.INCOMPLETE, State.INVALID, State.DECLINED, State.CANCELLED})

NEXT: Mapping[State, frozenset[State]] = {
    # An earlier call is accepted, so a planned visit may end, or start trying, before its day.
    State.PLANNED: _BY_A_PERSON | {State.DUE, State.TRYING, State.UNREACHABLE, State.MISSED, State.EXPIRED},
    # `expired` from `due` is for automatic messages only: their day passed before one could be made.
    State.DUE: _BY_A_PERSON | {State.TRYING, State.UNREACHABLE, State.MISSED, State.EXPIRED},
    # Back to `due`: the customer replied, somebody must read it.
    State.TRYING: _BY_A_PERSON | {State.DUE, State.UNREACHABLE},
    # The one way out of an end: an answer within 30 days (late).
    State.UNREACHABLE: frozenset({State.COMPLETED}),
    State.COMPLETED: frozenset(),
    State.INCOMPLETE: frozenset(),
    State.INVALID: frozenset(),
    State.DECLINED: frozenset(),
    State.CANCELLED: frozenset(),
    State.MISSED: frozenset(),
    State.EXPIRED: frozenset(),
}


def move(state: State, to: State) -> State:
    """The state after a move; staying where one is, is no move and always allowed.

    Raises `ImpossibleMove` when the table has no such edge. The withdrawal of an attempt is no move: it is as if the
    attempt had
    never been (see `ladder.undone`).
    """
    if to != state and to not in NEXT[state]:
        raise ImpossibleMove(state, to)
    return to


def still_wanted(state: State, channel: Channel) -> bool:
    """May a message for this visit still go, as far as the visit itself is concerned?

    Open visits want theirs; a missed one sends its survey link (`on_missed: sms`); an automatic message that was
    accepted and then
    not delivered is followed by the e-mail although its visit is completed.
    """
    automatic = channel in (Channel.SMS, Channel.EMAIL)
    return state in OPEN or state is State.MISSED or (automatic and state is State.COMPLETED)


STATE_LABELS: Mapping[State, Label] = {
    State.PLANNED: Label("计划中", "Planned"),
    State.DUE: Label("待回访", "Due"),
    State.TRYING: Label("补访中", "Retrying"),
    State.COMPLETED: Label("已回访已完成", "Completed"),
    State.INCOMPLETE: Label("已回访未完成", "To continue"),
    State.UNREACHABLE: Label("联系不上", "Unreachable"),
    State.INVALID: Label("无效档案", "Invalid file"),
    State.DECLINED: Label("客户拒访", "Declined"),
    State.CANCELLED: Label("已取消", "Cancelled"),
    State.MISSED: Label("已错过", "Missed"),
    State.EXPIRED: Label("已过期", "Expired"),
}

# In the order of the keys on the desk. `suspended` 停机 is an outcome of its own, so `number_invalid` says 空号 only:
# the two have
# different effects, and a clerk who may choose either must not see the same word twice.
OUTCOME_LABELS: Mapping[Outcome, Label] = {
    Outcome.REACHED: Label("已接通", "Reached"),
    Outcome.NO_ANSWER: Label("无人接", "No answer"),
    Outcome.BUSY: Label("占线", "Busy"),
    Outcome.POWERED_OFF: Label("关机", "Switched off"),
    Outcome.REJECTED: Label("拒接", "Rejected"),
    Outcome.CALL_LATER: Label("稍后再打", "Call later"),
    Outcome.WRONG_NUMBER: Label("错号", "Wrong number"),
    Outcome.NOT_OWNER: Label("非本人", "Not the owner"),
    Outcome.NUMBER_INVALID: Label("空号", "Dead number"),
    Outcome.OUT_OF_COVERAGE: Label("不在服务区", "Out of coverage"),
    Outcome.SUSPENDED: Label("停机", "Suspended line"),
    Outcome.DO_NOT_CONTACT: Label("勿再联系", "Do not contact"),
    Outcome.MOVED_OR_SOLD: Label("车已卖", "Car sold"),
    Outcome.DECEASED: Label("客户离世", "Deceased"),
}

CHANNEL_LABELS: Mapping[Channel, Label] = {
    Channel.PHONE: Label("电话", "Phone"),
    Channel.WECHAT: Label("微信", "WeChat"),
    Channel.ONSITE: Label("到店", "On site"),
    Channel.SMS: Label("短信", "SMS"),
    Channel.EMAIL: Label("邮件", "E-mail"),
    Channel.LETTER: Label("信函", "Letter"),
}

PROBLEM_LABELS: Mapping[ProblemType, Label] = {
    ProblemType.EFFICIENCY: Label("服务效率", "Efficiency"),
    ProblemType.QUALITY: Label("服务质量", "Quality"),
    ProblemType.PRICE: Label("价格", "Price"),
    ProblemType.ENVIRONMENT: Label("环境", "Environment"),
    ProblemType.OTHER: Label("其他", "Other"),
}

REACHED_PERSON_LABELS: Mapping[ReachedPerson, Label] = {
    ReachedPerson.OWNER: Label("车主", "Owner"),
    ReachedPerson.USER: Label("用车人", "User of the car"),
    ReachedPerson.FAMILY: Label("家人", "Family"),
    ReachedPerson.OTHER: Label("其他人", "Somebody else"),
}

RESULT_LABELS: Mapping[Result, Label] = {
    Result.COMPLETED: Label("完成", "Completed"),
    Result.INCOMPLETE: Label("再约", "To continue"),
    Result.DECLINED: Label("拒访", "Declined"),
}
