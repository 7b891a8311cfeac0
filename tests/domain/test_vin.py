"""Vehicle identification numbers: one spelling, the check digit, faults by name (ISO 3779)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.vin import VinFault, check_digit, normalise_vin

VIN = "1M8GDM9AXKP042788"  # the worked example of the standard's check digit
ALPHABET = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


@pytest.mark.parametrize("typed", [VIN, VIN.lower(), f" {VIN[:8]} {VIN[8:]} ", "".join(chr(ord(c) + 0xFEE0) for c in VIN)])
def test_a_vin_has_one_spelling(typed: str) -> None:
    assert normalise_vin(typed) == VIN


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "empty"),
        (VIN[:-1], "length"),
        (VIN + "1", "length"),
        (VIN[:-1] + "O", "characters"),
        (VIN[:-1] + "I", "characters"),
        ("Q" + VIN[1:], "characters"),
        (VIN[:8] + "1" + VIN[9:], "check_digit"),
        (VIN[:-1] + "9", "check_digit"),
    ],
)
def test_what_is_no_vin_is_refused_and_the_fault_named(typed: str, code: str) -> None:
    with pytest.raises(VinFault) as refused:
        normalise_vin(typed)

    assert refused.value.code == code


@given(st.text(ALPHABET, min_size=17, max_size=17))
def test_any_seventeen_characters_with_their_check_digit_are_a_vin(text: str) -> None:
    vin = text[:8] + check_digit(text) + text[9:]

    assert normalise_vin(vin) == vin
