"""The words of reports in both languages: programmes as the store calls them, departments, what a row is left out for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from shared.packs import load_pack, pack_text
from shared.stores import StoreContext

Word = dict[str, str]

DEPARTMENTS: Mapping[str, tuple[str, str, frozenset[str]]] = {
    "sales": ("销售部", "Sales", frozenset({"sales_consultant", "sales_clerk", "sales_manager"})),
    "club": ("客户俱乐部", "Customer club", frozenset({"insurance_specialist", "renewal_specialist"})),
    "service": ("售后服务部", "Service", frozenset({"service_advisor", "technician", "service_manager"})),
    "customer": ("客服部", "Customer relations", frozenset({"followup_specialist", "customer_manager"})),
    "management": ("总经理室", "Management", frozenset({"general_manager", "admin"})),
    "none": ("系统", "System", frozenset()),
}
"""Departments by what their people do; what nobody does is the system's."""

REASONS: Mapping[str, Word] = {
    "deceased": {"zh": "客户已离世", "en": "Customer deceased"},
    "cancelled": {"zh": "回访已取消", "en": "Visit cancelled"},
    "expired": {"zh": "补录时已过期", "en": "Expired when it was planned"},
    "not_due_yet": {"zh": "尚未到期", "en": "Not due yet"},
    "not_worked": {"zh": "尚未联系", "en": "Nobody tried"},
    "no_answer": {"zh": "客户未评分", "en": "No score given"},
    "internal_or_trade": {"zh": "内部、试驾或二网车辆", "en": "Internal, test or trade car"},
    "not_valid": {"zh": "投诉不成立", "en": "Complaint not valid"},
    "new_customer": {"zh": "首单不足三个月", "en": "First order less than three months before"},
    "gone_before": {"zh": "期初已超过六个月未到店", "en": "No order in the six months before"},
}
NO_DENOMINATOR: Mapping[str, Word] = {
    "no_denominator": {"zh": "无数据", "en": "n/a"},
    "not_of_this_split": {"zh": "不按方案统计", "en": "Not told by programme"},
    "no_record": {"zh": "无记录", "en": "No record"},
}
BY_HAND = {"zh": "手工安排", "en": "By hand"}
NOBODY = {"zh": "未分配", "en": "Nobody"}


def word(value: str | None, zh: str, en: str) -> Word:
    """A value of a list with its names, as reports carry it."""
    return {"value": value or "", "zh": zh, "en": en}


def department_of(roles: Iterable[str]) -> str:
    """The department somebody of these roles works in; the first that fits."""
    held = set(roles)
    return next((key for key, (_, _, own) in DEPARTMENTS.items() if held & own), "none")


def department_word(key: str) -> Word:
    """A department's names; one that the store names itself stays as it is."""
    zh, en, _ = DEPARTMENTS.get(key, (key, key, frozenset()))
    return word(key, zh, en)


def programme_word(store: StoreContext, key: str) -> Word:
    """A programme's names: as the store has them, else as shipped, else its key."""
    own = store.programmes.get(key)
    if own is not None:
        return word(key, own.name_zh, own.name_en)
    if key in ("none", "by-hand"):
        return word(key, **(NOBODY if key == "none" else BY_HAND))
    return word(key, *_shipped(key))


@cache
def _shipped(key: str) -> tuple[str, str]:
    try:
        pack = load_pack(pack_text(key))
    except (OSError, ValueError, KeyError):
        return key, key
    return pack.name_zh, pack.name_en
