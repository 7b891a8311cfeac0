"""Phone numbers as cells hold them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.phones import InvalidPhone, PhoneFault, PhoneKind, mask, parse_phone, parse_phones

MOBILE = "+8613812345678"


@pytest.mark.parametrize(
    "text",
    [
        "13812345678",
        "１３８１２３４５６７８",
        "+86 138-1234-5678",
        "+86-138 1234 5678",
        "8613812345678",
        "008613812345678",
        "013812345678",
        "'13812345678",
        '="13812345678"',
        "13812345678.0",
        "1.3812345678E+10",
        "1.3812345678e10",
        "8.613812345678E+12",
        " 138 1234 5678 ",
        "138‐1234‐5678",
        "\u202a13812345678\u202c",
        "(+86)13812345678",
    ],
)
def test_a_mobile_is_one_number_however_it_is_typed(text: str) -> None:
    phone = parse_phone(text)
    assert (phone.e164, phone.kind) == (MOBILE, PhoneKind.MOBILE)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", PhoneFault.EMPTY),
        ("  ", PhoneFault.EMPTY),
        ("无", PhoneFault.PLACEHOLDER),
        ("-", PhoneFault.PLACEHOLDER),
        ("0", PhoneFault.PLACEHOLDER),
        ("N/A", PhoneFault.PLACEHOLDER),
        ("11111111111", PhoneFault.PLACEHOLDER),
        ("13800000000", PhoneFault.PLACEHOLDER),
        ("13800138000", PhoneFault.PLACEHOLDER),
        ("1380000", PhoneFault.TOO_SHORT),
        ("1381234567", PhoneFault.TOO_SHORT),
        ("10086", PhoneFault.TOO_SHORT),
        ("138123456789", PhoneFault.TOO_LONG),
        ("1.38E+10", PhoneFault.PRECISION_LOST),
        ("1.381234568E+10", PhoneFault.PRECISION_LOST),
        ("8.61381E+12", PhoneFault.PRECISION_LOST),
        ("64001234", PhoneFault.NO_AREA_CODE),
        ("12345678901", PhoneFault.UNKNOWN_RANGE),
        ("王先生", PhoneFault.NOT_A_NUMBER),
        ("1380000OOOO", PhoneFault.NOT_A_NUMBER),
    ],
)
def test_what_is_no_number_says_why_in_two_languages(text: str, fault: PhoneFault) -> None:
    with pytest.raises(InvalidPhone) as caught:
        parse_phone(text)
    assert caught.value.fault is fault
    assert caught.value.zh
    assert caught.value.en


@pytest.mark.parametrize(
    ("text", "e164", "extension"),
    [
        ("021-64001234", "+862164001234", None),
        ("(021)64001234", "+862164001234", None),
        ("021-6400-1234", "+862164001234", None),
        ("0755 86123456", "+8675586123456", None),
        ("021-64001234-801", "+862164001234", "801"),
        ("021-64001234转801", "+862164001234", "801"),
    ],
)
def test_a_landline_stays_a_landline(text: str, e164: str, extension: str | None) -> None:
    phone = parse_phone(text)
    assert (phone.e164, phone.kind, phone.extension) == (e164, PhoneKind.LANDLINE, extension)


def test_a_landline_without_area_code_takes_the_store_s() -> None:
    assert parse_phone("64001234", area_code="021").e164 == "+862164001234"


def test_numbers_from_abroad_are_not_taken_for_mainland_mobiles() -> None:
    assert parse_phone("+1 415 555 2671").e164 == "+14155552671"
    assert parse_phone("+852 9123 4567").e164 == "+85291234567"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("13812345678/021-64001234", ["+8613812345678", "+862164001234"]),
        ("13812345678、13912345678", ["+8613812345678", "+8613912345678"]),
        ("13812345678；13912345678", ["+8613812345678", "+8613912345678"]),
        ("13812345678 13912345678", ["+8613812345678", "+8613912345678"]),
        ("13812345678\n13912345678", ["+8613812345678", "+8613912345678"]),
        ("13812345678(妻)", ["+8613812345678"]),
        ("王先生13812345678", ["+8613812345678"]),
        ("13812345678/13812345678", ["+8613812345678"]),
        ("N/A", []),
    ],
)
def test_a_cell_may_hold_several_numbers(text: str, numbers: list[str]) -> None:
    found, _ = parse_phones(text)
    assert [phone.e164 for phone in found] == numbers


def test_a_good_number_beside_a_bad_one_is_kept_and_the_bad_one_named() -> None:
    found, faults = parse_phones("13812345678/1380000")
    assert [phone.e164 for phone in found] == [MOBILE]
    assert [(fault.text, fault.fault) for fault in faults] == [("1380000", PhoneFault.TOO_SHORT)]


@pytest.mark.parametrize(
    ("e164", "shown"),
    [
        ("+8613812345678", "138****5678"),
        ("+862164001234", "021-****1234"),
        ("+8675586123456", "0755-****3456"),
        ("+864008208888", "400****888"),
        ("+85291234567", "+852****4567"),
    ],
)
def test_a_mask_shows_where_a_number_belongs_and_its_end(e164: str, shown: str) -> None:
    assert mask(e164) == shown


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_every_plain_mobile_comes_through_the_fast_path_as_through_the_slow_one(number: str) -> None:
    try:
        plain = parse_phone(number).e164
    except InvalidPhone as fault:
        plain = fault.fault
    try:
        spaced = parse_phone(f"+86 {number[:3]} {number[3:7]} {number[7:]}").e164
    except InvalidPhone as fault:
        spaced = fault.fault
    assert plain == spaced


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading(text: str) -> None:
    found, faults = parse_phones(text)
    for phone in found:
        assert phone.e164.startswith("+")
        assert "****" in mask(phone.e164)
    assert all(fault.zh for fault in faults)
