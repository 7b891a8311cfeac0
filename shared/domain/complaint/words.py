"""The words of complaints (domain.md §6, decisions.md "Complaints"): kinds, categories, states and which follows which."""

from collections.abc import Mapping
from enum import StrEnum

from shared.domain.visit import Label


class Kind(StrEnum):
    """产品质量抱怨, 服务态度投诉, everything else (S0)."""

    QUALITY = "quality"
    ATTITUDE = "attitude"
    SERVICE = "service"


class Category(StrEnum):
    """What it is about (S3)."""

    SERVICE_QUALITY = "service_quality"
    PARTS_QUALITY = "parts_quality"
    CLAIM = "claim"
    REPAIR_QUALITY = "repair_quality"
    VEHICLE_QUALITY = "vehicle_quality"
    TECHNICAL = "technical"
    REBOOKING = "rebooking"
    RECEPTION = "reception"
    OTHER = "other"


class Severity(StrEnum):
    """How bad it is for the customer."""

    MINOR = "minor"
    NORMAL = "normal"
    SERIOUS = "serious"


class State(StrEnum):
    """Where a complaint stands."""

    OPEN = "open"
    RESPONDED = "responded"
    HANDLING = "handling"
    TOLD = "told"
    CLOSED = "closed"
    CLOSED_UNCONFIRMED = "closed_unconfirmed"
    REJECTED = "rejected"


class Department(StrEnum):
    """Which department is answerable; its manager countersigns the record (S1)."""

    SALES = "sales"
    SERVICE = "service"
    CUSTOMER = "customer"


class CrisisReason(StrEnum):
    """What makes a complaint a crisis (S3; the incident in the workshop: S4)."""

    SAFETY = "safety"
    LARGE_DAMAGE = "large_damage"
    MEDIA = "media"
    LAWYER = "lawyer"
    POLICE = "police"
    CONSUMER_ASSOCIATION = "consumer_association"
    AUTHORITY = "authority"
    INCIDENT_IN_WORKSHOP = "incident_in_workshop"
    UNSETTLED = "unsettled"
    MAY_REACH_MEDIA = "may_reach_media"
    MAY_REACH_COURT = "may_reach_court"
    EXTREME_ACTS = "extreme_acts"


class ProblemState(StrEnum):
    """Where a problem raised on a call stands (S4): pending at once, acted on, the customer told, resolved; or now a complaint."""

    PENDING = "pending"
    ACTED = "acted"
    TOLD = "told"
    RESOLVED = "resolved"
    COMPLAINT = "complaint"


NEXT: Mapping[State, frozenset[State]] = {
    State.OPEN: frozenset({State.RESPONDED, State.TOLD, State.REJECTED}),
    State.RESPONDED: frozenset({State.HANDLING, State.TOLD, State.REJECTED}),
    State.HANDLING: frozenset({State.TOLD, State.REJECTED}),
    State.TOLD: frozenset({State.CLOSED, State.CLOSED_UNCONFIRMED, State.OPEN}),
    State.CLOSED: frozenset({State.OPEN}),
    State.CLOSED_UNCONFIRMED: frozenset({State.CLOSED, State.OPEN}),
    State.REJECTED: frozenset({State.OPEN}),
}
"""Nothing falls back but by one edge, back to `open`: the customer is not satisfied, the loop starts again and is counted."""

OPEN_STATES: frozenset[State] = frozenset({State.OPEN, State.RESPONDED, State.HANDLING, State.TOLD})
LAST_LEVEL = 3


def may_become(state: State, wanted: State) -> bool:
    """True when `wanted` may follow `state`."""
    return wanted in NEXT[state]


KIND_LABELS: Mapping[Kind, Label] = {
    Kind.QUALITY: Label("产品质量抱怨", "Product quality"),
    Kind.ATTITUDE: Label("服务态度投诉", "Attitude of the staff"),
    Kind.SERVICE: Label("其他服务投诉", "Service"),
}
CATEGORY_LABELS: Mapping[Category, Label] = {
    Category.SERVICE_QUALITY: Label("服务质量", "Service quality"),
    Category.PARTS_QUALITY: Label("配件质量", "Quality of parts"),
    Category.CLAIM: Label("索赔", "Claim"),
    Category.REPAIR_QUALITY: Label("维修质量", "Quality of the repair"),
    Category.VEHICLE_QUALITY: Label("车辆质量", "Quality of the car"),
    Category.TECHNICAL: Label("技术问题", "Technical"),
    Category.REBOOKING: Label("再次预约", "Rebooking"),
    Category.RECEPTION: Label("接待问题", "Reception"),
    Category.OTHER: Label("其它问题", "Other"),
}
SEVERITY_LABELS: Mapping[Severity, Label] = {
    Severity.MINOR: Label("轻微", "Minor"),
    Severity.NORMAL: Label("一般", "Normal"),
    Severity.SERIOUS: Label("严重", "Serious"),
}
STATE_LABELS: Mapping[State, Label] = {
    State.OPEN: Label("待响应", "Waiting for a response"),
    State.RESPONDED: Label("已响应", "Responded"),
    State.HANDLING: Label("处理中", "Being handled"),
    State.TOLD: Label("已告知，待回访确认", "Told, to be confirmed"),
    State.CLOSED: Label("客户满意结案", "Closed, confirmed"),
    State.CLOSED_UNCONFIRMED: Label("未确认结案", "Closed, not confirmed"),
    State.REJECTED: Label("不成立", "Not valid"),
}
DEPARTMENT_LABELS: Mapping[Department, Label] = {
    Department.SALES: Label("销售部", "Sales"),
    Department.SERVICE: Label("售后服务部", "After-sales service"),
    Department.CUSTOMER: Label("客服部", "Customer relations"),
}
CRISIS_REASON_LABELS: Mapping[CrisisReason, Label] = {
    CrisisReason.SAFETY: Label("涉及安全", "Safety"),
    CrisisReason.LARGE_DAMAGE: Label("损害金额大", "Large damage"),
    CrisisReason.MEDIA: Label("涉及媒体", "Media involved"),
    CrisisReason.LAWYER: Label("涉及律师", "Lawyer involved"),
    CrisisReason.POLICE: Label("涉及警察", "Police involved"),
    CrisisReason.CONSUMER_ASSOCIATION: Label("涉及消协", "Consumer association involved"),
    CrisisReason.AUTHORITY: Label("涉及政府机关", "Authority involved"),
    CrisisReason.INCIDENT_IN_WORKSHOP: Label("车辆在厂内受损", "Incident to the car in the workshop"),
    CrisisReason.UNSETTLED: Label("正常程序无法解决", "Cannot be settled by the normal process"),
    CrisisReason.MAY_REACH_MEDIA: Label("可能媒体曝光", "May reach the media"),
    CrisisReason.MAY_REACH_COURT: Label("可能进入司法程序", "May reach a court"),
    CrisisReason.EXTREME_ACTS: Label("可能采取过激行为", "Extreme acts threatened"),
}
PROBLEM_STATE_LABELS: Mapping[ProblemState, Label] = {
    ProblemState.PENDING: Label("待处理", "Pending"),
    ProblemState.ACTED: Label("部门已处理", "Acted on"),
    ProblemState.TOLD: Label("已告知客户", "Customer told"),
    ProblemState.RESOLVED: Label("已解决", "Resolved"),
    ProblemState.COMPLAINT: Label("已转投诉", "Now a complaint"),
}
