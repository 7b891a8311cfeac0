"""Reading a programme from plain data: all faults at once, each with its path."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.programme import Anchor, PolicyError, Repeat, Window, parse

NAME = {"zh": "名", "en": "name"}
STEP: Mapping[str, object] = {
    "key": "call",
    "name": NAME,
    "role": "service_advisor",
    "purposes": ["use"],
    "window": {"earliest": 1, "due": 2, "deadline": 3},
}
PROGRAMME: Mapping[str, object] = {
    "key": "own",
    "name": NAME,
    "tier": "service",
    "trigger": "sale.delivered",
    "steps": [STEP],
}
SCRIPT = "开场：您好\n确认本人：请问是{{ customer_name }}吗？\n目的：回访\n结束：再见"


def with_step(**fields: object) -> dict[str, object]:
    return {**PROGRAMME, "steps": [{**STEP, **fields}]}


def faults(data: Mapping[str, object]) -> list[tuple[str, str]]:
    """The faults as (dotted path, message)."""
    with pytest.raises(PolicyError) as refused:
        parse(data)
    return [(".".join(map(str, path)), message) for path, message in refused.value.faults]


def test_the_least_programme_has_the_defaults() -> None:
    programme = parse(PROGRAMME)

    (step,) = programme.steps
    assert (programme.scope, programme.policy, programme.version, programme.replaces) == ("vehicle", None, 1, ())
    assert (step.channel, step.on_missed, step.window, step.anchor) == ("phone", "none", Window(1, 2, 3), Anchor())


def test_a_step_keeps_what_its_fields_say() -> None:
    repeat = {"every_days": 3, "first_after_days": 3, "until_day": 90, "while": ["not_plated"], "gap_days": 2}
    data = {
        **PROGRAMME,
        "steps": [STEP, {**STEP, "key": "chase", "after": "call", "repeat": repeat, "script": SCRIPT, "only": "repair"}],
    }

    chase = parse(data).step("chase")

    assert chase.repeat == Repeat(every_days=3, first_after_days=3, until_day=90, while_=("not_plated",), gap_days=2)
    assert (chase.after, chase.only) == (("call",), ("repair",))
    assert chase.script_lines[1] == ("确认本人", "请问是{{ customer_name }}吗？")


def test_a_step_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        parse(PROGRAMME).step("none")


def test_all_faults_are_told_at_once() -> None:
    data: dict[str, Any] = {
        "name": {"zh": "名"},
        "tier": "roof",
        "trigger": "sale.delivered",
        "steps": [{**STEP, "role": "king", "window": {"earliest": 3, "due": 2, "deadline": 1}, "prio": 1}],
    }

    assert [path for path, _ in faults(data)] == [
        "name.en",
        "key",
        "tier",
        "steps.0.prio",
        "steps.0.role",
        "steps.0.window.due",
    ]


@pytest.mark.parametrize(
    ("data", "path", "says"),
    [
        ({**PROGRAMME, "steps": []}, "steps", "missing"),
        ({key: value for key, value in PROGRAMME.items() if key != "steps"}, "steps", "missing"),
        ({**PROGRAMME, "steps": "call"}, "steps", "list"),
        ({**PROGRAMME, "steps": ["call"]}, "steps.0", "fields"),
        ({**PROGRAMME, "trigger": "moon.full"}, "trigger", "cannot be"),
        ({**PROGRAMME, "version": 0}, "version", "at least 1"),
        ({**PROGRAMME, "stop_on": ["tired"]}, "stop_on", "tired"),
        ({**PROGRAMME, "policy": "s9"}, "policy", "none"),
        ({**PROGRAMME, "policy": "s9", "policies": {"s0": {"name": NAME}}}, "policy", "s9"),
        ({**PROGRAMME, "policies": {"s0": {"name": NAME}}}, "policy", "missing"),
        (with_step(window=None), "steps.0.window", "missing"),
        (with_step(window={"earliest": 1, "due": "2", "deadline": 3}), "steps.0.window.due", "whole number"),
        (with_step(window={"earliest": 1, "due": True, "deadline": 3}), "steps.0.window.due", "whole number"),
        (with_step(purposes=[]), "steps.0.purposes", "missing"),
        (with_step(purposes=[1]), "steps.0.purposes", "words"),
        (with_step(channel="pigeon"), "steps.0.channel", "pigeon"),
        (with_step(only=["painting"]), "steps.0.only", "painting"),
        (with_step(on_missed="shout"), "steps.0.on_missed", "shout"),
        (with_step(marketing="maybe"), "steps.0.marketing", "true or false"),
        (with_step(role="system"), "steps.0.message", "system"),
        (with_step(after="thanks"), "steps.0.after", "no step"),
        (with_step(after="call"), "steps.0.after", "after itself"),
        (with_step(anchor={"from": "birth"}), "steps.0.anchor.from", "birth"),
        (with_step(repeat={"from": "anchor"}), "steps.0.repeat.every_days", "how often"),
        (with_step(repeat={"every_days": 3}), "steps.0.after", "after which step"),
        (with_step(repeat={"from": "anchor", "every_days": 3, "while": "rich"}), "steps.0.repeat.while", "rich"),
        (with_step(repeat={"from": "anchor", "every_days": 3, "then_task": "x"}), "steps.0.repeat.then_task", "end"),
        (with_step(script="您好"), "steps.0.script", "部分：文字"),
        (with_step(script="开场：您好"), "steps.0.script", "at least"),
        (with_step(script=SCRIPT.replace("customer_name", "wife_name")), "steps.0.script", "wife_name"),
        (with_step(questions=[{"key": "a", "zh": "问", "en": "q", "type": "choice"}]), "steps.0.questions.0.options", "two"),
        (with_step(questions=[{"key": "a", "zh": "问", "type": "score"}]), "steps.0.questions.0.en", "missing"),
        (with_step(questions=[{"key": "a", "zh": "问", "en": "q", "type": "score"}] * 2), "steps.0.questions.1.key", "once"),
    ],
)
def test_a_fault_is_told_where_it_stands(data: Mapping[str, object], path: str, says: str) -> None:
    assert [told for told, message in faults(data) if says in message] == [path]


def test_two_steps_of_one_key_are_refused() -> None:
    assert [path for path, _ in faults({**PROGRAMME, "steps": [STEP, STEP]})] == ["steps.0.key", "steps.1.key"]


def test_steps_in_a_circle_are_refused() -> None:
    circle = [{**STEP, "key": "a", "after": "b"}, {**STEP, "key": "b", "after": "a"}]

    assert [path for path, _ in faults({**PROGRAMME, "steps": circle})] == ["steps.0.after", "steps.1.after"]


def test_a_policy_lays_its_fields_over_the_steps() -> None:
    policies = {"calm": {"name": NAME}, "strict": {"name": NAME, "steps": {"call": {"role": "technician"}}}}

    chosen = {policy: parse({**PROGRAMME, "policy": policy, "policies": policies}) for policy in policies}

    assert chosen["calm"].steps[0].role == "service_advisor"
    assert chosen["strict"].steps[0].role == "technician"
    assert set(chosen["calm"].policies) == {"calm", "strict"}


def test_a_fault_of_a_policy_not_chosen_is_told_at_its_own_place() -> None:
    policies = {
        "calm": {"name": NAME},
        "strict": {"name": NAME, "steps": {"call": {"role": "king"}, "letter": {"role": "technician"}}},
    }

    assert [path for path, _ in faults({**PROGRAMME, "policy": "calm", "policies": policies})] == [
        "policies.strict.steps.call.role",
        "policies.strict.steps.letter",
    ]


junk: st.SearchStrategy[object] = st.sampled_from(
    [None, True, -1, 0, 7, "", "call", "x", [], ["call"], [None], {}, {"call": {}}, {"key": 1}, [{"key": "call"}]]
)
tops = st.dictionaries(st.sampled_from([*PROGRAMME, "policies", "policy", "replaces"]), junk, max_size=3)
steps = st.dictionaries(st.sampled_from([*STEP, "repeat", "after", "script", "questions"]), junk, max_size=3)


@given(tops, steps)
def test_whatever_the_data_the_answer_is_a_programme_or_its_faults(top: dict[str, object], step: dict[str, object]) -> None:
    try:
        steps_or_faults: tuple[object, ...] = parse({**with_step(**step), **top}).steps
    except PolicyError as error:
        steps_or_faults = error.faults

    assert steps_or_faults
