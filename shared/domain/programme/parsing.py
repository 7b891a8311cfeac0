"""From plain data to a Programme, with every fault of the data named at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

from shared.domain.programme.reading import Fault, Node
from shared.domain.programme.steps import check_steps, parse_name, parse_step
from shared.domain.programme.types import Name, Programme, Scope, Step, Tier, Trigger

TIERS = frozenset({"sales", "club", "service"})
SCOPES = frozenset({"vehicle", "customer"})
TRIGGERS = frozenset(trigger.value for trigger in Trigger)
FINAL_STATES = frozenset({"completed", "incomplete", "unreachable", "invalid", "declined", "cancelled", "missed", "expired"})
_FIELDS = frozenset(
    {"key", "name", "tier", "scope", "trigger", "version", "policy", "policies", "replaces", "stop_on", "enabled", "steps"}
)


class PolicyError(ValueError):
    """A programme that cannot be used. `faults`: (path of keys and indexes, message) in the order they stand."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, path))}: {message}" for path, message in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class _Variant:
    """A named policy: its name, and the fields it lays over the steps, with the place where they stand."""

    name: Name
    overrides: Mapping[str, Node]


def parse(data: Mapping[str, object]) -> Programme:
    """The programme of plain data, with the steps of the policy that the data selects.

    A policy lays its fields over those of the steps, by key of the step. All policies are checked, not only the chosen
    one. Raises PolicyError with every fault.
    """
    faults: list[Fault] = []
    node = Node(data, (), faults)
    node.only_fields(_FIELDS)
    variants = _variants(node)
    policy = _policy(node, variants)
    bare = _bare_programme(node, policy, variants)
    steps_of: dict[str | None, tuple[Step, ...]] = {name: _steps(node, variant) for name, variant in variants.items()}
    if not variants:
        steps_of[None] = _steps(node, None)
    if faults:
        raise PolicyError(list(dict.fromkeys(faults)))
    return replace(bare, steps=steps_of[policy])


def _bare_programme(node: Node, policy: str | None, variants: Mapping[str, _Variant]) -> Programme:
    name = parse_name(node)
    return Programme(
        key=node.text("key"),
        name_zh=name.zh,
        name_en=name.en,
        tier=cast(Tier, node.choice("tier", TIERS)),
        scope=cast(Scope, node.choice("scope", SCOPES, "vehicle")),
        trigger=Trigger(node.choice("trigger", TRIGGERS)),
        policy=policy,
        steps=(),
        replaces=node.words("replaces"),
        stop_on=node.words("stop_on", FINAL_STATES),
        version=node.number("version", least=1, default=1),
        enabled=node.data.get("enabled") is None or node.flag("enabled"),
        policies={key: variant.name for key, variant in variants.items()},
    )


def _policy(node: Node, variants: Mapping[str, _Variant]) -> str | None:
    if variants:
        return node.choice("policy", variants)
    if node.data.get("policy") is not None:
        node.fault("policy", "policy names one of policies, and there are none")
    return None


def _variants(node: Node) -> dict[str, _Variant]:
    found = node.child("policies")
    if found is None:
        return {}
    children = ((str(key), found.child(str(key))) for key in found.data)
    return {key: _variant(child) for key, child in children if child is not None}


def _variant(node: Node) -> _Variant:
    node.only_fields({"name", "steps"})
    steps = node.child("steps")
    children = ((str(key), steps.child(str(key))) for key in steps.data) if steps is not None else ()
    return _Variant(parse_name(node), {key: child for key, child in children if child is not None})


def _steps(node: Node, variant: _Variant | None) -> tuple[Step, ...]:
    overrides = variant.overrides if variant is not None else {}
    nodes = list(_laid_over(node.children("steps"), overrides))
    if not node.data.get("steps"):
        node.fault("steps", "steps is missing: a programme has at least one")
    steps = tuple(parse_step(step) for step in nodes)
    check_steps(nodes, steps)
    known = {step.key for step in steps}
    for key, override in overrides.items():
        if key not in known:
            node.faults.append((override.path, f"{key!r} is no step of this programme"))
    return steps


def _laid_over(steps: list[Node], overrides: Mapping[str, Node]) -> Iterator[Node]:
    for step in steps:
        override = overrides.get(str(step.data.get("key")))
        if override is None:
            yield step
            continue
        origins = {field: override.path_of(field) for field in override.data}
        yield replace(step, data={**step.data, **override.data}, origins=origins)
