"""What a store sets for itself, by name: each setting that is known, and what is wrong with one that cannot be.

Every fault of a request is told, each at its own place under the setting's name.
"""

from __future__ import annotations

import re
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

_AREA_CODE = re.compile(r"0[0-9]{2,3}")


def _object(model: type[In]) -> Check:
    return lambda value: model.model_validate(value).model_dump(exclude_none=True)


def _area_code(value: Any) -> Any:
    if not isinstance(value, str) or not _AREA_CODE.fullmatch(value):
        raise ValueError("an area code such as 021")
    return value


def _unknown(value: Any) -> Any:
    raise ValueError(f"没有此设置 / no such setting; known are {', '.join(sorted(KNOWN))} (docs/settings.md)")


KNOWN: Final[Mapping[str, Check]] = {
    **{name: _object(model) for name, model in OBJECTS.items()},
    **calls.CHECKS,
    **cars.CHECKS,
    **occasions.CHECKS,
    "area_code": _area_code,
}
"""Every setting by name, with what makes of a value the one that is kept."""


def check_policies(values: dict[str, Any]) -> dict[str, Any]:
    """The values as they are kept. Raises ValidationError with every fault, a name that nobody reads among them.

    Null stays null and means the default; it also takes away what was kept under a name that is not known any more.
    """
    faults: list[InitErrorDetails] = []
    checked: dict[str, Any] = {}
    for name, value in values.items():
        try:
            checked[name] = None if value is None else KNOWN.get(name, _unknown)(value)
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
