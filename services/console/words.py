"""Words of the console for codes the API gives without a label; everything with a label is read from /v1/enumerations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Pair: TypeAlias = tuple[str, str]

GROUPS: Mapping[str, Pair] = {
    "promised": ("约定", "Promised"),
    "complaint": ("投诉", "Complaints"),
    "overdue": ("逾期", "Overdue"),
    "due_today": ("今日截止", "Due today"),
    "rest": ("其余", "Rest"),
    "blocked": ("暂不可打", "Not now"),
}
MARKS: Mapping[str, str] = {"promised": "◆", "complaint": "●", "overdue": "▲", "due_today": "!", "rest": "", "blocked": "⊘"}
BLOCKED: Mapping[str, Pair] = {
    "deceased": ("客户离世，停止一切联系", "The customer is deceased; nobody calls"),
    "opted_out": ("已退订电话，不能拨打", "Opted out of calls; do not dial"),
    "no_number": ("没有可用电话，请更正档案", "No usable number; correct the file"),
    "promised_later": ("约定时间未到", "Promised for later"),
    "other_tier_today": ("今天已由其他部门联系过", "Another department called today"),
    "closed_day": ("今天门店休息", "The store is closed today"),
    "next_try": ("换个时段再打", "To be tried at another time of day"),
    "customer_hours": ("不在客户方便的时段", "Outside the customer's hours"),
}
PURPOSES: Mapping[str, Pair] = {
    "thanks": ("致谢", "Thanks"),
    "use": ("使用情况", "Use"),
    "insurance": ("保险", "Insurance"),
    "plates": ("上牌", "Plates"),
    "satisfaction": ("满意度", "Satisfaction"),
    "suggestions": ("意见建议", "Suggestions"),
    "club": ("俱乐部", "Club"),
    "safety": ("行车安全", "Safe driving"),
    "referral": ("转介绍", "Referral"),
    "workshop_address": ("售后地址", "Workshop address"),
    "first_maintenance": ("首保", "First service"),
    "appointment": ("预约", "Appointment"),
    "new_customer_offer": ("新客优惠", "New-customer offer"),
    "maintenance": ("保养", "Maintenance"),
    "repair_result": ("维修结果", "Repair result"),
    "welcome": ("欢迎", "Welcome"),
    "read_reply": ("查看回复", "Read the reply"),
}
PROGRAMMES: Mapping[str, Pair] = {"manual": ("手工回访", "By hand")}
FLAGS: Mapping[str, Pair] = {
    "high_value": ("高价值", "High value"),
    "deceased": ("已离世", "Deceased"),
    "opted_out": ("勿电话联系", "No calls"),
    "wrong_number": ("号码有误", "Wrong number"),
    "confirm_number": ("号码待核实", "Number to confirm"),
    "promised": ("有约定", "Promised"),
}
TASKS: Mapping[str, Pair] = {
    "low_score": ("低分回访", "Low score"),
    "appointment": ("预约进店", "Appointment"),
    "uninsured_or_unplated": ("未投保或未上牌", "Uninsured or unplated"),
}
IMPORT_STATES: Mapping[str, Pair] = {
    "queued": ("排队中", "Queued"),
    "running": ("读取中", "Reading"),
    "planning": ("生成回访中", "Planning visits"),
    "done": ("完成", "Done"),
    "failed": ("失败", "Failed"),
}
GENDERS: Mapping[str, Pair] = {"male": ("先生", "Mr"), "female": ("女士", "Ms")}
CUSTOMER_KINDS: Mapping[str, Pair] = {"person": ("个人", "Person"), "organisation": ("单位", "Organisation")}
EVENTS: Mapping[str, Pair] = {
    "visit": ("回访", "Visit"),
    "attempt": ("联系", "Contact"),
    "message": ("消息", "Message"),
    "work_order": ("工单", "Work order"),
    "sale": ("购车", "Sale"),
    "lead": ("意向", "Lead"),
    "change": ("变更", "Change"),
}
CHANGES: Mapping[str, Pair] = {
    "customer.created": ("建档", "file opened"),
    "customer.changed": ("修改资料", "file changed"),
    "customer.corrected": ("通话中更正", "corrected on a call"),
    "customer.revealed": ("查看号码", "number shown"),
    "customer.deceased": ("登记离世", "deceased"),
    "customer.deceased_undone": ("撤销离世登记", "deceased undone"),
    "customer.contact_added": ("添加联系方式", "contact added"),
    "customer.contact_changed": ("修改联系方式", "contact changed"),
    "customer.contact_removed": ("删除联系方式", "contact removed"),
    "customer.opted_out": ("退订", "opted out"),
    "customer.opted_in": ("恢复联系", "opted in again"),
}
MESSAGE_REASONS: Mapping[str, Pair] = {
    "quiet_hours": ("夜间不发", "quiet hours"),
    "marketing_hours": ("不在营销时段", "outside marketing hours"),
    "service_hours": ("不在服务时段", "outside service hours"),
    "opted_out": ("已退订", "opted out"),
    "no_consent": ("没有营销同意", "no consent to marketing"),
    "consent_withdrawn": ("已撤回同意", "consent withdrawn"),
    "complaint_open": ("投诉未结", "open complaint"),
    "gap_after_complaint": ("投诉刚结", "complaint just closed"),
    "complaint_gap": ("投诉刚结", "complaint just closed"),
    "cap_all": ("已达条数上限", "cap reached"),
    "cap_marketing": ("已达营销条数上限", "marketing cap reached"),
    "no_address": ("没有号码或邮箱", "no address"),
    "visit_closed": ("回访已结束", "the visit has ended"),
    "number_wrong": ("号码有误", "wrong number"),
    "deceased": ("客户已离世", "deceased"),
    "erased": ("资料已删除", "data erased"),
    "stale": ("已过时效", "too late"),
    "not_owner": ("不再是车主", "no longer the owner"),
}


def word(table: Mapping[str, Pair], code: str | None, language: str) -> str:
    """The word of a code; a code nobody knows stands for itself."""
    if code is None:
        return ""
    pair = table.get(code)
    return code if pair is None else pair[language == "en"]
