"""Programme packs: YAML files a service manager can read, one programme a file, shipped in deploy/programmes.

Reads YAML with line numbers, so that every fault says where it stands. Uses no YAML feature beyond mappings, lists and
scalars: anchors and aliases are refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import yaml

from shared.domain.programme import Name, PolicyError, Programme, parse

_POLICY_LINE = re.compile(r"^policy:[^\n#]*?(?=\s*(?:#|$))", re.MULTILINE)


class PackError(ValueError):
    """A pack that cannot be loaded. `errors` are texts `line N: message`, in the order of the lines."""

    def __init__(self, errors: list[tuple[int, str]]) -> None:
        self.errors = tuple(f"line {line}: {message}" for line, message in sorted(errors))
        super().__init__("\n".join(self.errors))


@dataclass(frozen=True)
class Pack:
    """A shipped pack: its programme as it stands in the file, its policies (may be empty), its text."""

    key: str
    programme: Programme
    policies: Mapping[str, Name]
    text: str


def load_pack(text: str, policy: str | None = None) -> Programme:
    """The programme of a pack's YAML text, by another of its policies when one is named.

    Raises PackError with every fault and its line.
    """
    reading = _Reading(text)
    data = reading.data
    chosen = data if policy is None else {**data, "policy": policy}
    try:
        programme = parse(chosen)
    except PolicyError as error:
        raise PackError(reading.errors + [(reading.line(path), message) for path, message in error.faults]) from error
    if reading.errors:
        raise PackError(reading.errors)
    return programme


@cache
def shipped_packs() -> tuple[Pack, ...]:
    """The packs of this distribution, by key."""
    texts = (item.read_text(encoding="utf-8") for item in _folder().iterdir() if item.name.endswith(".yaml"))
    packs = ((load_pack(text), text) for text in texts)
    return tuple(
        Pack(programme.key, programme, programme.policies, text)
        for programme, text in sorted(packs, key=lambda pack: pack[0].key)
    )


def pack_text(key: str, policy: str | None = None) -> str:
    """The text of a shipped pack, comments and all, with another policy selected when one is named.

    Raises KeyError for a key or a policy that is not there.
    """
    pack = next((pack for pack in shipped_packs() if pack.key == key), None)
    if pack is None:
        raise KeyError(key)
    if policy is None or policy == pack.programme.policy:
        return pack.text
    if policy not in pack.policies:
        raise KeyError(policy)
    return _POLICY_LINE.sub(f"policy: {policy}", pack.text, count=1)


def _folder() -> Traversable:
    return files("deploy") / "programmes"


class _Reading:
    """One YAML text as plain data, with the line of every field."""

    def __init__(self, text: str) -> None:
        self.errors: list[tuple[int, str]] = []
        self._lines: dict[tuple[str | int, ...], int] = {}
        self._scalars = yaml.SafeLoader("")
        self.data = self._document(text)

    def line(self, path: tuple[str | int, ...]) -> int:
        """The line of a path, or of the nearest thing around it that is there."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _document(self, text: str) -> Mapping[str, object]:
        try:
            self._refuse_aliases(text)
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            raise PackError([(1 if mark is None else mark.line + 1, f"not YAML: {error.problem}")]) from error
        except yaml.YAMLError as error:
            raise PackError([(1, f"not YAML: {error}")]) from error
        if not isinstance(root, yaml.MappingNode):
            raise PackError([(1, "a pack has fields such as key, name, steps")])
        return self._mapping(root, ())

    @staticmethod
    def _refuse_aliases(text: str) -> None:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                mark = event.start_mark
                raise PackError([(1 if mark is None else mark.line + 1, "aliases (*name) are not used in packs")])

    def _value(self, node: yaml.Node, path: tuple[str | int, ...]) -> object:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _item(self, node: yaml.Node, path: tuple[str | int, ...]) -> object:
        self._lines[path] = node.start_mark.line + 1
        return self._value(node, path)

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, object]:
        found: dict[str, object] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in found:
                self.errors.append((line, f"{key} stands here a second time"))
                continue
            self._lines[(*path, key)] = line
            found[key] = self._value(value_node, (*path, key))
        return found

    def _scalar(self, node: yaml.Node) -> object:
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self.errors.append((node.start_mark.line + 1, f"cannot be read: {error}"))
            return None
