"""What a store sets for the figures of its board: targets in percent, references to compare with."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from services.api.wire import In

Percent = Annotated[float, Field(ge=0, le=100, examples=[95])]


class KpiTargets(In):
    """The percent each figure is to reach; what is left out has the sources' target."""

    success_rate: Percent | None = None
    coverage: Percent | None = None
    new_owner_7_day: Percent | None = None
    phone_share: Percent | None = None
    satisfaction: Percent | None = None
    complaint_resolution: Percent | None = None
    retention: Percent | None = None
    repurchase: Percent | None = None
    on_time: Percent | None = None


class KpiReferences(In):
    """Values to compare with, which are no targets: complaints a month, percent of visits by phone."""

    complaint_count: Annotated[float, Field(ge=0, le=1_000_000, examples=[5])] | None = None
    phone_share: Percent | None = None
