"""Campaigns 活动: an activity or a recall for a segment, as a call list or by message: who is left out, on which day, what is done.

Purposes: `campaign` is marketing and needs consent; `recall_safety` rests on legal duty, knows no opt-out and no cap (PIPL 13), but
never goes to the dead or to a wrong number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from shared.domain.programme import SYSTEM_ROLE, Fact, Programme, Question, Step, Trigger, Window
from shared.domain.programme.types import Tier

KEY = "campaign"
APPROVAL_ABOVE = 500
RECALL = "recall_safety"


class CampaignState(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    APPROVED = "approved"
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"


NEXT: Mapping[CampaignState, frozenset[CampaignState]] = {
    CampaignState.DRAFT: frozenset({CampaignState.APPROVED, CampaignState.RUNNING}),
    CampaignState.APPROVED: frozenset({CampaignState.DRAFT, CampaignState.RUNNING}),
    CampaignState.RUNNING: frozenset({CampaignState.STOPPED, CampaignState.DONE}),
    CampaignState.STOPPED: frozenset(),
    CampaignState.DONE: frozenset(),
}


class MemberState(StrEnum):
    """Where a member stands: waits for its day, has its visit, was left out, was stopped."""

    WAITING = "waiting"
    PLANNED = "planned"
    EXCLUDED = "excluded"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Reach:
    """What bears on reaching one customer by the campaign's channel. `free`: of the usable numbers, those without an opt-out."""

    deceased: bool = False
    numbers: int = 0
    free: int = 0
    consent: bool | None = None
    complaint: bool = False
    capped: bool = False


def left_out(reach: Reach, purpose: str) -> str | None:
    """Why a customer is left out: deceased, no_number, opted_out, consent_withdrawn, no_consent, complaint, cap; None: is in."""
    if reach.deceased:
        return "deceased"
    if not reach.numbers:
        return "no_number"
    if purpose == RECALL:
        return None
    faults = {
        "opted_out": not reach.free,
        "consent_withdrawn": reach.consent is False,
        "no_consent": reach.consent is None,
        "complaint": reach.complaint,
        "cap": reach.capped,
    }
    return next((reason for reason, holds in faults.items() if holds), None)


class DoesNotFit(ValueError):
    """The members do not fit into the days at so many a day. `room`: how many do."""

    def __init__(self, room: int) -> None:
        super().__init__(f"only {room} fit")
        self.room = room


def spread(count: int, days: Sequence[date], a_day: int | None, *, at_once: bool) -> list[date]:
    """The day of each member, in order. `a_day` a day; without it all on the first day (`at_once`) or evenly over all days.

    Raises DoesNotFit.
    """
    if not count:
        return []
    size = a_day or (count if at_once else -(-count // len(days)) if days else 0)
    if size * len(days) < count:
        raise DoesNotFit(size * len(days))
    return [days[place // size] for place in range(count)]


@dataclass(frozen=True)
class Plan:
    """What a campaign does with each member."""

    id: UUID
    name: str
    purpose: str
    mode: str
    channel: str
    role: str | None
    ends_on: date
    template: str | None = None
    has_text: bool = False
    script: str | None = None
    voucher_kind: str | None = None


def text_key(campaign_id: UUID) -> str:
    """The key under which a campaign's own text is kept among the store's wordings."""
    return f"{KEY}-{campaign_id}"


def programme_of(plan: Plan, on_day: date, *, of_a_car: bool) -> Programme:
    """The campaign as a programme of one step for a member of `on_day`: due on its day, open until the campaign ends."""
    return Programme(
        key=KEY,
        name_zh=plan.name,
        name_en=plan.name,
        tier=_TIERS.get(plan.role or "", "service"),
        scope="vehicle" if of_a_car else "customer",
        trigger=Trigger.CAMPAIGN_LAUNCHED,
        policy=None,
        steps=(step_of(plan, on_day),),
    )


def step_of(plan: Plan, on_day: date) -> Step:
    """The one step of a campaign: a call with its script, or a message."""
    calls = plan.mode == "call_list"
    purposes = (plan.purpose, "voucher") if plan.voucher_kind else (plan.purpose,)
    return Step(
        key="call" if calls else "message",
        name_zh=plan.name,
        name_en=plan.name,
        role=(plan.role or "followup_specialist") if calls else SYSTEM_ROLE,
        channel=plan.channel,
        purposes=purposes,
        window=Window(0, 0, max(0, (plan.ends_on - on_day).days)),
        message=None if calls else (text_key(plan.id) if plan.has_text else plan.template),
        marketing=plan.purpose != RECALL,
        script=(plan.script or _script(plan)) if calls else None,
        questions=_QUESTIONS[plan.purpose == RECALL] if calls else (),
        vouchers=(plan.voucher_kind,) if plan.voucher_kind else (),
        any_day=not calls,
    )


def member_fact(
    member_id: UUID, customer_id: UUID, vehicle_id: UUID | None, on_day: date, at: datetime, *, excluded: bool = False
) -> Fact:
    """The launch as it bears on one member."""
    return Fact(Trigger.CAMPAIGN_LAUNCHED, member_id, on_day, at, customer_id, vehicle_id, excluded=excluded)


def _script(plan: Plan) -> str:
    name = plan.name.replace("{", "").replace("}", "").replace("\n", " ")
    about = (
        f"您的{{{{ vehicle_model }}}}（{{{{ plate }}}}）需要到店处理“{name}”，关系到行车安全，费用由厂家承担。"
        if plan.purpose == RECALL
        else f"我们最近有“{name}”活动，想邀请您参加。"
    )
    return "\n".join(
        (
            "开场：您好，我是{{ store_name }}的{{ staff_name }}。",
            "确认本人：请问是{{ customer_name }}{{ salutation }}吗？",
            "方便吗：占用您一分钟，方便吗？",
            f"目的：{about}",
            "提问：您哪天方便到店？我帮您预约。",
            "致谢：谢谢您。",
            "结束：期待您的光临，再见！",
        )
    )


_QUESTIONS = {
    False: (
        Question("interested", "是否有意参加", "Interested", "yes_no"),
        Question("feedback", "客户意见与建议", "Opinions and suggestions", "text"),
    ),
    True: (
        Question("appointment_made", "是否已预约", "Appointment made", "yes_no"),
        Question("feedback", "客户意见与建议", "Opinions and suggestions", "text"),
    ),
}
_TIERS: Mapping[str, Tier] = {
    "sales_consultant": "sales",
    "insurance_specialist": "club",
    "renewal_specialist": "club",
}
