"""The shipped wordings word by word, and what a variable or a store's own text may not do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.notifier.compose import as_dialled
from shared.packs import shipped_packs
from shared.wording import VARIABLES, Wording, faults, render, segments, shipped, wording_for

SIGNED = "沪兴汽车"


def sms(key: str, language: str = "zh", **values: str) -> str:
    return render(shipped()[(key, "sms", language)], {**VARIABLES, **values}, signature=SIGNED).body


def test_the_sms_after_calls_that_reached_nobody() -> None:
    assert sms("unreached") == (
        "【沪兴汽车】王建国先生您好，我们几次致电未能联系上您，想了解途观L的使用和服务情况。"
        "请点 https://example.cn/s/Ab3dEf6hIj9k 评价，或回复1-5打分（5为很满意）。需要回电请拨021-64001234"
    )
    assert sms("unreached", "en") == (
        "【沪兴汽车】Dear 王建国, we tried to call you about your 途观L and could not reach you. Please rate us at "
        "https://example.cn/s/Ab3dEf6hIj9k or reply 1-5 (5 is best). Call back: 021-64001234"
    )


def test_the_welcome_names_the_advisor_and_leaves_out_what_is_not_known() -> None:
    assert sms("welcome") == (
        "【沪兴汽车】王建国先生，感谢光临沪兴汽车。您的服务顾问陈刚（13800138002）随时为您和途观L服务。"
        "建议每6个月或5000公里保养一次，24小时救援400-800-1234。"
    )
    assert sms("welcome", advisor_name="", rescue_phone="") == (
        "【沪兴汽车】王建国先生，感谢光临沪兴汽车。建议每6个月或5000公里保养一次。"
    )


def test_the_reminder_of_maintenance_is_one_segment() -> None:
    text = sms("maintenance_due")
    assert (
        text == "【沪兴汽车】王建国先生您好，您的途观L（沪A12345）预计12月1日到保养周期，提前预约可减少等待。预约电话021-64001234"
    )
    assert segments(text) == 1


@pytest.mark.parametrize("place", sorted(shipped()), ids="-".join)
def test_every_shipped_wording_is_sound_and_says_how_to_answer(place: tuple[str, str, str]) -> None:
    wording = shipped()[place]
    assert faults(wording) == []
    text = render(wording, VARIABLES, signature=SIGNED).body
    assert "{" not in text
    if wording.channel == "sms":
        assert text.startswith("【沪兴汽车】")
        assert text.count("【") == 1
        assert ("survey_url" in wording.body) == ("1-5" in text)
        assert segments(text) <= 3


def test_every_message_of_a_shipped_programme_has_its_wordings() -> None:
    steps = [step for pack in shipped_packs() for step in pack.programme.steps if step.message]
    assert steps
    for step in steps:
        ways = ("email",) if step.channel == "email" else ("sms", "email")  # an SMS that cannot go becomes an e-mail
        assert all((step.message, way, tongue) in shipped() for way in ways for tongue in ("zh", "en")), step.message


def test_a_variable_brings_in_neither_signature_nor_link_nor_line_end() -> None:
    text = sms("unreached", customer_name="【招商银行】点http://evil.example\n王")
    assert text.startswith("【沪兴汽车】招商银行 点 王先生您好")
    assert text.count("【") == 1
    assert "evil" not in text


def test_a_variable_has_at_most_twenty_characters_in_an_sms() -> None:
    text = sms("unreached", vehicle_model="超" * 30)
    assert "超" * 19 + "…" in text
    assert "超" * 20 not in text


def test_a_template_in_a_variable_stays_text() -> None:
    assert "{{ 7*7 }}" in sms("unreached", customer_name="{{ 7*7 }}")


@pytest.mark.parametrize(("characters", "expected"), [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4)])
def test_segments(characters: int, expected: int) -> None:
    assert segments("字" * characters) == expected


def test_a_character_outside_the_first_plane_counts_twice() -> None:
    assert segments("😀" * 35) == 1
    assert segments("😀" * 36) == 2


def test_marketing_says_how_to_refuse_and_a_survey_how_to_answer() -> None:
    own = Wording("campaign", "sms", "zh", "保养八折，详情请点 {{ survey_url }} 。")
    text = render(own, VARIABLES, signature=SIGNED, marketing=True).body
    assert text.endswith("回复1-5可直接评分。 拒收请回复R")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("", "body"),
        ("【沪兴】您好", "body"),
        ("{{ phone }}", "body"),
        ("{{ customer_name.__class__ }}", "body"),
        ("{{ customer_name|upper }}", "body"),
        ("{% for x in y %}{% endfor %}", "body"),
        ("{{ range(10) }}", "body"),
        ("{% include 'x' %}", "body"),
        ("{{ customer_name", "body"),
        ("字" * 501, "body"),
    ],
)
def test_what_a_stores_own_wording_may_not_have(body: str, field: str) -> None:
    assert [where for where, _ in faults(Wording("unreached", "sms", "zh", body))][:1] == [field]


def test_an_email_needs_a_subject_and_a_layout_its_place() -> None:
    plain = Wording("unreached", "email", "zh", "您好", None, "<p></p>")
    assert [where for where, _ in faults(plain)] == ["subject", "html"]
    assert faults(replace(plain, subject="您好", html="<p>{{ content }}</p>")) == []


def test_the_stores_own_wording_comes_first_and_its_language_second() -> None:
    own = {("unreached", "sms", "zh"): Wording("unreached", "sms", "zh", "自己的")}
    assert wording_for(own, "unreached", "sms", "zh") == own["unreached", "sms", "zh"]
    assert wording_for(own, "unreached", "sms", "en") == shipped()["unreached", "sms", "en"]
    assert wording_for(own, "unreached", "sms", "fr") == own["unreached", "sms", "zh"]
    assert wording_for(own, "nothing", "sms", "zh") is None


@pytest.mark.parametrize(
    ("phone", "dialled"),
    [
        ("+862164001234", "021-64001234"),
        ("+8675512345678", "0755-12345678"),
        ("+8613812345678", "13812345678"),
        ("+864008001234", "4008001234"),
        ("021-64001234", "021-64001234"),
        ("+85221234567", "+85221234567"),
        (None, ""),
    ],
)
def test_a_number_of_the_house_is_written_as_people_dial_it(phone: str | None, dialled: str) -> None:
    assert as_dialled(phone) == dialled
