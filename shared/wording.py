"""The words of messages: shipped templates and a store's own, rendered for one customer, and how many segments an SMS takes.

Jinja2 reads the templates and runs none: a template may name the variables below and say `{% if name %}`, nothing else. A variable
can bring in neither a signature's brackets nor a link nor a line end, and in an SMS at most 20 characters (the carriers' rule).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TypeAlias

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

FOLDER = Path(__file__).parent / "templates"
CHANNELS = ("sms", "email")
LANGUAGES = ("zh", "en")
LONGEST_SMS = 500
LONGEST_EMAIL = 20_000
VARIABLE_LIMIT = 20
EMAIL_VARIABLE_LIMIT = 200
SINGLE_SEGMENT, JOINED_SEGMENT = 70, 67

VARIABLES: Mapping[str, str] = {
    "customer_name": "王建国",
    "salutation": "先生",
    "store_name": "沪兴汽车",
    "store_phone": "021-64001234",
    "store_address": "上海市沪太路1号",
    "rescue_phone": "400-800-1234",
    "staff_name": "李敏",
    "staff_phone": "13800138001",
    "advisor_name": "陈刚",
    "advisor_phone": "13800138002",
    "vehicle_model": "途观L",
    "plate": "沪A12345",
    "interval_months": "6",
    "interval_km": "5000",
    "maintenance_due_on": "12月1日",
    "voucher_code": "K7MPT4WX9Q",
    "voucher_text": "50元维修券",
    "voucher_until": "2026年12月31日",
    "manager_name": "周建国",
    "policy_expires_on": "12月1日",
    "appointment_at": "11月27日10点",
    "festival": "春节",
    "years": "1",
    "survey_url": "https://example.cn/s/Ab3dEf6hIj9k",
}
"""What a template may name, each with the value a preview shows."""

LINKS = frozenset({"survey_url"})
_SCORE_HINT = {"zh": "回复1-5可直接评分。", "en": "Or reply 1-5 to rate us."}
_OPT_OUT_HINT = {"zh": "拒收请回复R", "en": "Reply R to opt out"}
_SALUTATION = {"zh": {"male": "先生", "female": "女士"}, "en": {}}
_NOISE = re.compile(r"[【】]|(?:https?://|www\.)\S*|[\x00-\x1f\x7f\u2028\u2029]+")
_ALLOWED = (nodes.Output, nodes.TemplateData, nodes.Name, nodes.If)
_ENVIRONMENT = ImmutableSandboxedEnvironment(autoescape=False, trim_blocks=True)


@dataclass(frozen=True)
class Wording:
    """One message in one language: the text, and for an e-mail its subject and perhaps a layout with `{{ content }}`."""

    key: str
    channel: str
    language: str
    body: str
    subject: str | None = None
    html: str | None = None


@dataclass(frozen=True)
class Rendered:
    """What the customer will read. `segments`: what an SMS is billed as; 0 for an e-mail."""

    body: str
    subject: str | None
    segments: int


@cache
def shipped() -> Mapping[tuple[str, str, str], Wording]:
    """The wordings that come with the program, by (key, channel, language)."""
    return {(wording.key, wording.channel, wording.language): wording for wording in _read_shipped()}


def wording_for(
    own: Mapping[tuple[str, str, str], Wording], key: str, channel: str, language: str, default_language: str = "zh"
) -> Wording | None:
    """The store's own wording, else the shipped one; in the language asked for, else the store's, else Chinese."""
    for tongue in dict.fromkeys((language, default_language, "zh")):
        found = own.get((key, channel, tongue)) or shipped().get((key, channel, tongue))
        if found is not None:
            return found
    return None


def render(wording: Wording, values: Mapping[str, str], *, signature: str = "", marketing: bool = False) -> Rendered:
    """The text for one customer. An SMS gets 【signature】 once, 回复1-5 beside a survey link, the way to refuse if marketing."""
    if wording.channel == "email":
        subject = " ".join(_filled(wording.subject or "", values, EMAIL_VARIABLE_LIMIT).split())
        return Rendered(_filled(wording.body, values, EMAIL_VARIABLE_LIMIT).strip(), subject, 0)
    body = _filled(wording.body, values, VARIABLE_LIMIT)
    text = sms_text(body, signature, wording.language, survey=uses(wording, "survey_url"), marketing=marketing)
    return Rendered(text, None, segments(text))


def sms_text(body: str, signature: str, language: str, *, survey: bool, marketing: bool) -> str:
    """The body with everything the carriers and the field want around it."""
    text = " ".join(body.split()) if language == "en" else body.replace("\n", "").strip()
    if survey and "1-5" not in text:
        text += _SCORE_HINT.get(language, _SCORE_HINT["zh"])
    if marketing and "拒收" not in text:
        text += " " + _OPT_OUT_HINT.get(language, _OPT_OUT_HINT["zh"])
    return f"【{_clean(signature, VARIABLE_LIMIT)}】{text}"


def uses(wording: Wording, variable: str) -> bool:
    """Does the wording name that variable?"""
    return variable in _names(wording.body) or bool(wording.subject and variable in _names(wording.subject))


def segments(text: str) -> int:
    """How many messages an SMS is billed as in mainland China: 70 characters alone, 67 each when joined (UTF-16 units)."""
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= SINGLE_SEGMENT else -(-units // JOINED_SEGMENT)


def salutation(gender: str | None, language: str) -> str:
    """先生, 女士 or nothing."""
    return _SALUTATION.get(language, {}).get(gender or "", "")


def faults(wording: Wording) -> list[tuple[str, str]]:
    """What a store's own wording may not have, as (field, what is wrong)."""
    found = [("body", fault) for fault in _faults_of(wording.body)]
    limit = LONGEST_SMS if wording.channel == "sms" else LONGEST_EMAIL
    if not wording.body.strip():
        found.append(("body", "the text is empty"))
    if len(wording.body) > limit:
        found.append(("body", f"the text is longer than {limit} characters"))
    if wording.channel == "email":
        if not (wording.subject or "").strip():
            found.append(("subject", "an e-mail needs a subject"))
        found += [("subject", fault) for fault in _faults_of(wording.subject or "")]
        if wording.html is not None and "{{ content }}" not in wording.html:
            found.append(("html", "the layout needs {{ content }}, where the text goes"))
    elif wording.subject or wording.html:
        found.append(("subject" if wording.subject else "html", "an SMS has only a text"))
    return found


