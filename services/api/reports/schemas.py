"""The wire of reports and of the KPI board."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from services.api.wire import Instant, Out

Unit = Literal["share", "count"]
By = Literal["store", "person", "programme"]
Chosen = Literal["counted", "met", "not_met", "late", "excluded"]
CellKind = Literal["text", "long", "count", "day", "instant", "money", "share", "score", "word", "phone"]
MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"


class LabelOut(Out):
    """A word in both languages."""

    zh: str = Field(examples=["应回访数"])
    en: str = Field(examples=["Due"])


class ReportKind(Out):
    """A report that can be asked for."""

    name: str = Field(examples=["followup-statistics"])
    zh: str = Field(examples=["回访统计表"])
    en: str = Field(examples=["Follow-up statistics"])
    form: int | None = Field(description="The number of the paper form.", examples=[1])
    by: list[str] = Field(description="What `by` may say.", examples=[["person", "programme", "department"]])
    parameter: str | None = Field(description="The parameter that asks for one card or slip.", examples=["customer_id"])
    frozen: bool = Field(description="Kept as it was when its month closes.")


class ReportList(Out):
    """The reports the caller may ask for."""

    items: list[ReportKind]


class ReportColumn(Out):
    """A column: its key in the rows, the paper form's heading, what its cells are."""

    key: str = Field(examples=["due"])
    zh: str = Field(examples=["应回访数"])
    en: str = Field(examples=["Due"])
    kind: CellKind = Field(
        description="`word`: {value, zh, en}; `money`: fen; `share`: of 1, null for n/a; `day`, `instant`: ISO 8601 text.",
        examples=["count"],
    )


class ReportField(ReportColumn):
    """A field of a form with its value."""

    value: Any = Field(examples=[12])


class ReportTable(Out):
    """A table of a report. Rows have more than the columns: ids to open what is behind them, such as `staff_id`, `visit_id`."""

    key: str = Field(examples=["statistics"])
    title: LabelOut
    columns: list[ReportColumn]
    rows: list[dict[str, Any]] = Field(examples=[[{"person": "李敏", "due": 61, "done": 58}]])
    total: dict[str, Any] | None = Field(examples=[{"due": 61, "done": 58}])
    fields: list[ReportField] = Field(default_factory=list, description="Of a slip (form 5).", examples=[[]])


class ReportStore(Out):
    """The store a report is of."""

    id: UUID
    code: str = Field(examples=["S01"])
    name: str = Field(examples=["通达汽车 城东店"])


class ReportOut(Out):
    """A report. `closed`: its month is over and frozen, results that come later count as late in the next."""

    name: str = Field(examples=["followup-statistics"])
    title: LabelOut
    store: ReportStore
    month: str | None = Field(examples=["2026-11"])
    from_: date = Field(alias="from", examples=["2026-11-01"])
    to: date
    by: str | None = Field(examples=[None])
    prepared_by: str = Field(examples=["李敏"])
    prepared_at: Instant
    closed: bool
    frozen_at: Instant | None
    fields: list[ReportField]
    tables: list[ReportTable]
    notes: list[LabelOut]


class FigurePoint(Out):
    """A figure at one time. Without a denominator `value` is null ("n/a") and `reason` says why."""

    value: float | None = Field(examples=[0.824])
    numerator: int = Field(examples=[56])
    denominator: int = Field(examples=[68])
    reason: str | None = Field(description="no_denominator, not_of_this_split, no_record.", examples=[None])


class TrendPoint(FigurePoint):
    """A figure in one month."""

    month: str = Field(examples=["2026-11"])


class FigureOut(FigurePoint):
    """A figure of the board. `late`: rows counted that were done after their deadline; shares, targets and references are of 1."""

    kpi: str = Field(examples=["success_rate"])
    zh: str = Field(examples=["回访成功率"])
    en: str = Field(examples=["Success rate"])
    unit: Unit
    late: int = Field(examples=[2])
    target: float | None = Field(examples=[0.8])
    target_exclusive: bool = Field(description="The target must be exceeded, not only reached.")
    met: bool | None = Field(examples=[True])
    reference: float | None = Field(examples=[None])


class FigureWithHistory(FigureOut):
    """A figure with the month before and twelve months back. `change`: in the figure's own unit."""

    previous: FigurePoint
    change: float | None = Field(examples=[0.021])
    trend: list[TrendPoint]


class FigureGroup(Out):
    """The figures of one person or programme; `key` is `none` for what is nobody's."""

    key: str = Field(examples=["after-maintenance"])
    zh: str = Field(examples=["保养后回访"])
    en: str = Field(examples=["After maintenance"])
    figures: list[FigureOut]


class LateWork(Out):
    """Done since the last month closed on visits that were due before this month; in no figure of either."""

    worked: int
    reached: int
    done: int


class KpiBoard(Out):
    """The board of a month."""

    month: str = Field(examples=["2026-11"])
    closed: bool
    frozen_at: Instant | None
    by: By
    figures: list[FigureWithHistory]
    groups: list[FigureGroup]
    late_work: LateWork


class Fraction(Out):
    """Rows that meet a figure's definition, of rows counted."""

    numerator: int
    denominator: int


class DriverOut(Out):
    """What one person or programme did to a change: through its own rate, through its share of the work; the sum is its contribution."""

    key: str = Field(examples=["after-maintenance"])
    zh: str = Field(examples=["保养后回访"])
    en: str = Field(examples=["After maintenance"])
    before: Fraction
    after: Fraction
    rate: float = Field(examples=[0.012])
    mix: float = Field(examples=[-0.003])
    contribution: float = Field(examples=[0.009])


class KpiDetail(Out):
    """A figure and what drove its change from the month before; the contributions sum to `change`."""

    figure: FigureOut
    month: str = Field(examples=["2026-11"])
    compared_with: str = Field(examples=["2026-10"])
    by: By
    before: float | None = Field(examples=[0.803])
    after: float | None = Field(examples=[0.824])
    change: float | None = Field(examples=[0.021])
    reason: str | None = Field(examples=[None])
    parts: list[DriverOut]


class KpiRow(Out):
    """A row behind a figure: a visit on a day, a customer, a delivery, a complaint, a clock of one (`part`)."""

    kind: Literal["visit", "customer", "sale", "complaint"]
    id: UUID
    part: str = Field(examples=[""])
    day: date
    counted: bool
    met: bool
    late: bool
    reason: str | None = Field(description="Why it is left out.", examples=[None])
    reason_label: LabelOut | None
    visit_id: UUID | None
    customer_id: UUID | None
    customer_name: str | None = Field(examples=["王建国"])
    plate: str | None = Field(examples=["沪A12345"])
    staff_id: UUID | None
    programme: str | None = Field(examples=["after-maintenance"])
    step: str | None = Field(examples=["call"])
    state: str | None = Field(examples=["completed"])
    complaint_number: str | None = Field(examples=[None])


class KpiRows(Out):
    """A page of the rows behind a figure, with the counts of all of them: those counted are the figure's denominator."""

    kpi: str = Field(examples=["success_rate"])
    month: str = Field(examples=["2026-11"])
    numerator: int
    denominator: int
    late: int
    excluded: dict[str, int] = Field(description="How many were left out, by reason.", examples=[{"cancelled": 3}])
    items: list[KpiRow]
    next_cursor: str | None = None
