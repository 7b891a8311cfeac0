"""Vehicle identification numbers (ISO 3779, GB 16735): one spelling, checked by the ninth character."""

import re
import unicodedata

_LENGTH = 17
_CHECK_AT = 8
_ALPHABET = re.compile(r"[A-HJ-NPR-Z0-9]+")
_BLANKS = re.compile(r"[\s\-]+")
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES = {
    **{str(digit): digit for digit in range(10)},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}


class VinFault(ValueError):
    """A VIN that cannot be one. `code`: empty, length, characters, or check_digit."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{text!r} is not a VIN: {code}")
        self.code = code


def normalise_vin(text: str) -> str:
    """The VIN in its one spelling: 17 characters, upper case, half width, no blanks.

    Letters I, O and Q do not occur; the ninth character is the check digit. Raises VinFault naming what is wrong.
    """
    vin = _BLANKS.sub("", unicodedata.normalize("NFKC", text)).upper()
    if not vin:
        raise VinFault("empty", text)
    if len(vin) != _LENGTH:
        raise VinFault("length", text)
    if not _ALPHABET.fullmatch(vin):
        raise VinFault("characters", text)
    if vin[_CHECK_AT] != check_digit(vin):
        raise VinFault("check_digit", text)
    return vin


def check_digit(vin: str) -> str:
    """The check character (0–9 or X) that the other 16 characters of a well-formed VIN ask for."""
    remainder = sum(_VALUES[character] * weight for character, weight in zip(vin, _WEIGHTS, strict=True)) % 11
    return "X" if remainder == 10 else str(remainder)
