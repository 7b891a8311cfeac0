"""话术: whether a store's own words for a call can be used, line by line (domain.md §5.2; S1, S2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shared.domain.programme import PLACEHOLDERS, SCRIPT_PARTS

NEEDED = ("开场", "确认本人", "目的", "结束")
"""Parts no script may be without."""

LONGEST_LINE = 500
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")
_LEFT_OVER = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")


def script_faults(text: str) -> list[tuple[int, str]]:
    """Every fault of a script as (number of the line from 1, what is wrong); none: it can be used.

    A line is `部分：文字`; the parts stand in speaking order and each at most once; a text names only what a brief fills in,
    and uses no other sign of a template.
    """
    faults: list[tuple[int, str]] = []
    seen: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        part, colon, words = (piece.strip() for piece in line.partition("："))
        faults += [(number, fault) for fault in _line_faults(part, colon, words, seen)]
        if part in SCRIPT_PARTS:
            seen.append(part)
    missing = [part for part in NEEDED if part not in seen]
    if missing:
        faults.append((max(1, len(text.splitlines())), f"缺少部分 / missing: {'、'.join(missing)}"))
    return faults


def script_lines(text: str) -> tuple[tuple[str, str], ...]:
    """The script as (part, text) in the order it stands."""
    lines = (line.partition("：") for line in text.splitlines() if line.strip())
    return tuple((part.strip(), words.strip()) for part, _, words in lines)


def _line_faults(part: str, colon: str, words: str, seen: list[str]) -> Iterator[str]:
    if not colon or not words:
        yield "一行须为“部分：文字” / a line is 部分：文字 with a full-width colon"
        return
    if part not in SCRIPT_PARTS:
        yield f"没有“{part}”这一部分 / unknown part; known are {'、'.join(SCRIPT_PARTS)}"
    elif part in seen:
        yield f"“{part}”已有一行 / this part stands twice"
    elif seen and SCRIPT_PARTS.index(part) < SCRIPT_PARTS.index(seen[-1]):
        yield f"“{part}”应在“{seen[-1]}”之前 / out of the speaking order"
    if len(words) > LONGEST_LINE:
        yield f"超过 {LONGEST_LINE} 个字 / longer than {LONGEST_LINE} characters"
    yield from _template_faults(words)


def _template_faults(words: str) -> Iterator[str]:
    for name in _PLACEHOLDER.findall(words):
        if name.strip() not in PLACEHOLDERS:
            yield f"没有变量 {name.strip()} / unknown variable; known are {', '.join(sorted(PLACEHOLDERS))}"
    if _LEFT_OVER.search(_PLACEHOLDER.sub("", words)):
        yield "只可使用 {{ 变量 }} / only {{ variable }} may be used, with both pairs of braces"
