"""Rendering: one strict Content-Security-Policy, styles known by their digest, everything escaped."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

HERE = Path(__file__).parent / "pages"
STYLE = (HERE / "page.css").read_text(encoding="utf-8")
DIGEST = b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{DIGEST}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}

_environment = Environment(
    loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_environment.globals["style"] = Markup(STYLE)  # noqa: S704 - a file of ours

WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "survey": "服务回访",
        "intro": "几个问题，约 20 秒",
        "submit": "提交",
        "yes": "是",
        "no": "否",
        "wants_call": "需要回电",
        "best": "5 为非常满意，1 为非常不满意",
        "pick": "请选择一个分数。",
        "thanks": "您已提交，谢谢！",
        "sorry": "很抱歉让您不满意。我们会在 1 小时内（营业时间）致电。",
        "will_call": "我们会在 1 小时内（营业时间）给您回电。",
        "change": "修改评价",
        "expired": "链接已过期，如有需要请致电",
        "gone": "链接无效",
        "unsubscribe": "退订",
        "unsubscribe_ask": "不再接收营销邮件",
        "unsubscribe_button": "退订营销邮件",
        "unsubscribe_done": "已退订，您不会再收到营销邮件。",
        "still": "安全召回通知和您预约的提醒仍会发送。",
        "undo": "撤销退订",
        "undone": "已恢复接收。",
        "privacy": "您的回答只用于改进服务。",
    },
    "en": {
        "survey": "Service feedback",
        "intro": "A few questions, about 20 seconds",
        "submit": "Send",
        "yes": "Yes",
        "no": "No",
        "wants_call": "Please call me back",
        "best": "5 is very satisfied, 1 very dissatisfied",
        "pick": "Please choose a score.",
        "thanks": "Your answer is in. Thank you!",
        "sorry": "We are sorry. We will call you within one hour (in business hours).",
        "will_call": "We will call you back within one hour (in business hours).",
        "change": "Change the answer",
        "expired": "This link has expired. If you need us, please call",
        "gone": "This link is not valid",
        "unsubscribe": "Unsubscribe",
        "unsubscribe_ask": "No more marketing e-mail",
        "unsubscribe_button": "Unsubscribe from marketing e-mail",
        "unsubscribe_done": "Done: no more marketing e-mail will come.",
        "still": "Safety recalls and reminders of your appointments still will.",
        "undo": "Undo",
        "undone": "You will receive it again.",
        "privacy": "Your answers are only used to do better.",
    },
}


def page(name: str, language: str, status: int = 200, **values: Any) -> Response:
    """An HTML page in Chinese or English."""
    tongue = language if language in WORDS else "zh"
    html = _environment.get_template(name).render(words=WORDS[tongue], language=tongue, **values)
    return Response(html, status, HEADERS, "text/html; charset=utf-8")
