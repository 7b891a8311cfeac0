"""What the ladder is told, and what it answers: values only."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Literal
from uuid import UUID

from shared.domain.message import MessageState
from shared.domain.visit import Channel, Outcome, ReachedPerson, Result, State

Step = Literal["call", "sms", "email", "letter", "close"]
MessageStep = Literal["sms", "email"]
Mark = Literal["wrong", "invalid"]
OnMissed = Literal["sms", "reassign", "none"]


def stamp(at: datetime) -> str:
    """An instant as the text of a key: the same instant always the same text."""
    return at.astimezone(UTC).isoformat()


@dataclass(frozen=True)
class NumberFacts:
    """A number of the file. `textable`: a mobile; `usable`: not marked wrong or invalid, no opt-out of calls;
    `sms_ok`: no opt-out of SMS; `refused`: a good number whose owner wants no calls.
    """

    id: UUID
    textable: bool = True
    usable: bool = True
    sms_ok: bool = True
    refused: bool = False


@dataclass(frozen=True)
class AttemptFacts:
    """One attempt, at a UTC instant. `result` is what `results[]` says for this visit; `next_at` the promised or
    next date.
    """

    at: datetime
    channel: Channel
    outcome: Outcome
    direction: Literal["out", "in"] = "out"
    number_id: UUID | None = None
    next_at: datetime | None = None
    reached_person: ReachedPerson | None = None
    withdrawn: bool = False
    result: Result | None = None


@dataclass(frozen=True)
class MessageFacts:
    """One message of this visit. `settled_at`: when its present end state was reached; `reason`: why it was
    suppressed or refused.
    """

    channel: Channel
    state: MessageState
    created_at: datetime
    sent_at: datetime | None = None
    settled_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True)
class SignalFacts:
    """What came back by message: a free `reply` somebody must read, or an `answer` to the survey (link, or a digit
    1–5).
    """

    at: datetime
    kind: Literal["reply", "answer"]
    channel: Channel


@dataclass(frozen=True)
class VisitFacts:
    """The visit as stored.

    `due_at`: when it becomes due; `window_end`: the deadline, exclusive; `promised_at`: the stored promise, and
    `promised_set_at`
    when a person set it by hand (None: before every attempt, or written back from `Decision.promised_at`);
    `numbers`: callee first;
    `channel` of a step: phone and wechat are calls with a ladder, sms and email automatic messages, onsite and
    letter work by hand.
    """

    state: State
    channel: Channel
    due_at: datetime
    window_end: datetime
    promised_at: datetime | None = None
    promised_set_at: datetime | None = None
    preferred_channel: Channel | None = None
    numbers: tuple[NumberFacts, ...] = ()
    email_ok: bool = False
    on_missed: OnMissed = "none"
    closed_at: datetime | None = None
    signals: tuple[SignalFacts, ...] = ()


@dataclass(frozen=True)
class LadderPolicy:
    """The store's settings of the ladder, all of them (d); hours are the store's, days of 24 h."""

    max_calls: int = 3
    parts: tuple[tuple[int, int], ...] = ((9, 12), (14, 17), (17, 19))
    sms_from: time = time(8, 30)
    sms_to: time = time(20, 30)
    email_after_hours: int = 24
    close_after_days: int = 3
    letter: bool = False
    late_answer_days: int = 30
    promise_early_minutes: int = 30
    rejections: int = 3


@dataclass(frozen=True)
class Next:
    """The next step, its instant (UTC) and why, as a stable code."""

    step: Step
    at: datetime
    reason: str


class TaskKind(StrEnum):
    """Work the ladder leaves for a person."""

    CORRECT_FILE = "correct_file"
    NEW_OWNER = "new_owner"
    READ_REPLY = "read_reply"
    WECHAT_MESSAGE = "wechat_message"
    CONFIRM_NUMBER = "confirm_number"
    LETTER = "letter"


@dataclass(frozen=True)
class MarkNumber:
    """Nothing more of any kind goes to this number."""

    number_id: UUID
    mark: Mark

    @property
    def key(self) -> str:
        return f"mark:{self.number_id}"


@dataclass(frozen=True)
class OpenTask:
    """A task for a person; `ref` tells two of one kind apart."""

    kind: TaskKind
    number_id: UUID | None = None
    ref: str = ""

    @property
    def key(self) -> str:
        return f"task:{self.kind}:{self.number_id or self.ref}"


@dataclass(frozen=True)
class OptOut:
    """The customer wants no more: every channel of the number (None: of the customer) but recalls."""

    number_id: UUID | None
    scope: Literal["all_but_recall"] = "all_but_recall"

    @property
    def key(self) -> str:
        return f"opt_out:{self.number_id or ''}"


@dataclass(frozen=True)
class CancelVehicle:
    """All open visits of this vehicle are cancelled."""

    key: str = "cancel:vehicle"


@dataclass(frozen=True)
class CancelCustomer:
    """Everything of this customer is cancelled, at once."""

    key: str = "cancel:customer"


@dataclass(frozen=True)
class FollowUp:
    """A new visit follows this one: at the date set with the customer, or for another assignee after a miss (its own
    on_missed: none).
    """

    at: datetime
    reason: Literal["next_date", "reassign"] = "next_date"

    @property
    def key(self) -> str:
        return f"follow_up:{self.reason}:{stamp(self.at)}"


@dataclass(frozen=True)
class NotifyManager:
    """A manager is told, once per kind and ref."""

    kind: Literal["deadline", "call_overdue", "promise_overdue", "expired"]
    ref: str = ""

    @property
    def key(self) -> str:
        return f"notify:{self.kind}:{self.ref}"


@dataclass(frozen=True)
class Emit:
    """A due-contact event, due at `at`. The keys of SMS and e-mail carry no instant: no history can ask for a second
    one.
    """

    kind: Literal["call", "sms", "email"]
    at: datetime

    @property
    def key(self) -> str:
        return f"emit:call:{stamp(self.at)}" if self.kind == "call" else f"emit:{self.kind}"


Effect = MarkNumber | OpenTask | OptOut | CancelVehicle | CancelCustomer | FollowUp | NotifyManager | Emit


@dataclass(frozen=True)
class Decision:
    """What holds now.

    `state` for the visit; `next` for people; `wake_at`: when to ask again if nothing happens; `effects`: everything
    that should have
    been done by now, repeated at each asking: apply each `effect.key` once per visit; `late`: past the deadline;
    `tries`: counted
    calls of the running ladder; `reason`: why it ended, or stands as it does; `promised_at`: the promise in force,
    to be stored;
    `ended_at`: the instant of the end; `channel`: the way an answer came; `number_id`: which number to call or text
    next.
    """

    state: State
    next: Next | None
    wake_at: datetime | None
    effects: tuple[Effect, ...]
    late: bool
    tries: int
    reason: str | None
    promised_at: datetime | None = None
    ended_at: datetime | None = None
    channel: Channel | None = None
    number_id: UUID | None = None
