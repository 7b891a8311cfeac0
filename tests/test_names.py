"""Initials of names."""

import pytest

from shared.names import initials


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("王建国", "wjg"),
        ("单晓明", "sxm"),
        ("尉迟恭", "ycg"),
        ("欧阳娜娜", "oynn"),
        ("Tom Li", "tomli"),
        ("上海Ａ公司", "shags"),
        (" 张·三 ", "zs"),
        ("吕绿", "ll"),
        ("", ""),
    ],
)
def test_a_name_is_found_by_its_first_letters(name: str, expected: str) -> None:
    assert initials(name) == expected
