"""A crisis: contact within the hour around the clock, a checklist of its own, calls on day 1, 3 and 7 after (S3, S4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

CONTACT_WITHIN = timedelta(hours=1)
CALL_DAYS = (1, 3, 7)


@dataclass(frozen=True)
class Item:
    """One thing to be done in a crisis, and where the rule comes from."""

    key: str
    zh: str
    en: str
    source: str


CHECKLIST: tuple[Item, ...] = (
    Item("general_manager", "立即报告总经理", "Tell the general manager at once", "S3, S4"),
    Item("contact", "1 小时内联系客户", "Contact the customer within 1 hour", "S4"),
    Item("soothe", "善意安抚客户", "Calm the customer with good will", "S3"),
    Item("truth", "如实说明情况，不隐瞒", "Say truthfully what happened, hide nothing", "S4"),
    Item("responsibility", "主动承担责任，不推诿", "Take responsibility, do not pass it on", "S4"),
    Item("media", "专人对外，避免媒体曝光", "One voice to the outside, keep it out of the media", "S3"),
    Item("regional", "报告区域（商务处、分中心）", "Report to the regional office", "S3"),
    Item("plan", "制定解决方案并经总经理同意", "A plan, agreed by the general manager", "S3, S4"),
    Item("calls", "处理后第 1、3、7 天回访", "Call on day 1, 3 and 7 after", "S4"),
)
_KEYS = frozenset(item.key for item in CHECKLIST)


def new_checklist(at: datetime, *, responded: bool) -> dict[str, Any]:
    """What is kept of a crisis declared at `at` (JSON): when, by when the customer is contacted, items that nobody has done.

    Before the first response the complaint's own first clock is the contact; after it the crisis has one of its own.
    """
    kept: dict[str, Any] = {"at": at.isoformat(), "items": {}}
    return kept | ({"contact_by": (at + CONTACT_WITHIN).isoformat()} if responded else {})


def tick(kept: Mapping[str, Any], key: str, at: datetime, by: str | None, note: str | None = None) -> dict[str, Any]:
    """The checklist with an item done; said twice it stands as first said. Raises KeyError for an item there is not."""
    if key not in _KEYS:
        raise KeyError(key)
    items: dict[str, Any] = dict(kept.get("items") or {})
    if key not in items:
        items[key] = {"at": at.isoformat(), "by": by, "note": note}
    return {**kept, "items": items}


def untick(kept: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The checklist with an item open again."""
    items = {name: value for name, value in (kept.get("items") or {}).items() if name != key}
    return {**kept, "items": items}
