"""Labels that no rule of the domain has, because only people need them."""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.appointment import APPOINTMENT_LABELS, DIRECTION_LABELS
from shared.domain.complaint import CATEGORY_LABELS as COMPLAINT_CATEGORY_LABELS
from shared.domain.complaint import CHECKLIST, CRISIS_REASON_LABELS, DEPARTMENT_LABELS, PROBLEM_STATE_LABELS, SEVERITY_LABELS
from shared.domain.complaint import KIND_LABELS as COMPLAINT_KIND_LABELS
from shared.domain.complaint import STATE_LABELS as COMPLAINT_STATE_LABELS
from shared.domain.festival import KNOWN as KNOWN_FESTIVALS
from shared.domain.honest import FLAG_LABELS
from shared.domain.lead import POLICIES as LEAD_POLICIES
from shared.domain.message import MESSAGE_STATE_LABELS
from shared.domain.visit import (
    CHANNEL_LABELS,
    OUTCOME_LABELS,
    PROBLEM_LABELS,
    REACHED_PERSON_LABELS,
    RESULT_LABELS,
    STATE_LABELS,
    Label,
)
from shared.domain.voucher import KINDS as VOUCHER_KINDS

ROLE_LABELS: Mapping[str, Label] = {
    "sales_consultant": Label("销售顾问", "Sales consultant"),
    "insurance_specialist": Label("保险专员", "Insurance specialist"),
    "renewal_specialist": Label("续保专员", "Renewal specialist"),
    "service_advisor": Label("服务顾问", "Service advisor"),
    "technician": Label("技师", "Technician"),
    "sales_clerk": Label("销售内勤", "Sales clerk"),
    "followup_specialist": Label("回访专员", "Follow-up specialist"),
    "sales_manager": Label("销售经理", "Sales manager"),
    "service_manager": Label("服务经理", "Service manager"),
    "customer_manager": Label("客户经理", "Customer relations manager"),
    "general_manager": Label("总经理", "General manager"),
    "admin": Label("系统管理员", "Administrator"),
}
ORDER_KIND_LABELS: Mapping[str, Label] = {
    "maintenance": Label("保养", "Maintenance"),
    "repair": Label("维修", "Repair"),
    "bodywork": Label("钣喷", "Bodywork"),
    "claim": Label("理赔", "Claim"),
    "internal": Label("内部", "Internal"),
}
LIFECYCLE_LABELS: Mapping[str, Label] = {
    "prospect": Label("潜在客户", "Prospect"),
    "lead": Label("意向客户", "Lead"),
    "owner": Label("车主", "Owner"),
    "lost_deal": Label("战败客户", "Lost deal"),
    "churn_risk": Label("流失预警", "Churn risk"),
    "churned": Label("流失客户", "Churned"),
}
LEAD_STATE_LABELS: Mapping[str, Label] = {
    "open": Label("跟进中", "Open"),
    "won": Label("成交", "Won"),
    "lost": Label("战败", "Lost"),
}
LOST_KIND_LABELS: Mapping[str, Label] = {
    "price": Label("价格", "Price"),
    "competitor": Label("购买其他品牌", "Another make"),
    "other_dealer": Label("在其他店购买", "Another dealer"),
    "product": Label("产品不合意", "The car"),
    "stock": Label("无现车", "Not in stock"),
    "financing": Label("贷款或置换未成", "Financing or trade-in"),
    "service": Label("接待服务", "Reception"),
    "no_plan": Label("暂无购车计划", "No plan to buy"),
    "unreachable": Label("联系不上", "Cannot be reached"),
    "other": Label("其他", "Other"),
}
RENEWAL_LABELS: Mapping[str, Label] = {
    "renewed": Label("已续保", "Renewed"),
    "lost": Label("未续保", "Not renewed"),
}
NEXT_STEP_LABELS: Mapping[str, Label] = {
    "call": Label("打电话", "Call"),
    "sms": Label("发短信", "Text"),
    "email": Label("发邮件", "E-mail"),
    "letter": Label("寄信", "Letter"),
    "close": Label("结束", "Close"),
}
IMPORT_KIND_LABELS: Mapping[str, Label] = {
    "customers": Label("客户", "Customers"),
    "sales": Label("销售", "Sales"),
    "work-orders": Label("工单", "Work orders"),
    "leads": Label("意向", "Leads"),
    "policies": Label("保险", "Insurance policies"),
    "opt-outs": Label("拒收名单", "Opt-outs"),
    "staff": Label("员工", "Staff"),
}
TASK_KIND_LABELS: Mapping[str, Label] = {
    "correct_file": Label("更正档案", "Correct the file"),
    "new_owner": Label("登记新车主", "Name the new owner"),
    "read_reply": Label("查看客户回复", "Read the reply"),
    "wechat_message": Label("发送微信", "Send a WeChat message"),
    "confirm_number": Label("核实号码", "Confirm the number"),
    "letter": Label("寄信", "Send a letter"),
    "hand_over_card": Label("移交管理卡", "Hand the owner card over"),
    "upload_file": Label("上传客户档案", "Upload the customer file"),
    "accompany": Label("陪同首保", "Accompany the first maintenance"),
    "call_back": Label("客户要求回电", "Call the customer back"),
    "low_score": Label("评分低，须处理", "A low score to be dealt with"),
    "complaint_respond": Label("投诉待首次响应", "Respond to a complaint"),
    "complaint_sign_off": Label("投诉待会签", "Countersign a complaint"),
    "complaint_attitude": Label("服务态度投诉上报", "A complaint about attitude"),
    "complaint_crisis": Label("危机事件", "A crisis"),
    "complaint_unconfirmed": Label("投诉未得到客户确认", "A complaint the customer could not confirm"),
    "regional_report": Label("报告区域", "Report to the regional office"),
    "sign_off_missing": Label("投诉当日未会签", "A complaint was not countersigned"),
    "response_overdue": Label("投诉首次响应超时", "First response overdue"),
    "contact_overdue": Label("危机联系客户超时", "Contact in a crisis overdue"),
    "handling_overdue": Label("投诉处理超时", "Handling overdue"),
    "telling_overdue": Label("投诉结果告知超时", "Telling the result overdue"),
    "problem_act": Label("客户反映的问题待处理", "A problem from a call to be acted on"),
    "problem_overdue": Label("客户反映的问题逾期未处理", "A problem was not acted on in time"),
    "deadline_passed": Label("到期未联系", "Deadline passed without a try"),
    "call_overdue": Label("再次联系已逾期", "A further call is overdue"),
    "promise_overdue": Label("约定的回电已逾期", "A promised call is overdue"),
    "visits_expired": Label("有回访过期", "Visits have expired"),
    "add_wechat": Label("添加客户微信", "Add the customer on WeChat"),
    "pick_up_service": Label("安排上门取送车", "Arrange pick-up of the car"),
    "uninsured_or_unplated": Label("仍未投保或上牌", "Still not insured or plated"),
}
BLOCKED_LABELS: Mapping[str, Label] = {
    "deceased": Label("客户离世", "Deceased"),
    "opted_out": Label("已退订电话", "Wants no calls"),
    "no_number": Label("没有可用电话", "No number"),
    "promised_later": Label("已约定稍后", "Promised for later"),
    "complaint_open": Label("投诉未结，暂停此类回访", "An open complaint freezes this kind of call"),
    "other_tier_today": Label("今天已由其他条线联系过", "Another tier called today"),
    "closed_day": Label("休息日", "The store is closed"),
    "next_try": Label("换个时段再打", "The next try is later"),
    "customer_hours": Label("不在客户接听时段", "Outside the customer's hours"),
}
GROUP_LABELS: Mapping[str, Label] = {
    "promised": Label("约定", "Promised"),
    "complaint": Label("危机与投诉", "Crises and complaints"),
    "overdue": Label("逾期", "Overdue"),
    "due_today": Label("今日截止", "Due today"),
    "rest": Label("其余", "The rest"),
    "blocked": Label("暂不可打", "Not now"),
}
CONFIRM_LABELS: Mapping[str, Label] = {
    "declined": Label("客户拒访", "Declined"),
    "invalid": Label("无效档案", "Invalid file"),
    "low_score": Label("评分 2 分及以下", "Scored 2 or less"),
    "sample": Label("随机抽查", "Random sample"),
}
SCOPE_LABELS: Mapping[str, Label] = {
    "read": Label("读取", "Read"),
    "write": Label("写入", "Write"),
    "pii:read": Label("查看完整号码", "See whole numbers"),
    "import": Label("导入", "Import"),
    "hooks": Label("接收推送", "Hooks"),
}
CAMPAIGN_STATE_LABELS: Mapping[str, Label] = {
    "draft": Label("草稿", "Draft"),
    "approved": Label("已批准", "Approved"),
    "running": Label("进行中", "Running"),
    "stopped": Label("已停止", "Stopped"),
    "done": Label("已完成", "Done"),
}
CAMPAIGN_PURPOSE_LABELS: Mapping[str, Label] = {
    "campaign": Label("营销活动", "Campaign"),
    "recall_safety": Label("召回（安全）", "Recall (safety)"),
}
CAMPAIGN_MODE_LABELS: Mapping[str, Label] = {
    "call_list": Label("电话名单", "Call list"),
    "message": Label("发消息", "Message"),
}
MEMBER_STATE_LABELS: Mapping[str, Label] = {
    "waiting": Label("等待", "Waiting"),
    "planned": Label("已安排", "Planned"),
    "excluded": Label("已排除", "Left out"),
    "stopped": Label("已停止", "Stopped"),
}
LEFT_OUT_LABELS: Mapping[str, Label] = {
    "deceased": Label("客户已离世", "Deceased"),
    "no_number": Label("无可用号码", "No usable number"),
    "opted_out": Label("已退订", "Opted out"),
    "no_consent": Label("未同意营销", "No consent"),
    "consent_withdrawn": Label("已撤回同意", "Consent withdrawn"),
    "complaint": Label("投诉未结或刚结", "A complaint, open or just closed"),
    "cap": Label("近期已收到营销消息", "Had marketing lately"),
    "not_owner": Label("车已不在名下", "No longer the owner"),
}
VOUCHER_STATE_LABELS: Mapping[str, Label] = {
    "open": Label("可用", "Open"),
    "redeemed": Label("已核销", "Redeemed"),
    "expired": Label("已过期", "Expired"),
    "cancelled": Label("已作废", "Cancelled"),
}
SERVICE_PREFERENCE_LABELS: Mapping[str, Label] = {
    "original_parts": Label("原厂配件", "Original parts"),
    "green": Label("绿色保养", "Green maintenance"),
    "economy": Label("经济套餐", "Economy"),
}
COMPLAINT_SOURCE_LABELS: Mapping[str, Label] = {
    "call": Label("回访中提出", "On a follow-up call"),
    "phone": Label("客户来电", "The customer rang"),
    "counter": Label("到店", "At the counter"),
    "online": Label("网络", "Online"),
    "letter": Label("来信", "By letter"),
    "regional": Label("厂家或区域转来", "Through the maker or the regional office"),
    "score": Label("满意度评分", "A low score"),
    "score_withdrawn": Label("评分已撤回", "A score that was withdrawn"),
    "problem": Label("由问题转来", "A problem that became one"),
}

