"""Reads plain data (mappings, lists, scalars) field by field and notes every fault with its path, instead of raising."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

Path = tuple[str | int, ...]
Fault = tuple[Path, str]


@dataclass(frozen=True)
class Node:
    """A mapping under review. `origins` tells where a field stands that was laid over the mapping from elsewhere."""

    data: Mapping[str, object]
    path: Path
    faults: list[Fault]
    origins: Mapping[str, Path] = field(default_factory=dict)

    def path_of(self, key: str) -> Path:
        """Where the field stands (or would stand) in the original data."""
        return self.origins.get(key, (*self.path, key))

    def fault(self, key: str, message: str) -> None:
        """Notes a fault of one field."""
        self.faults.append((self.path_of(key), message))

    def only_fields(self, known: Collection[str]) -> None:
        """Notes every field that nobody reads: a misspelt name must not be passed over in silence."""
        for key in self.data:
            if key not in known:
                self.fault(key, f"unknown field {key!r}; known are {', '.join(sorted(known))}")

    def text(self, key: str) -> str:
        """A text that must be there."""
        found = self.optional_text(key)
        if found is None and self.data.get(key) is None:
            self.fault(key, f"{key} is missing")
        return found or ""

    def optional_text(self, key: str) -> str | None:
        """A text, or None."""
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            self.fault(key, f"{key} must be a text, not {value!r}")
            return None
        return value.strip()

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """One of the allowed words; without a default it must be there."""
        value = self.data.get(key, default)
        if value is None:
            self.fault(key, f"{key} is missing; one of {', '.join(sorted(allowed))}")
        elif not isinstance(value, str) or value not in allowed:
            self.fault(key, f"{key} cannot be {value!r}; one of {', '.join(sorted(allowed))}")
        else:
            return value
        return default or min(allowed)

    def number(self, key: str, *, least: int | None = None, default: int | None = None) -> int:
        """A whole number, not below `least`; without a default it must be there."""
        value = self.data.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool):
            if least is None or value >= least:
                return value
            self.fault(key, f"{key} must be at least {least}, not {value}")
        else:
            self.fault(key, f"{key} is missing" if value is None else f"{key} must be a whole number, not {value!r}")
        return default or least or 0

    def optional_number(self, key: str, *, least: int) -> int | None:
        """A whole number not below `least`, or None."""
        return None if self.data.get(key) is None else self.number(key, least=least)

    def flag(self, key: str) -> bool:
        """Yes or no; no when it is not there."""
        value = self.data.get(key, False)
        if not isinstance(value, bool):
            self.fault(key, f"{key} must be true or false, not {value!r}")
            return False
        return value

    def words(self, key: str, allowed: Collection[str] | None = None) -> tuple[str, ...]:
        """A list of words (one word alone is a list of one), each of the allowed ones."""
        value = self.data.get(key)
        listed = [value] if isinstance(value, str) else ([] if value is None else value)
        if not isinstance(listed, Sequence) or not all(isinstance(word, str) for word in listed):
            self.fault(key, f"{key} must be a list of words, not {value!r}")
            return ()
        for word in listed:
            if allowed is not None and word not in allowed:
                self.fault(key, f"{key} cannot be {word!r}; known are {', '.join(sorted(allowed))}")
        return tuple(listed)

    def child(self, key: str) -> "Node | None":
        """The mapping of a field, or None when there is none."""
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.fault(key, f"{key} must have fields of its own, not {value!r}")
            return None
        return Node(value, self.path_of(key), self.faults)

    def children(self, key: str) -> list["Node"]:
        """The mappings of a list field."""
        value = self.data.get(key)
        if value is None:
            return []
        if isinstance(value, str) or not isinstance(value, Sequence):
            self.fault(key, f"{key} must be a list, not {value!r}")
            return []
        nodes = []
        for index, item in enumerate(value):
            if isinstance(item, Mapping):
                nodes.append(Node(item, (*self.path_of(key), index), self.faults))
            else:
                self.faults.append(((*self.path_of(key), index), f"an item of {key} must have fields, not {item!r}"))
        return nodes
