"""Cells as people fill them, cleaned into values; each cleaner takes the text of a cell and raises CellFault with a reason.

Dates and times are in `dates`. A cell that says nothing (blank, `无`, `-`, `N/A` …) never reaches a cleaner: see `is_blank`.
"""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

from services.api.imports import vocabulary
from services.api.imports.reasons import Reason
from shared.domain.plate import PlateFault, normalise_plate
from shared.domain.vin import VinFault, normalise_vin


class CellFault(ValueError):
    """The cell cannot be used; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_BLANK_RUN = re.compile(r"\s+")
_BETWEEN_HAN = re.compile(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")
_TITLES = re.compile(r"(?<=..)\s*(?:先生|女士|小姐|太太|同志)$")
_GUARD = re.compile(r"^['‘’`](?=[=+\-@0-9])")
_NUMBER = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)(万|千|亿)?")
_UNITS: Final = {None: 1, "千": 1_000, "万": 10_000, "亿": 100_000_000}
_THOUSANDS = re.compile(r"(?<=[0-9])[,'\s](?=[0-9]{3}(?![0-9]))")
_MONEY_NOISE = re.compile(r"^(?:¥|￥|rmb|cny|人民币|\$)\s*|\s*(?:元整|元|圆|rmb|cny)$", re.IGNORECASE)
_MILEAGE_NOISE = re.compile(r"\s*(?:km|公里|千米|kms|里)$", re.IGNORECASE)
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}")
_WECHAT = re.compile(r"[a-zA-Z0-9_-]{4,40}")
_ORGANISATION = re.compile(
    r"公司|集团|[^\s]厂$|事务所|工作室|合作社|学校|学院|医院|银行|酒店|商行|经营部|管理局|委员会|政府|支队|大队|有限|中心$"
)

MAX_TEXT: Final = 2000
LONGEST_BLANK: Final = max(map(len, vocabulary.BLANK))
MAX_NAME: Final = 60
MAX_CODE: Final = 64
MAX_FEN: Final = 2_000_000_000  # 20 million yuan; a column of the database holds no more
MAX_KM: Final = 2_000_000


def tidy(text: str) -> str:
    """Width evened, invisible characters gone, blanks trimmed; a spreadsheet's leading `'` guard removed."""
    if text.isascii() and text.isalnum():
        return text
    return _GUARD.sub("", _CONTROL.sub("", unicodedata.normalize("NFKC", text)).strip())


@lru_cache(maxsize=4096)
def is_blank(text: str) -> bool:
    """True for a cell that says nothing."""
    short = text.strip().casefold()
    return not short or short in vocabulary.BLANK


def words(text: str) -> str:
    """Free text, at most MAX_TEXT characters; line breaks stay."""
    clean = tidy(text)
    if len(clean) > MAX_TEXT:
        raise CellFault(Reason.TOO_LONG)
    if "\ufffd" in clean:
        raise CellFault(Reason.UNDECODABLE)
    return clean


def line(text: str) -> str:
    """Free text on one line."""
    return _BLANK_RUN.sub(" ", words(text))


def code(text: str) -> str:
    """A number or code of the dealer's system, as it stands there; a spreadsheet's `.0` behind digits goes."""
    clean = _BLANK_RUN.sub("", tidy(text))
    if len(clean) > 2 and clean.endswith(".0") and clean[:-2].isdigit():
        clean = clean[:-2]
    if len(clean) > MAX_CODE:
        raise CellFault(Reason.TOO_LONG)
    if "\ufffd" in clean:
        raise CellFault(Reason.UNDECODABLE)
    return clean


def name(text: str) -> str:
    """A person's or an organisation's name: `王 伟先生` → `王伟`; `王先生` stays, a surname alone is no name to greet."""
    clean = _TITLES.sub("", _BETWEEN_HAN.sub("", _BLANK_RUN.sub(" ", tidy(text))))
    if "\ufffd" in clean:
        raise CellFault(Reason.UNDECODABLE)
    if len(clean) > MAX_NAME:
        raise CellFault(Reason.TOO_LONG)
    if not any(character.isalpha() for character in clean):
        raise CellFault(Reason.NAME_INVALID)
    return clean


@lru_cache(maxsize=4096)
def people(text: str) -> tuple[str, ...]:
    """The names of a staff cell (`张三/李四`), without what stands in brackets (`张三(离职)`)."""
    bare = re.sub(r"[(\[【][^)\]】]*[)\]】]", "", tidy(text))
    return tuple(name(part) for part in re.split(r"[/、,;|&\n+]+", bare) if part.strip() and not is_blank(part))


def customer_kind(text: str) -> str:
    """`person` or `organisation`."""
    word = tidy(text).casefold()
    if re.search(r"单位|公司|企业|集团|机构|政府|organi[sz]ation|company|法人|公户", word):
        return "organisation"
    if re.search(r"个人|私人|自然人|person|私户|individual|普通|私家", word):
        return "person"
    raise CellFault(Reason.WORD_UNKNOWN)


def is_organisation(customer_name: str) -> bool:
    """Whether a name reads as an organisation's."""
    return len(customer_name) > 3 and _ORGANISATION.search(customer_name) is not None


@lru_cache(maxsize=256)
def gender(text: str) -> str:
    """`male` or `female`."""
    return _look_up(vocabulary.GENDERS, text)


def gender_of_title(customer_name: str) -> str | None:
    """The gender that a name with a title tells (`王先生`)."""
    return vocabulary.GENDERS.get(customer_name[-2:]) if len(customer_name) == 3 else None


@lru_cache(maxsize=256)
def flag(text: str) -> bool | None:
    """True, False, or None for a cell that says it does not know."""
    word = _BLANK_RUN.sub("", tidy(text)).casefold()
    if word in vocabulary.NO:
        return False
    if word in vocabulary.YES:
        return True
    if word in vocabulary.NOT_SAID or not word:
        return None
    if word[0] in "未没无不否":
        return False
    if word[0] in "已是有":
        return True
    raise CellFault(Reason.WORD_UNKNOWN)


@lru_cache(maxsize=256)
def channel(text: str) -> str:
    """The preferred channel: `phone`, `wechat`, `sms` or `email`; of several (`电话/微信`) the first."""
    first = re.split(r"[/、,;|\s]+", tidy(text))[0]
    return _look_up(vocabulary.CHANNELS, first)


@lru_cache(maxsize=1024)
def order_kind(text: str) -> str:
    """maintenance, repair, bodywork, claim or internal; as vocabulary.ORDER_KINDS says.

    Raises CellFault(ORDER_KIND_UNKNOWN) for anything else: the row is taken as a repair and warned of.
    """
    word = _BLANK_RUN.sub("", tidy(text)).casefold()
    for kind, needles in vocabulary.ORDER_KINDS:
        if any(needle in word for needle in needles):
            return kind
    raise CellFault(Reason.ORDER_KIND_UNKNOWN)


@lru_cache(maxsize=256)
def lead_state(text: str) -> str:
    """`open`, `won` or `lost`."""
    return _look_up(vocabulary.LEAD_STATES, text)


@lru_cache(maxsize=256)
def renewal_result(text: str) -> str:
    """`renewed` or `lost`."""
    return _look_up(vocabulary.RENEWAL_RESULTS, text)


@lru_cache(maxsize=256)
def opt_out_channel(text: str) -> str:
    """The channel refused, or `all`."""
    return _look_up(vocabulary.OPT_OUT_CHANNELS, text)


@lru_cache(maxsize=1024)
def roles(text: str) -> tuple[str, ...]:
    """The roles of a staff cell, in order."""
    found = []
    for part in filter(None, re.split(r"[/、,;|&\s]+", tidy(text).casefold())):
        role = vocabulary.ROLES.get(part)
        if role is None:
            raise CellFault(Reason.ROLE_UNKNOWN)
        found.append(role)
    if not found:
        raise CellFault(Reason.ROLE_UNKNOWN)
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=1024)
def excluded(text: str) -> bool:
    """Whether a car is not to be followed up: internal, test and trade (二网) cars, or a plain yes."""
    word = _BLANK_RUN.sub("", tidy(text)).casefold()
    if any(needle in word for needle in vocabulary.EXCLUDED):
        return True
    if any(needle in word for needle in vocabulary.RETAIL):
        return False
    return bool(flag(text))


def fen(text: str, factor: int = 1) -> int:
    """Money in fen: `¥1,280.00`, `1280元`, `1.2万`; `factor` 10,000 under a heading such as 金额(万元)."""
    value = _number(_MONEY_NOISE.sub("", tidy(text)), factor, Reason.AMOUNT_UNREADABLE) * 100
    amount = int(value.to_integral_value(rounding="ROUND_HALF_UP"))
    if not -MAX_FEN <= amount <= MAX_FEN:
        raise CellFault(Reason.AMOUNT_OUT_OF_RANGE)
    return amount


def kilometres(text: str, factor: int = 1) -> int:
    """A mileage in whole kilometres: `5,768`, `5768km`, `1.2万公里`."""
    value = int(_number(_MILEAGE_NOISE.sub("", tidy(text)), factor, Reason.MILEAGE_UNREADABLE))
    if not 0 <= value <= MAX_KM:
        raise CellFault(Reason.MILEAGE_OUT_OF_RANGE)
    return value


def count(text: str) -> int:
    """A small whole number, such as months: `6`, `6个月`."""
    match = re.fullmatch(r"([0-9]{1,3})(?:\.0+)?(?:个月|月|months?|次)?", tidy(text).casefold())
    if match is None:
        raise CellFault(Reason.NUMBER_UNREADABLE)
    return int(match[1])


def plate_or_none(text: str) -> str | None:
    """A licence plate in its one spelling; None for a cell that truthfully says that the car has none yet."""
    if text.strip() in vocabulary.NO_PLATE:
        return None
    try:
        return normalise_plate(tidy(text))
    except PlateFault as fault:
        raise CellFault(Reason.PLATE_INVALID) from fault


_VIN_REASONS: Final = {"length": Reason.VIN_LENGTH, "characters": Reason.VIN_CHARACTERS, "check_digit": Reason.VIN_CHECK_DIGIT}


def vin(text: str) -> str:
    """A VIN in its one spelling, its check digit right."""
    try:
        return normalise_vin(tidy(text))
    except VinFault as fault:
        raise CellFault(_VIN_REASONS.get(fault.code, Reason.VIN_LENGTH)) from fault


def email(text: str) -> str:
    """An e-mail address in lower case; of several the first."""
    first = re.split(r"[;,、\s]+", tidy(text).casefold().removeprefix("mailto:"))[0]
    if not _EMAIL.fullmatch(first) or ".." in first:
        raise CellFault(Reason.EMAIL_INVALID)
    return first


def wechat(text: str) -> str:
    """A WeChat name, or the phone number that serves as one."""
    clean = _BLANK_RUN.sub("", tidy(text))
    if not _WECHAT.fullmatch(clean):
        raise CellFault(Reason.WECHAT_INVALID)
    return clean


def _look_up(table: Mapping[str, str], text: str) -> str:
    value = table.get(_BLANK_RUN.sub("", tidy(text)).casefold())
    if value is None:
        raise CellFault(Reason.WORD_UNKNOWN)
    return value


def _number(text: str, factor: int, fault: Reason) -> Decimal:
    bare = _THOUSANDS.sub("", text.strip())
    match = _NUMBER.fullmatch(bare)
    try:
        if match:
            return Decimal(match[1]) * (_UNITS[match[2]] if match[2] else factor)
        if re.fullmatch(r"[+-]?[0-9.]+e[+-]?[0-9]{1,2}", bare, re.IGNORECASE):
            return Decimal(bare) * factor
    except InvalidOperation as error:
        raise CellFault(fault) from error
    raise CellFault(fault)
