"""Where a request is at fault, and in which words: pydantic's faults as pointer and sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

_ZH: Mapping[str, str] = {
    "missing": "必填",
    "extra_forbidden": "没有这个字段",
    "string_too_short": "太短",
    "string_too_long": "太长",
    "string_type": "应为文字",
    "string_pattern_mismatch": "格式不对",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "int_parsing_size": "数字太大",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为列表",
    "dict_type": "应为对象",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "too_short": "项目太少",
    "too_long": "项目太多",
    "uuid_parsing": "不是有效的编号",
    "uuid_type": "不是有效的编号",
    "literal_error": "不在可选值之内",
    "enum": "不在可选值之内",
    "date_parsing": "日期格式应为 2026-11-23",
    "date_type": "日期格式应为 2026-11-23",
    "date_from_datetime_parsing": "日期格式应为 2026-11-23",
    "time_parsing": "时间格式应为 09:00",
    "datetime_parsing": "时刻格式应为 2026-11-23T09:00:00+08:00",
    "datetime_type": "时刻格式应为 2026-11-23T09:00:00+08:00",
    "datetime_from_date_parsing": "时刻格式应为 2026-11-23T09:00:00+08:00",
    "timezone_aware": "时刻须带时区，如 +08:00",
    "json_invalid": "不是有效的 JSON",
    "greater_than": "数值太小",
    "greater_than_equal": "数值太小",
    "less_than": "数值太大",
    "less_than_equal": "数值太大",
    "finite_number": "应为有限的数",
}
_LENGTHS: Mapping[str, str] = {"too_short": "The text is too short", "too_long": "The text is too long"}
_PLACES = {"query": "query", "path": "path", "header": "header", "cookie": "cookie"}


def pointer_of(place: Sequence[str | int]) -> str:
    """`#/roles/0` for a field of the body (RFC 6901 in a fragment); `query/limit`, `path/visit_id`, … for others."""
    head, rest = (place[0], place[1:]) if place else ("body", ())
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in rest if part != "[key]"]
    if head in _PLACES:
        return "/".join([_PLACES[str(head)], *parts])
    if len(parts) == 1 and isinstance(rest[0], int):  # the place in the text where JSON ended to be JSON
        return "#"
    return "#" + "".join(f"/{part}" for part in parts)


def message_of(fault: Mapping[str, Any], language: Literal["zh", "en"]) -> str:
    """The sentence for one fault. The value that was sent is not repeated: it may be a customer's."""
    kind = str(fault.get("type", ""))
    english = str(fault.get("msg", "invalid")).removeprefix("Value error, ")
    if kind in _LENGTHS and isinstance(fault.get("input"), str):  # measured after our own cleaning: said of texts as of lists
        kind, english = f"string_{kind}", _LENGTHS[kind]
    if language == "en":
        return english
    expected = (fault.get("ctx") or {}).get("expected")
    text = _ZH.get(kind)
    if text is None:
        return english if kind == "value_error" else f"内容有误（{english}）"
    return f"{text}：{expected}" if expected and kind in {"literal_error", "enum"} else text