def _faults_of(source: str) -> Iterator[str]:
    if "【" in source or "】" in source:
        yield "the signature 【】 is put in front by itself"
    try:
        tree = _ENVIRONMENT.parse(source)
    except TemplateSyntaxError as fault:
        yield f"line {fault.lineno}: {fault.message}"
        return
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED) or (
            isinstance(node, nodes.If) and (node.elif_ or not isinstance(node.test, nodes.Name))
        ):
            yield f"line {node.lineno}: only {{{{ name }}}} and {{% if name %}} are understood here"
            return
    for name in sorted(_names(source) - VARIABLES.keys()):
        yield f"there is no variable {name}"


Part: TypeAlias = "str | tuple[str] | tuple[str, tuple[Part, ...], tuple[Part, ...]]"
"""A piece of a template: text; (variable,); (variable, what stands if it has a value, what else)."""


def _filled(source: str, values: Mapping[str, str], limit: int) -> str:
    return "".join(_pieces(_parts(source), values, limit))


def _pieces(parts: Iterable[Part], values: Mapping[str, str], limit: int) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif len(part) == 1:
            value = values.get(part[0], "")
            yield value if part[0] in LINKS else _clean(value, limit)
        else:
            yield from _pieces(part[1] if values.get(part[0]) else part[2], values, limit)


@lru_cache(maxsize=4096)
def _parts(source: str) -> tuple[Part, ...]:
    """A template taken apart once: Jinja2 reads it, nothing of it is ever run."""
    return tuple(_parts_of(_ENVIRONMENT.parse(source).body))


def _parts_of(body: Iterable[nodes.Node]) -> Iterator[Part]:
    for node in body:
        if isinstance(node, nodes.Output):
            yield from _parts_of(node.nodes)
        elif isinstance(node, nodes.TemplateData):
            yield node.data
        elif isinstance(node, nodes.Name):
            yield (node.name,)
        elif isinstance(node, nodes.If) and isinstance(node.test, nodes.Name):
            yield (node.test.name, tuple(_parts_of(node.body)), tuple(_parts_of(node.else_)))


@lru_cache(maxsize=4096)
def _names(source: str) -> frozenset[str]:
    return frozenset(node.name for node in _ENVIRONMENT.parse(source).find_all(nodes.Name))


@lru_cache(maxsize=65536)
def _clean(value: str, limit: int) -> str:
    text = " ".join(_NOISE.sub(" ", value).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _read_shipped() -> Iterator[Wording]:
    for file in sorted(FOLDER.glob("*.txt")):
        key, channel, language, _ = file.name.split(".")
        subject, text = None, file.read_text(encoding="utf-8")
        if channel == "email":
            first, _, text = text.partition("\n")
            subject = first.removeprefix("Subject:").strip()
        yield Wording(key, channel, language, text.strip(), subject)
