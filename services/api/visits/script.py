"""The script of a call, rendered with names, car and dates; placeholders nobody filled show as a blank to read over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from jinja2 import Template, TemplateError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from shared.domain.programme import Step
from shared.stores import StoreContext

BLANK = "＿＿"
SALUTATION: Mapping[str, str] = {"male": "先生", "female": "女士"}
ORDER_KIND_WORDS: Mapping[str, str] = {"maintenance": "保养", "repair": "维修", "bodywork": "钣喷", "claim": "索赔"}
PARTS_ONCE = frozenset({"开场", "确认本人", "方便吗", "致谢", "结束"})
PARTS_WRITTEN = frozenset({"开场", "目的", "提问", "致谢"})


class _Blank(Undefined):
    def __str__(self) -> str:
        return BLANK


_NAMED = re.compile(r"\{\{(.*?)\}\}")
_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=_Blank, autoescape=False)


@dataclass(frozen=True)
class Facts:
    """What a script may name."""

    store: StoreContext
    staff_name: str
    customer: Mapping[str, Any]
    vehicle: Mapping[str, Any]
    sale: Mapping[str, Any]
    order: Mapping[str, Any]
    trigger_at: datetime
    appointment: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)


def render_script(steps: Iterable[Step], facts: Facts) -> list[tuple[str, str]]:
    """(part, text) in speaking order. A call of several purposes greets and thanks once."""
    values = _values(facts)
    lines: list[tuple[str, str]] = []
    closing: list[tuple[str, str]] = []
    said: set[str] = set()
    for step in steps:
        for part, text in step.script_lines:
            if part in PARTS_ONCE and part in said:
                continue
            said.add(part)
            target = closing if part in {"致谢", "结束"} else lines
            target.append((part, _render(text, values)))
    return lines + closing


def written(lines: Iterable[tuple[str, str]]) -> str | None:
    """What of a script can be sent as it is, for a customer who prefers WeChat; None when there is nothing to send."""
    return "".join(text for part, text in lines if part in PARTS_WRITTEN) or None


def unfilled(text: str, facts: Facts) -> list[str]:
    """What a text names and nothing is known for, in the order of the alphabet."""
    values = _values(facts)
    return sorted({name.strip() for name in _NAMED.findall(text)} - values.keys())


def _render(text: str, values: Mapping[str, str]) -> str:
    try:
        return _template(text).render(values)
    except TemplateError:
        return text


@lru_cache(maxsize=2048)
def _template(text: str) -> Template:
    return _ENVIRONMENT.from_string(text)


def _values(facts: Facts) -> dict[str, str]:
    customer, vehicle, store = facts.customer, facts.vehicle, facts.store
    known = {
        "store_name": store.name,
        "store_phone": store.phone,
        "store_address": store.address,
        "rescue_phone": store.rescue_phone,
        "staff_name": facts.staff_name,
        "customer_name": customer.get("name"),
        "salutation": SALUTATION.get(customer.get("gender") or "", ""),
        "vehicle_model": vehicle.get("model"),
        "plate": vehicle.get("plate"),
        "mileage_km": vehicle.get("mileage_km"),
        "interval_months": vehicle.get("interval_months"),
        "interval_km": vehicle.get("interval_km"),
        "delivered_on": _day(facts.sale.get("delivered_on")),
        "maintenance_due_on": _day(vehicle.get("next_maintenance_on")),
        "maintenance_due_km": _next_reading(vehicle),
        "order_closed_on": _day(store.calendar.day_of(facts.order.get("closed_at") or facts.trigger_at)),
        "order_items": facts.order.get("items"),
        "order_kind": ORDER_KIND_WORDS.get(facts.order.get("kind") or ""),
        "advisor_name": facts.order.get("advisor"),
        "consultant_name": facts.sale.get("consultant"),
        "appointment_at": _hour(store, facts.appointment.get("starts_at")),
        "appointment_items": "、".join(facts.appointment.get("items") or ()) or None,
        "advisor_phone": store.phone,
        **facts.about,
    }
    return {name: str(value) for name, value in known.items() if value is not None}


def _next_reading(vehicle: Mapping[str, Any]) -> int | None:
    interval = vehicle.get("interval_km")
    return None if interval is None else (vehicle.get("last_maintenance_km") or 0) + interval


def _hour(store: StoreContext, at: datetime | None) -> str | None:
    if at is None:
        return None
    local = store.calendar.local(at)
    return f"{local.month}月{local.day}日{local.hour}点" + (f"{local.minute}分" if local.minute else "")


def _day(day: date | None) -> str | None:
    return None if day is None else f"{day.month}月{day.day}日"
