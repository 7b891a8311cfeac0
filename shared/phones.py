"""Phone numbers as people type them into dealer systems, read into E.164 and shown masked.

Wraps `phonenumbers`; a plain mainland mobile, nine cells out of ten, never reaches it.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberType


class PhoneKind(StrEnum):
    """What a number can be used for: a mobile can be texted, a landline only called."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    OTHER = "other"


class PhoneFault(StrEnum):
    """Why a text is no phone number; the stable code that reports and clients see."""

    EMPTY = "phone_empty"
    PLACEHOLDER = "phone_placeholder"
    TOO_SHORT = "phone_too_short"
    TOO_LONG = "phone_too_long"
    NO_AREA_CODE = "phone_no_area_code"
    PRECISION_LOST = "phone_precision_lost"
    NOT_A_NUMBER = "phone_not_a_number"
    UNKNOWN_RANGE = "phone_unknown_range"


FAULTS: Final[dict[PhoneFault, tuple[str, str]]] = {
    PhoneFault.EMPTY: ("没有电话号码", "no phone number"),
    PhoneFault.PLACEHOLDER: ("占位号码,不是真实号码", "a placeholder, not a real number"),
    PhoneFault.TOO_SHORT: ("号码位数不足", "too few digits"),
    PhoneFault.TOO_LONG: ("号码位数过多", "too many digits"),
    PhoneFault.NO_AREA_CODE: ("固定电话缺少区号", "a landline without its area code"),
    PhoneFault.PRECISION_LOST: (
        "号码被表格软件变成科学计数,尾数已丢失,请把该列设为文本后重新填写",
        "the spreadsheet turned the number into scientific notation and lost its last digits",
    ),
    PhoneFault.NOT_A_NUMBER: ("不是电话号码", "not a phone number"),
    PhoneFault.UNKNOWN_RANGE: ("不存在的号段", "no such number range"),
}


@dataclass(frozen=True, slots=True)
class Phone:
    """One number: E.164, what it is, and the extension of a switchboard if one was given."""

    e164: str
    kind: PhoneKind
    extension: str | None = None


class InvalidPhone(ValueError):
    """The text is not a usable phone number; `fault` is the code, `zh` and `en` say it in words."""

    def __init__(self, text: str, fault: PhoneFault) -> None:
        self.text = text
        self.fault = fault
        self.zh, self.en = FAULTS[fault]
        super().__init__(self.en)


_PLAIN_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_MOBILE = re.compile(r"(?:0{0,2}86|0)?(1[3-9][0-9]{9})")
_MOBILE_WITHIN = re.compile(r"(?<![0-9])(?:(?:\+|00)?86[\s-]?)?(1[3-9][0-9]{9})(?![0-9])")
_SCIENTIFIC = re.compile(r"([0-9])(?:\.([0-9]*))?[eE]\+?([0-9]{1,2})")
_DECIMAL_TAIL = re.compile(r"(?<=[0-9])\.0*$")
_SEPARATORS = re.compile(r"[/\\、;,|\r\n]+|或|和|以及")
_EXTENSION = re.compile(r"(?:[-\s]*(?:转|分机|ext\.?|x)[\s:.-]*|(?<=[0-9]{7})-)([0-9]{1,6})$", re.IGNORECASE)
_GAPS = re.compile(r"[\s().·—–_-]+")
_DASHES = re.compile(r"[‐‑‒–—―−]")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_PLACEHOLDER = re.compile(
    r"[-—_./\\*#?x]*|无|没有|空|暂无|未知|不详|未留|拒留|保密|略|null|none|nil|nan|n/?a|#n/a", re.IGNORECASE
)
# Ranges that are never handed out as they stand, and the top-up line everybody types to get past a required field.
_FAKE_MOBILE = re.compile(r"1[0-9]{2}0{8}|13800138000")
_MAINLAND = "+86"


def parse_phone(text: str, region: str = "CN", area_code: str | None = None) -> Phone:
    """Read one number; raises InvalidPhone with a stable code.

    `area_code` (such as `021`) is the store's own, for landlines written without one.
    """
    if _PLAIN_MOBILE.fullmatch(text):
        return _mobile(text, text)
    tidy = _tidy(text)
    if not tidy:
        raise InvalidPhone(text, PhoneFault.EMPTY)
    if _PLACEHOLDER.fullmatch(tidy):
        raise InvalidPhone(text, PhoneFault.PLACEHOLDER)
    tidy = _expand_scientific(tidy, text)
    digits = _GAPS.sub("", tidy)
    # `+1 415 555 2671` has the digits of a mainland mobile and is not one.
    match = _MOBILE.fullmatch(digits.removeprefix(_MAINLAND) if digits.startswith(_MAINLAND) else digits)
    if match:
        return _mobile(match[1], text)
    return _other(tidy, digits, text, region, area_code)


def parse_phones(text: str, region: str = "CN", area_code: str | None = None) -> tuple[list[Phone], list[InvalidPhone]]:
    """Every number of a cell that may hold several, in order and once each, and the pieces that are none."""
    if _PLAIN_MOBILE.fullmatch(text):
        try:
            return [_mobile(text, text)], []
        except InvalidPhone as fault:
            return [], [fault]
    found: dict[str, Phone] = {}
    faults: list[InvalidPhone] = []
    tidy = _tidy(text)
    for piece in [tidy] if _PLACEHOLDER.fullmatch(tidy) else _SEPARATORS.split(tidy):
        try:
            for phone in _numbers_of(piece.strip(), region, area_code):
                found.setdefault(phone.e164, phone)
        except InvalidPhone as fault:
            if fault.fault is not PhoneFault.EMPTY:
                faults.append(fault)
    return list(found.values()), faults


