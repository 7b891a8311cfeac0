"""A store's own script is refused with the line and the reason (domain.md §5.2)."""

from __future__ import annotations

import pytest

from shared.domain.programme import SCRIPT_PARTS, parse_questions
from shared.domain.script import script_faults, script_lines

GOOD = """开场：您好，我是{{ store_name }}的{{staff_name}}。
确认本人：请问是{{ customer_name }}{{ salutation }}吗？
目的：想了解您的{{ vehicle_model }}的情况。
结束：再见！"""


def test_a_script_of_the_needed_parts_can_be_used() -> None:
    assert script_faults(GOOD) == []
    assert script_lines(GOOD)[0] == ("开场", "您好，我是{{ store_name }}的{{staff_name}}。")


def test_every_part_may_stand_in_speaking_order() -> None:
    assert script_faults("\n\n".join(f"{part}：好。" for part in SCRIPT_PARTS)) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("目的: 半角冒号。", "full-width colon"),
        ("目的：", "full-width colon"),
        ("推销：买一个吧。", "unknown part"),
        ("目的：您的{{ card_number }}。", "unknown variable"),
        ("目的：{% if plate %}有牌{% endif %}", "only {{ variable }}"),
        ("目的：您的{{ plate }。", "only {{ variable }}"),
        ("目的：{# 注释 #}好。", "only {{ variable }}"),
        ("目的：" + "好" * 501, "longer than 500"),
        ("开场：又来一次。", "stands twice"),
    ],
)
def test_a_fault_names_its_line_and_why(line: str, reason: str) -> None:
    faults = script_faults(GOOD.replace("目的：想了解您的{{ vehicle_model }}的情况。", line))

    assert any(number == 3 and reason in fault for number, fault in faults), faults


def test_a_part_out_of_order_and_a_missing_one_are_named() -> None:
    faults = script_faults("开场：您好。\n结束：再见。\n目的：问一下。")

    assert (3, "“目的”应在“结束”之前 / out of the speaking order") in faults
    assert any("确认本人" in fault for _, fault in faults)


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ({"key": "a", "zh": "一", "en": "a", "type": "stars"}, ("questions", 0, "type")),
        ({"key": "a", "zh": "一", "en": "a", "type": "choice"}, ("questions", 0, "options")),
        ({"key": "a", "zh": "", "en": "a", "type": "text"}, ("questions", 0, "zh")),
        ({"key": "a", "zh": "一", "en": "a", "type": "text", "must": True}, ("questions", 0, "must")),
    ],
)
def test_a_question_with_a_fault_names_its_field(question: dict[str, object], path: tuple[str | int, ...]) -> None:
    _, faults = parse_questions([question])

    assert path in {at for at, _ in faults}
