"""One question to the ladder, with its facts read, and the small words in which the steps answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared.domain.calendar import StoreCalendar
from shared.domain.ladder.facts import (
    Decision,
    Effect,
    Emit,
    LadderPolicy,
    MessageFacts,
    MessageStep,
    Next,
    NumberFacts,
    VisitFacts,
)
from shared.domain.ladder.history import History
from shared.domain.ladder.slots import message_slot
from shared.domain.message import FAILED
from shared.domain.visit import Channel, State


def step_of(channel: Channel) -> MessageStep:
    """The ladder's word for a message channel: everything that is not e-mail goes by SMS."""
    return "email" if channel is Channel.EMAIL else "sms"


@dataclass(frozen=True)
class Case:
    """The facts, the store's rules and the instant of the question."""

    visit: VisitFacts
    messages: Sequence[MessageFacts]
    policy: LadderPolicy
    calendar: StoreCalendar
    now: datetime
    history: History

    @property
    def activation(self) -> datetime:
        """When the visit becomes due; a promise made for an earlier instant brings it forward."""
        promise = self.history.promise
        return min(self.visit.due_at, promise) if promise else self.visit.due_at

    @property
    def silence(self) -> timedelta:
        return timedelta(hours=self.policy.email_after_hours)

    @property
    def automatic(self) -> bool:
        return self.visit.channel in (Channel.SMS, Channel.EMAIL)

    @property
    def waiting_state(self) -> State:
        """Due, unless the ladder already runs: it never falls back by itself."""
        return State.TRYING if self.visit.state is State.TRYING else State.DUE

    def message(self, channel: Channel) -> MessageFacts | None:
        """The message of that channel; there is one for a visit (a re-send is the same message)."""
        sent = [message for message in self.messages if message.channel is channel]
        return min(sent, key=lambda message: message.created_at, default=None)

    def good_numbers(self) -> list[NumberFacts]:
        return self.history.good(self.visit.numbers)

    def text_target(self) -> UUID | None:
        """The number an SMS may go to: a mobile that is not wrong, invalid or opted out."""
        return next((n.id for n in self.good_numbers() if n.textable and n.sms_ok), None)

    def may(self, channel: Channel) -> bool:
        """Is there an address for that kind of message?"""
        return self.visit.email_ok if channel is Channel.EMAIL else self.text_target() is not None

    def slot(self, at: datetime) -> datetime:
        return message_slot(self.calendar, at, self.policy)

    def silent_since(self, message: MessageFacts) -> datetime:
        """When a message stops being waited for: the instant it failed, else 24 h after it went (or was made, when
        it never did).
        """
        if message.state in FAILED:
            return message.settled_at or message.created_at
        return (message.sent_at or message.created_at) + self.silence

    def decide(
        self,
        state: State,
        step: Next | None,
        *,
        effects: Sequence[Effect] = (),
        looks: Sequence[datetime] = (),
        number_id: UUID | None = None,
        reason: str | None = None,
    ) -> Decision:
        """An open visit's answer: the event of a step that is due, and the next instant among the step's and
        `looks`.
        """
        due, held = self.event(step) if step else ((), None)
        ahead = [at for at in (*looks, step and step.at, held) if at and at > self.now]
        return Decision(
            state=state,
            next=step,
            wake_at=min(ahead, default=None),
            effects=(*self.history.effects, *effects, *due),
            late=state is not State.PLANNED and self.now >= self.visit.window_end,
            tries=len(self.history.tries),
            reason=reason or (step.reason if step else None),
            promised_at=self.history.promise,
            number_id=number_id,
        )

    def end(
        self,
        state: State,
        at: datetime,
        reason: str,
        *,
        step: Next | None = None,
        effects: Sequence[Effect] = (),
        channel: Channel | None = None,
        wake_at: datetime | None = None,
    ) -> Decision:
        """The answer for a visit that is over, since `at`."""
        return Decision(
            state=state,
            next=step,
            wake_at=wake_at,
            effects=(*self.history.effects, *effects),
            late=at >= self.visit.window_end,
            tries=len(self.history.tries),
            reason=reason,
            ended_at=at,
            channel=channel,
        )

    def event(self, step: Next) -> tuple[tuple[Effect, ...], datetime | None]:
        """The due-contact event of a step whose instant has come, or when to look again because it is night by now.

        A message may be asked for long after its instant (nobody was there to ask): it keeps to the window all the same.
        """
        if step.at > self.now or step.step not in ("call", "sms", "email"):
            return (), None
        opens = self.slot(self.now)
        if step.step != "call" and opens > self.now:
            return (), opens
        return (Emit(step.step, step.at),), None
