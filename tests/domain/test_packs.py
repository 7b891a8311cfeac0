"""The shipped packs and the loading of packs: lines of faults, policies, scripts."""

import pytest

from shared.domain.programme import SCRIPT_PARTS, SYSTEM_ROLE, Programme
from shared.packs import Pack, PackError, load_pack, pack_text, shipped_packs

EVERY_VARIANT = [
    pytest.param(load_pack(pack_text(pack.key, policy)), id=f"{pack.key}-{policy}")
    for pack in shipped_packs()
    for policy in pack.policies or [None]
]
LEAST = """\
key: own
name: {zh: 名, en: name}
tier: service
trigger: sale.delivered
steps:
  - key: call
    name: {zh: 名, en: name}
    role: service_advisor
    purposes: [use]
    window: {earliest: 1, due: 2, deadline: 3}
"""


def errors(text: str, policy: str | None = None) -> tuple[str, ...]:
    with pytest.raises(PackError) as refused:
        load_pack(text, policy)
    return refused.value.errors


def test_the_programmes_of_the_table_ship() -> None:
    assert {pack.key for pack in shipped_packs()} >= {
        "accident",
        "after-maintenance",
        "after-repair",
        "anniversary",
        "birthday",
        "churn-warning",
        "delivery-club",
        "delivery-letter",
        "delivery-sales",
        "delivery-service",
        "first-service",
        "first-survey",
        "handover",
        "holiday",
        "insurance",
        "lead",
        "maintenance",
        "new-customer-offer",
        "new-owner",
        "renewal",
        "warranty",
        "welcome",
        "win-back",
    }


def test_policies_of_two_sources_are_named_variants() -> None:
    policies = {pack.key: list(pack.policies) for pack in shipped_packs() if pack.policies}

    assert (
        policies.items()
        >= {
            "after-repair": ["psfu", "psfu-advisor", "s4", "s4-technician"],
            "anniversary": ["every", "first"],
            "churn-warning": ["interval", "s4"],
            "delivery-sales": ["s0", "s3"],
            "delivery-service": ["s0", "s3"],
            "holiday": ["message", "call"],
            "lead": ["by-days", "abc"],
            "new-owner": ["s2"],
            "win-back": ["interval", "s4"],
        }.items()
    )


def test_the_text_of_another_policy_keeps_the_comments() -> None:
    text = pack_text("after-repair", "s4")

    assert load_pack(text).policy == "s4"
    assert text.replace("policy: s4\n", "policy: psfu\n") == pack_text("after-repair")
    assert load_pack(pack_text("after-repair"), "s4") == load_pack(text)


@pytest.mark.parametrize(("key", "policy"), [("nothing", None), ("after-repair", "s9"), ("welcome", "s0")])
def test_a_pack_or_policy_that_is_not_there_is_a_key_error(key: str, policy: str | None) -> None:
    with pytest.raises(KeyError):
        pack_text(key, policy)


@pytest.mark.parametrize("programme", EVERY_VARIANT)
def test_every_call_has_a_script_in_order_and_questions_with_two_languages(programme: Programme) -> None:
    for step in programme.steps:
        assert step.name_zh != step.name_en
        if step.role == SYSTEM_ROLE or step.task is not None:
            continue
        parts = [part for part, _ in step.script_lines]
        assert parts == sorted(parts, key=SCRIPT_PARTS.index)
        assert {"开场", "确认本人", "方便吗", "目的", "提问", "致谢", "结束"} <= set(parts)
        assert step.questions
        assert all(question.zh != question.en for question in step.questions)


@pytest.mark.parametrize("pack", shipped_packs(), ids=lambda pack: pack.key)
def test_every_pack_names_its_source_in_chinese(pack: Pack) -> None:
    assert "来源：S" in pack.text


def test_a_fault_names_its_line() -> None:
    text = LEAST.replace("service_advisor", "king").replace("deadline: 3", "deadline: 1")

    role, window = errors(text)

    assert role.startswith("line 8: role cannot be 'king'")
    assert window.startswith("line 10: earliest, due and deadline")


def test_what_is_missing_is_told_at_the_line_of_what_lacks_it() -> None:
    assert errors(LEAST.replace("    purposes: [use]\n", "")) == ("line 6: purposes is missing: say what the visit is about",)


def test_a_fault_inside_a_policy_names_its_own_line() -> None:
    text = LEAST + "policy: calm\npolicies:\n  calm:\n    name: {zh: 名, en: name}\n    steps:\n      call:\n        role: king\n"

    assert [error.split(":")[0] for error in errors(text)] == ["line 17"]


def test_an_unknown_policy_is_refused() -> None:
    (error,) = errors(pack_text("after-repair"), "s9")

    assert "policy cannot be 's9'" in error


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("key: [", "line 1: not YAML"),
        ("a: b\n c: d", "line 2: not YAML"),
        ("- one", "line 1: a pack has fields"),
        ("", "line 1: a pack has fields"),
        (LEAST + "key: twice\n", "line 11: key stands here a second time"),
        (LEAST.replace("own", "&own own") + "policy: *own\n", "line 11: aliases"),
        (LEAST + "version: 2026-13-45\n", "line 11: cannot be read"),
        (LEAST + "version: !!python/object:os.system x\n", "line 11: cannot be read"),
        (LEAST + "\x00", "line 1: not YAML"),
    ],
)
def test_text_that_is_no_pack_is_refused_with_its_line(text: str, says: str) -> None:
    assert any(error.startswith(says) for error in errors(text))
