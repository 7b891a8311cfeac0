"""Vehicle licence plates of mainland China: one spelling for each plate (GA 36)."""

import re
import unicodedata

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_LETTER = "A-HJ-NP-Z"  # I and O read like 1 and 0 and are not issued
_SERIAL = f"[{_LETTER}0-9]"
_SEPARATORS = re.compile(r"[\s·•・‧∙⋅.\-_]+")
_HEAD = re.compile(f"[{_PROVINCES}][{_LETTER}]")
_ORDINARY = re.compile(f"{_SERIAL}{{5}}|{_SERIAL}{{4}}[学警港澳挂领]")
_NEW_ENERGY = re.compile(f"[A-HJK]{_SERIAL}[0-9]{{4}}|[0-9]{{5}}[A-HJK]")
_ORDINARY_LENGTH, _NEW_ENERGY_LENGTH = 7, 8


class PlateFault(ValueError):
    """A plate that cannot be one. `code`: empty, length, province, or serial."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{text!r} is not a plate: {code}")
        self.code = code


def normalise_plate(text: str) -> str:
    """The plate in its one spelling: upper case, half width, without dot or blanks, such as 川A12345 or 川AD12345.

    In: whatever was typed or imported. Takes ordinary plates (7 characters), new-energy plates (8) and the endings
    学警港澳挂领. Raises PlateFault naming what is wrong.
    """
    plate = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
    if not plate:
        raise PlateFault("empty", text)
    if len(plate) not in (_ORDINARY_LENGTH, _NEW_ENERGY_LENGTH):
        raise PlateFault("length", text)
    if not _HEAD.match(plate):
        raise PlateFault("province", text)
    serial = _ORDINARY if len(plate) == _ORDINARY_LENGTH else _NEW_ENERGY
    if not serial.fullmatch(plate[2:]):
        raise PlateFault("serial", text)
    return plate


def is_new_energy(plate: str) -> bool:
    """True for the eight characters of a new-energy plate, given in its one spelling."""
    return len(plate) == _NEW_ENERGY_LENGTH
