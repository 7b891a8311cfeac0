"""Which column holds what: headings matched by their synonyms, the rest named as unknown."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from services.api.imports.fields import Field, Kind, Sheet
from services.api.imports.kinds import OWN_HEADINGS, SHEETS

_BRACKETS = re.compile(r"[(\[{<【〔「『《][^)\]}>】〕」』》]*[)\]}>】〕」』》]")
_FILLING = re.compile(r"[\s\u200b-\u200f\u2060\ufeff*:#_.,;\"'“”‘’·、/\\-]+")
_TRAILING_NUMBER = re.compile(r"[0-9一二三四]$")
_TEN_THOUSAND = re.compile(r"[(\[【]\s*(?:单位:?)?万")
_TRADITIONAL: Final = str.maketrans(
    "電話車號碼維單時間錄銷顧問專員險訂買類別業務連聯絡繫稱戶編資檔郵發動機進廠結賬達預計"
    "購態來訊備註營額費項師實際標顏價質開關領續盤識駛體彙總據稅區聖誕贈選說紀門層級終離遞數",
    "电话车号码维单时间录销顾问专员险订买类别业务连联络系称户编资档邮发动机进厂结账达预计"
    "购态来讯备注营额费项师实际标颜价质开关领续盘识驶体汇总据税区圣诞赠选说纪门层级终离递数",
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: where it stands, its heading as written, what its numbers are to be multiplied with (`金额(万元)`)."""

    index: int
    heading: str
    factor: int = 1


@dataclass(frozen=True, slots=True)
class Columns:
    """What a row of headings says: columns by field, headings nobody knows, labels of required fields that are not there,
    how many columns there are."""

    by_field: Mapping[str, tuple[Column, ...]]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]
    width: int

    @property
    def score(self) -> int:
        """How many fields were recognised."""
        return len(self.by_field)


@dataclass(frozen=True, slots=True)
class _Match:
    field: Field
    rank: int


def normalise(heading: str) -> str:
    """A heading without what people add to it: width, case, blanks, line breaks, brackets, stars, colons."""
    return _FILLING.sub("", _BRACKETS.sub("", _even(heading)))


def match_columns(kind: Kind, headings: Sequence[str]) -> Columns:
    """The columns of a row of headings, for a kind of file."""
    sheet = SHEETS[kind]
    found: dict[str, list[tuple[int, Column]]] = {}
    unknown = []
    for index, heading in enumerate(headings):
        match = _match(kind, heading)
        if match is not None:
            column = Column(index, heading.strip(), 10_000 if _TEN_THOUSAND.search(_even(heading)) else 1)
            found.setdefault(match.field.name, []).append((match.rank, column))
        elif normalise(heading) and heading.strip() not in OWN_HEADINGS:
            unknown.append(heading.strip())
    by_field = {name: tuple(c for _, c in sorted(ranked, key=_rank)) for name, ranked in found.items()}
    return Columns(by_field, tuple(unknown), tuple(_missing(sheet, by_field)), len(headings))


def guess_kind(headings: Sequence[str]) -> Kind | None:
    """The kind whose required fields are there and whose fields explain most of the headings; None when there is none."""
    fitting = [(columns.score, kind) for kind in Kind if not (columns := match_columns(kind, headings)).missing]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def table_markdown() -> str:
    """The table of fields and headings in docs/import.md."""
    lines = []
    for sheet in SHEETS.values():
        lines += [f"### `{sheet.kind}` {sheet.zh}", "", "| field | 中文 | holds | also |", "|---|---|---|---|"]
        lines += [_table_row(field) for field in sheet.fields]
        groups = ", ".join(" or ".join(f"`{name}`" for name in group) for group in sheet.required)
        lines += ["", f"Required: {groups}.", ""]
    return "\n".join(lines)


def _table_row(field: Field) -> str:
    also = " · ".join(field.synonyms)
    return f"| `{field.name}` | {field.zh} | {field.holds}{', several columns' if field.many else ''} | {also} |"


def _rank(ranked: tuple[int, Column]) -> tuple[int, int]:
    return ranked[0], ranked[1].index


def _even(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().translate(_TRADITIONAL)


def _match(kind: Kind, heading: str) -> _Match | None:
    known = _synonyms(kind)
    whole = _FILLING.sub("", _even(heading)).translate(str.maketrans("", "", "()[]【】"))
    short = normalise(heading)
    match = known.get(whole) or known.get(short)
    if match is None and _TRAILING_NUMBER.search(short):
        numbered = known.get(short[:-1])
        match = numbered if numbered and numbered.field.many else None
    return match


@cache
def _synonyms(kind: Kind) -> Mapping[str, _Match]:
    known: dict[str, _Match] = {}
    for field in SHEETS[kind].fields:
        for rank, heading in enumerate(field.headings):
            key = _FILLING.sub("", _even(heading)).translate(str.maketrans("", "", "()[]【】"))
            known.setdefault(key, _Match(field, rank))
    return known


def _missing(sheet: Sheet, by_field: Mapping[str, object]) -> list[str]:
    return [
        "/".join(sheet.named(name).zh for name in group)
        for group in sheet.required
        if not any(name in by_field for name in group)
    ]
