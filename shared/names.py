"""A name's initials as people type them to find it: 王建国 → wjg. One spelling for searches, files and forms.

Wraps pypinyin by character: a name is no sentence, and a table of characters is fast enough for an import.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Final

import pypinyin

# Read otherwise as a surname than in a sentence. 尉迟, 万俟 and 长孙 are surnames of two characters.
_SURNAMES: Final = {
    "单": "s", "仇": "q", "解": "x", "区": "o", "盖": "g", "查": "z", "曾": "z", "朴": "p", "缪": "m", "乐": "y",
    "种": "c", "重": "c", "召": "s", "折": "s", "冼": "x", "洗": "x", "宓": "f", "员": "y", "谌": "c", "秘": "b",
}  # fmt: skip
_LONG_SURNAMES: Final = {"尉迟": "yc", "万俟": "mq", "长孙": "zs", "单于": "cy", "宿六": "sl"}


def initials(name: str) -> str:
    """The first letters of a name, lower case: 单晓明 → sxm, Tom Li → tomli, 上海A公司 → shags. Other signs are left out."""
    text = unicodedata.normalize("NFKC", name).strip()
    long = _LONG_SURNAMES.get(text[:2])
    if long is not None:
        return long + "".join(map(_letter, text[2:]))
    first = _SURNAMES.get(text[:1])
    return "".join(map(_letter, text)) if first is None else first + "".join(map(_letter, text[1:]))


@cache
def _letter(character: str) -> str:
    if character.isascii():
        return character.lower() if character.isalnum() else ""
    found = pypinyin.pinyin(character, style=pypinyin.Style.FIRST_LETTER, strict=False, errors="ignore")
    return found[0][0].lower() if found else ""