def mask(e164: str) -> str:
    """`+8613812345678` as `138****5678`, `+862164001234` as `021-****1234`, others as `+852****1234`."""
    if not e164.startswith(_MAINLAND):
        return f"{e164[:4]}****{e164[-4:] if len(e164) > 9 else e164[-2:]}"
    national = e164[len(_MAINLAND) :]
    if len(national) == 11 and national[0] == "1":
        return f"{national[:3]}****{national[-4:]}"
    if national[:3] in {"400", "800"}:
        return f"{national[:3]}****{national[-3:]}"
    area = national[:2] if national[0] in "12" else national[:3]
    return f"0{area}-****{national[-4:] if len(national) > 8 else national[-2:]}"


def _tidy(text: str) -> str:
    tidy = unicodedata.normalize("NFKC", text)
    tidy = _DASHES.sub("-", _INVISIBLE.sub("", tidy)).strip().lstrip("'’‘`").strip(" \t\r\n\"'’“”=")
    return _DECIMAL_TAIL.sub("", tidy)


def _mobile(national: str, text: str) -> Phone:
    if _FAKE_MOBILE.fullmatch(national):
        raise InvalidPhone(text, PhoneFault.PLACEHOLDER)
    return Phone(_MAINLAND + national, PhoneKind.MOBILE)


def _expand_scientific(tidy: str, text: str) -> str:
    """`1.3812345678E+10` holds every digit; `1.38E+10` does not, and guessing would ring a stranger."""
    match = _SCIENTIFIC.fullmatch(tidy)
    if match is None:
        return tidy
    whole, fraction, power = match[1], match[2] or "", int(match[3])
    if len(fraction) != power:
        raise InvalidPhone(text, PhoneFault.PRECISION_LOST)
    return whole + fraction


def _numbers_of(piece: str, region: str, area_code: str | None) -> list[Phone]:
    """The number of a piece, or the mobiles inside it when it says more than a number (`王先生138…`, two side by side)."""
    try:
        return [parse_phone(piece, region, area_code)]
    except InvalidPhone:
        inside = _MOBILE_WITHIN.findall(piece)
        if not inside:
            raise
        return [_mobile(national, piece) for national in inside]


def _other(tidy: str, digits: str, text: str, region: str, area_code: str | None) -> Phone:
    plain = digits.removeprefix("+")
    if plain.isascii() and plain.isdigit():
        _refuse_impossible(plain, text)
    extension = _EXTENSION.search(tidy)
    if extension and tidy[: extension.start()].count("-") <= 2:
        tidy = tidy[: extension.start()]
    local = _GAPS.sub("", tidy)
    if region == "CN" and local.isdigit() and len(local) in (7, 8):
        tidy = _with_area_code(local, text, area_code)
    return _library(tidy, text, region, extension[1] if extension else None)


def _refuse_impossible(digits: str, text: str) -> None:
    if len(digits) > 6 and len(set(digits)) == 1:
        raise InvalidPhone(text, PhoneFault.PLACEHOLDER)
    if set(digits) == {"0"}:
        raise InvalidPhone(text, PhoneFault.PLACEHOLDER)
    if len(digits) < 7:
        raise InvalidPhone(text, PhoneFault.TOO_SHORT)
    # No mainland local number begins with 1: a short one is a mobile that lost digits.
    if re.fullmatch(r"1[3-9][0-9]{5,8}", digits):
        raise InvalidPhone(text, PhoneFault.TOO_SHORT)
    if re.fullmatch(r"1[3-9][0-9]{10,}", digits) or len(digits) > 18:
        raise InvalidPhone(text, PhoneFault.TOO_LONG)


def _with_area_code(local: str, text: str, area_code: str | None) -> str:
    if local[0] in "01":
        raise InvalidPhone(text, PhoneFault.TOO_SHORT)
    if area_code is None:
        raise InvalidPhone(text, PhoneFault.NO_AREA_CODE)
    return f"0{area_code.lstrip('0')}{local}"


def _library(tidy: str, text: str, region: str, extension: str | None) -> Phone:
    # The library reads vanity letters as digits; a name or a word in a phone cell is no number.
    if any(character.isalpha() for character in tidy):
        raise InvalidPhone(text, PhoneFault.NOT_A_NUMBER)
    try:
        number = phonenumbers.parse(tidy, region)
    except phonenumbers.NumberParseException as error:
        raise InvalidPhone(text, PhoneFault.NOT_A_NUMBER) from error
    if not phonenumbers.is_valid_number(number):
        raise InvalidPhone(text, _fault_of(number))
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Phone(e164, _kind_of(number), extension or number.extension)


def _fault_of(number: phonenumbers.PhoneNumber) -> PhoneFault:
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == phonenumbers.ValidationResult.TOO_LONG:
        return PhoneFault.TOO_LONG
    if reason in (phonenumbers.ValidationResult.TOO_SHORT, phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        return PhoneFault.TOO_SHORT
    return PhoneFault.UNKNOWN_RANGE


def _kind_of(number: phonenumbers.PhoneNumber) -> PhoneKind:
    kind = phonenumbers.number_type(number)
    if kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE):
        return PhoneKind.MOBILE
    return PhoneKind.LANDLINE if kind == PhoneNumberType.FIXED_LINE else PhoneKind.OTHER
