"""What happens next, as a sentence: a template by `next.step` and the tries, times from `next.at`; no rule (desk.md §5.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from services.console.formats import Language, instant, spoken

ENDED: Mapping[str, tuple[str, str]] = {
    "completed": ("已记录：回访完成。", "Recorded: the visit is completed."),
    "incomplete": ("已记录：到约定的日子再回访。", "Recorded: to be continued on the day agreed."),
    "declined": ("已记录：客户不愿接受回访，不再联系。", "Recorded: the customer declined; no more contact."),
    "unreachable": (
        "已记为“联系不上”，档案已标注：下次进店核对电话。",
        "Recorded as unreachable; confirm the number at the next visit.",
    ),
    "invalid": (
        "号码有误，没有其他联系方式。已建“更正档案”任务。",
        "Wrong number and no other way. A task to correct the file was opened.",
    ),
    "cancelled": ("已记录：相关回访全部停止。", "Recorded: the visits concerned have stopped."),
    "missed": ("此回访已错过（计入报表）。", "The visit was missed."),
    "expired": ("此回访已过期。", "The visit has expired."),
}
WHY: Mapping[str, tuple[str, str]] = {
    "sms_rejected": ("短信被拒。", "The SMS was refused. "),
    "sms_undelivered": ("短信未送达。", "The SMS was not delivered. "),
    "sms_suppressed": ("短信不能发。", "No SMS may go. "),
    "sms_unanswered": ("短信未回。", "The SMS was not answered. "),
    "no_textable_number": ("没有可发短信的号码。", "No number takes an SMS. "),
    "no_address": ("没有其他联系方式。", "There is no other way. "),
    "line_suspended": ("号码停机。", "The line is suspended. "),
    "no_good_number": ("没有可用的号码。", "No usable number is left. "),
    "email_never_left": ("邮件没有发出。", "The e-mail did not go out. "),
    "email_unanswered": ("邮件未回。", "The e-mail was not answered. "),
    "message_unanswered": ("消息未回。", "The message was not answered. "),
    "read_reply": ("客户已回复，请先看回复。", "The customer replied; read it first. "),
    "other_number": ("改打档案里的另一个号码。", "The other number of the file is next. "),
}


def next_sentence(visit: Mapping[str, Any], now: datetime, zone: tzinfo, language: Language) -> str:
    """The sentence of a visit as the API answered it."""
    english = language == "en"
    step = visit.get("next")
    if step is None:
        known = ENDED.get(visit["state"])
        return known[english] if known else ("Recorded." if english else "已记录。")
    at, tries, reason = spoken(instant(step["at"]), now, zone, language), int(visit["tries"]), step.get("reason") or ""
    if step["step"] == "call":
        return _call(at, tries, reason, english)
    why = WHY.get(reason, ("", ""))[english] or _tries(tries, english)
    return why + _STEPS[step["step"]][english].format(at=at)


def _call(at: str, tries: int, reason: str, english: bool) -> str:
    if reason == "promised":
        return (
            f"Promised: call {at}. A promise goes before every plan." if english else f"已约 {at}，由你回电。约定优先于一切计划。"
        )
    if reason in WHY:
        return WHY[reason][english] + (f"Call {at}." if english else f"{at} 再打。")
    if not tries:
        return f"Call {at}." if english else f"{at} 打电话。"
    if english:
        return f"Not reached, try {tries}. Try {tries + 1}: {at}, another time of day."
    return f"第 {tries} 次未接通。{at} 再打第 {tries + 1} 次，换个时段。"


def _tries(tries: int, english: bool) -> str:
    if not tries:
        return ""
    return f"{tries} tries failed. " if english else f"{tries} 次均未接通。"


_STEPS: Mapping[str, tuple[str, str]] = {
    "sms": ("{at} 发短信（问卷链接 + 请回电）。", "SMS {at} (survey link, please call back)."),
    "email": ("改发邮件，{at}。", "E-mail {at}."),
    "letter": ("寄信，{at}。", "Letter {at}."),
    "close": ("{at} 记为“联系不上”。", "Recorded as unreachable {at}."),
}
