"""What a store sets for itself, by name: each setting that is known, and what is wrong with one that cannot be.

Every fault of a request is told, each at its own place under the setting's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from services.api.reports.door import KpiReferences, KpiTargets
from services.api.stores import calls, cars, occasions
from services.api.stores.checks import Check, Faulty
from services.api.stores.objects import ComplaintSettings, ContactSettings, HonestSettings, LadderSettings
from services.api.wire import In

OBJECTS: Final[Mapping[str, type[In]]] = {
    "complaints": ComplaintSettings,
    "contact": ContactSettings,
    "kpi_targets": KpiTargets,
    "kpi_references": KpiReferences,
    "ladder": LadderSettings,
    "honest": HonestSettings,
}


def _object(model: type[In]) -> Check:
    return lambda value: model.model_validate(value).model_dump(exclude_none=True)


KNOWN: Final[Mapping[str, Check]] = {
    **{name: _object(model) for name, model in OBJECTS.items()},
    **calls.CHECKS,
    **cars.CHECKS,
    **occasions.CHECKS,
}
"""Every setting by name, with what makes of a value the one that is kept."""


def check_policies(values: dict[str, Any]) -> dict[str, Any]:
    """The values as they are kept; null stays null and means the default. Raises ValidationError with every fault."""
    faults: list[InitErrorDetails] = []
    checked: dict[str, Any] = {}
    for name, value in values.items():
        try:
            checked[name] = value if value is None or name not in KNOWN else KNOWN[name](value)
        except ValueError as fault:
            faults += _details(name, fault)
    if faults:
        raise ValidationError.from_exception_data("policies", faults)
    return checked


def _details(name: str, fault: ValueError) -> Iterator[InitErrorDetails]:
    """One fault or more, with the name of the setting before the place within it."""
    if isinstance(fault, ValidationError):
        for one in fault.errors(include_url=False):
            context = {key: value for key, value in one.get("ctx", {}).items() if isinstance(value, str | int | float)}
            yield _detail((name, *one["loc"]), one["type"], one["msg"], context, one["input"])
    elif isinstance(fault, Faulty):
        for pointer, message in fault.faults:
            yield _detail((name, *pointer.split("/")[1:]), "value_error", message)
    else:
        yield _detail((name,), "value_error", str(fault))


def _detail(
    place: tuple[str | int, ...], kind: str, message: str, context: dict[str, Any] | None = None, value: object = None
) -> InitErrorDetails:
    return {"type": PydanticCustomError(kind, message, context or None), "loc": place, "input": value}
