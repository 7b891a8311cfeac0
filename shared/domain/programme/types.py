"""What a follow-up programme is made of, and what planning takes in and gives out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

Tier = Literal["sales", "club", "service"]
Scope = Literal["vehicle", "customer"]
Unit = Literal["days", "hours", "months"]
QuestionType = Literal["score", "yes_no", "text", "choice", "number", "date"]

SYSTEM_ROLE = "system"
"""The role of a step nobody calls for: a message sent by itself."""

OWNER_ROLE = "owner"
"""The role of a step that whoever owns the matter does; the fact's attr of that name says in which role."""

FILE_HOLDER = "file_holder"
"""The role of a step that is for whoever holds the insurance file: the fact's `holder_role` says who that is now."""


class Trigger(StrEnum):
    """The facts a programme starts from."""

    SALE_DELIVERED = "sale.delivered"
    CARD_HANDED_OVER = "card.handed_over"
    WORK_ORDER_CLOSED = "work_order.closed"
    FIRST_SERVICE = "work_order.first"
    MAINTENANCE_DUE = "maintenance.due"
    VISIT_CLOSED = "visit.closed"
    LEAD_OPEN = "lead.open"
    POLICY_EXPIRES = "policy.expires"
    POLICY_NEARS_END = "policy.nears_end"
    ACCIDENT_REPORTED = "accident.reported"
    WARRANTY_ENDS = "warranty.ends"
    BIRTHDAY = "customer.birthday"
    ANNIVERSARY = "vehicle.anniversary"
    HOLIDAY = "store.holiday"
    SILENT = "vehicle.silent"
    LOST = "customer.lost"
    COMPLAINT_TOLD = "complaint.told"
    APPOINTMENT_BOOKED = "appointment.booked"
    APPOINTMENT_MISSED = "appointment.missed"
    CAMPAIGN_LAUNCHED = "campaign.launched"


@dataclass(frozen=True)
class Name:
    """A Chinese and an English name."""

    zh: str
    en: str


@dataclass(frozen=True)
class Window:
    """Earliest, due and deadline counted from the anchor in `unit`; negative counts lie before it."""

    earliest: int
    due: int
    deadline: int
    unit: Unit = "days"


@dataclass(frozen=True)
class Anchor:
    """The day a window counts from: `from_` is `trigger` or the name of a date in the fact's attrs, plus `months`, `days`.

    `or_earlier` names another date of the attrs that is taken when it comes first. A date that the fact does not have
    is passed over; without any, the day of the trigger counts.
    """

    from_: str = "trigger"
    months: int = 0
    or_earlier: str | None = None
    days: int = 0


@dataclass(frozen=True)
class Repeat:
    """How a step comes again.

    `from_="close"`: `first_after_days` after the step named in `after` closed, then `every_days` after each own close.
    `from_="anchor"`: on a fixed grid of `every_days` or `every_months` from the anchor. `from_="fact"`: on the day the fact names
    as the step's anchor at each turn, today when that has passed (a lead's next contact). Ends after `until_day` days or
    `until_months` months from the anchor, then opens one `then_task` for `then_role`. Goes on only while one of the
    conditions `while_` holds (none named: always). `next_date`: the date set in the last result comes first.
    `gap_days`: not within so many days of another visit of the same person.
    """

    every_days: int = 0
    every_months: int = 0
    first_after_days: int = 0
    from_: Literal["close", "anchor", "fact"] = "close"
    until_day: int | None = None
    until_months: int | None = None
    while_: tuple[str, ...] = ()
    next_date: bool = False
    gap_days: int = 0
    then_task: str | None = None
    then_role: str | None = None


@dataclass(frozen=True)
class Option:
    """One answer of a choice question."""

    value: str
    name: Name


@dataclass(frozen=True)
class Question:
    """One question of a step."""

    key: str
    zh: str
    en: str
    type: QuestionType
    required: bool = False
    options: tuple[Option, ...] = ()