ALL: Mapping[str, Mapping[str, Label]] = {
    "visit_state": {str(word): label for word, label in STATE_LABELS.items()},
    "outcome": {str(word): label for word, label in OUTCOME_LABELS.items()},
    "channel": {str(word): label for word, label in CHANNEL_LABELS.items()},
    "problem_type": {str(word): label for word, label in PROBLEM_LABELS.items()},
    "reached_person": {str(word): label for word, label in REACHED_PERSON_LABELS.items()},
    "result": {str(word): label for word, label in RESULT_LABELS.items()},
    "message_state": {str(word): label for word, label in MESSAGE_STATE_LABELS.items()},
    "appointment_state": {str(word): label for word, label in APPOINTMENT_LABELS.items()},
    "appointment_direction": DIRECTION_LABELS,
    "next_step": NEXT_STEP_LABELS,
    "role": ROLE_LABELS,
    "order_kind": ORDER_KIND_LABELS,
    "lifecycle": LIFECYCLE_LABELS,
    "lead_state": LEAD_STATE_LABELS,
    "lead_level": {level.key: Label(level.zh, level.en) for levels in LEAD_POLICIES.values() for level in levels},
    "lost_kind": LOST_KIND_LABELS,
    "renewal": RENEWAL_LABELS,
    "import_kind": IMPORT_KIND_LABELS,
    "task_kind": TASK_KIND_LABELS,
    "voucher_kind": {kind.key: Label(kind.zh, kind.en) for kind in VOUCHER_KINDS.values()},
    "voucher_state": VOUCHER_STATE_LABELS,
    "campaign_state": CAMPAIGN_STATE_LABELS,
    "campaign_purpose": CAMPAIGN_PURPOSE_LABELS,
    "campaign_mode": CAMPAIGN_MODE_LABELS,
    "member_state": MEMBER_STATE_LABELS,
    "left_out": LEFT_OUT_LABELS,
    "service_preference": SERVICE_PREFERENCE_LABELS,
    "festival": {rule.key: Label(rule.zh, rule.en) for rule in KNOWN_FESTIVALS.values()},
    "blocked_reason": BLOCKED_LABELS,
    "worklist_group": GROUP_LABELS,
    "to_confirm": CONFIRM_LABELS,
    "scope": SCOPE_LABELS,
    "quality_flag": {str(word): label for word, label in FLAG_LABELS.items()},
    "complaint_kind": {str(word): label for word, label in COMPLAINT_KIND_LABELS.items()},
    "complaint_category": {str(word): label for word, label in COMPLAINT_CATEGORY_LABELS.items()},
    "complaint_severity": {str(word): label for word, label in SEVERITY_LABELS.items()},
    "complaint_state": {str(word): label for word, label in COMPLAINT_STATE_LABELS.items()},
    "complaint_source": COMPLAINT_SOURCE_LABELS,
    "crisis_reason": {str(word): label for word, label in CRISIS_REASON_LABELS.items()},
    "crisis_item": {item.key: Label(item.zh, item.en) for item in CHECKLIST},
    "department": {str(word): label for word, label in DEPARTMENT_LABELS.items()},
    "problem_state": {str(word): label for word, label in PROBLEM_STATE_LABELS.items()},
}
