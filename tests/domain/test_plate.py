"""Licence plates: one spelling, faults by name."""

import pytest

from shared.domain.plate import PlateFault, is_new_energy, normalise_plate


@pytest.mark.parametrize(
    ("typed", "plate"),
    [
        ("川A12345", "川A12345"),
        ("川A·12345", "川A12345"),
        ("川A•12345", "川A12345"),
        (" 川a 12b45 ", "川A12B45"),
        ("川Ａ－１２３４５", "川A12345"),
        ("川A・12345", "川A12345"),
        ("京AD12345", "京AD12345"),
        ("沪A·12345f", "沪A12345F"),
        ("粤BAA1234", "粤BAA1234"),
        ("川A1234学", "川A1234学"),
        ("粤Z1234港", "粤Z1234港"),
        ("川A1234挂", "川A1234挂"),
    ],
)
def test_a_plate_has_one_spelling(typed: str, plate: str) -> None:
    assert normalise_plate(typed) == plate
    assert normalise_plate(plate) == plate


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "empty"),
        (" · ", "empty"),
        ("川A1234", "length"),
        ("川A1234567", "length"),
        ("A123456", "province"),
        ("国A12345", "province"),
        ("川I12345", "province"),
        ("川A1234O", "serial"),
        ("川A1I345", "serial"),
        ("川A123456", "serial"),
        ("川AZ12345", "serial"),
    ],
)
def test_what_is_no_plate_is_refused_and_the_fault_named(typed: str, code: str) -> None:
    with pytest.raises(PlateFault) as refused:
        normalise_plate(typed)

    assert refused.value.code == code


def test_new_energy_plates_have_eight_characters() -> None:
    assert is_new_energy("京AD12345")
    assert not is_new_energy("川A12345")