@dataclass(frozen=True)
class AnswerTask:
    """A task that a completed visit leaves when its answers are as `when` says (nothing said: always), for a role."""

    kind: str
    role: str
    when: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One visit of a programme: who, by which channel, what about, until when.

    `after` names the steps whose close triggers this one. `only` limits it to kinds of work orders, `while_` to
    conditions of the fact, `when` to answers of the visit it follows. `tasks` are opened when the visit is completed,
    `answer_tasks` by its answers. `vouchers` are issued with the visit on its due day. `any_day`: closed days do not move it.
    `calls`: how many tries before a message goes instead, where the store's ladder has too many (None: the ladder's number).
    `script` has one `part：text` a line. `task`: the step is no contact but a task of that kind, due at its deadline, for a
    fact of its own (the owner card of a delivery). `letter`: an e-mail that cannot be delivered leaves a letter to be posted.
    """

    key: str
    name_zh: str
    name_en: str
    role: str
    channel: str
    purposes: tuple[str, ...]
    window: Window | None = None
    anchor: Anchor = field(default_factory=Anchor)
    after: tuple[str, ...] = ()
    repeat: Repeat | None = None
    target_hours: int | None = None
    on_missed: Literal["sms", "reassign", "none"] = "none"
    message: str | None = None
    marketing: bool = False
    script: str | None = None
    questions: tuple[Question, ...] = ()
    only: tuple[str, ...] = ()
    while_: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    when: Mapping[str, str] = field(default_factory=dict)
    answer_tasks: tuple[AnswerTask, ...] = ()
    vouchers: tuple[str, ...] = ()
    any_day: bool = False
    calls: int | None = None
    task: str | None = None
    letter: bool = False

    @property
    def script_lines(self) -> tuple[tuple[str, str], ...]:
        """The script as (part, text) pairs, in speaking order."""
        lines = (line.partition("：") for line in (self.script or "").splitlines() if line.strip())
        return tuple((part.strip(), text.strip()) for part, _, text in lines)


@dataclass(frozen=True)
class Programme:
    """A rule: trigger → steps. `stop_on` are the final states of a visit after which nothing follows it.

    `replaces` names programmes (`after-repair`) or single steps of them (`delivery-club.first`) that a fact does not start when it
    starts this one. `enabled`: whether a new store has it switched on.
    """

    key: str
    name_zh: str
    name_en: str
    tier: Tier
    scope: Scope
    trigger: Trigger
    policy: str | None
    steps: tuple[Step, ...]
    replaces: tuple[str, ...] = ()
    stop_on: tuple[str, ...] = ()
    version: int = 1
    policies: Mapping[str, Name] = field(default_factory=dict)
    enabled: bool = True

    def step(self, key: str) -> Step:
        """The step of that key. Raises KeyError."""
        found = next((step for step in self.steps if step.key == key), None)
        if found is None:
            raise KeyError(key)
        return found


@dataclass(frozen=True)
class Fact:
    """Something that happened to a customer, which may trigger programmes.

    `on` is the store day, `at` the instant (aware; the opening of the day where only a day is known).
    `insured`/`plated` None means nobody knows: asked, not chased. `excluded` marks internal, test and trade cars.
    `attrs` holds further dates (ISO) and conditions:
    `delivered_on`, `first_maintenance_on`, `maintenance_done`/`appointment` = "yes", `work_order_ids`.
    """

    type: Trigger
    id: UUID
    on: date
    at: datetime
    customer_id: UUID
    vehicle_id: UUID | None = None
    person_staff_id: UUID | None = None
    kind: str | None = None
    insured: bool | None = None
    plated: bool | None = None
    first_service: bool = False
    excluded: bool = False
    attrs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedVisit:
    """One visit to be stored: unique by vehicle (or customer), programme, step, trigger and occurrence.

    `window_start` is the opening of the earliest day, `due_at` the opening of the due day (or later on the day of the
    trigger), `window_end` the exclusive end of the deadline day. `shifts` are `code|from|to|detail`, for /why.
    """

    programme: str
    step: str
    occurrence: int
    purposes: tuple[str, ...]
    role: str
    channel: str
    due_on: date
    due_at: datetime
    window_start: datetime
    window_end: datetime
    trigger_type: Trigger
    trigger_id: UUID
    trigger_at: datetime
    customer_id: UUID
    vehicle_id: UUID | None
    state: Literal["planned", "expired"] = "planned"
    reason: str | None = None
    shifts: tuple[str, ...] = ()
    target_at: datetime | None = None
    message: str | None = None
    promised_at: datetime | None = None
    follows_visit_id: UUID | None = None
    policy: str | None = None
    version: int = 1


@dataclass(frozen=True)
class ClosedVisit:
    """A visit that reached a final state: what follow-ons are decided from.

    `next_at` is the date set in its result, `answers` what the customer answered to the questions of the step.
    """

    step: str
    occurrence: int
    state: str
    due_on: date
    closed_at: datetime
    next_at: datetime | None = None
    id: UUID | None = None
    answers: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Duty:
    """A task that a fact starts: what somebody of `role` has to do by `due_at` (exclusive). One for a fact and kind."""

    kind: str
    role: str
    programme: str
    step: str
    due_at: datetime
    trigger_id: UUID
    customer_id: UUID
    vehicle_id: UUID | None


@dataclass(frozen=True)
class PlannedTask:
    """A task for a person that a closed visit leads to. `role` None means whoever did the visit."""

    kind: str
    role: str | None
    on: date
    reason: str


@dataclass(frozen=True)
class PlanCounts:
    """What came of facts: visits waiting, visits that came too late and say so, windows too long past to write down."""

    planned: int = 0
    expired: int = 0
    skipped_past: int = 0
