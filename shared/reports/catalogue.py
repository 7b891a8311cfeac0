"""Every report by its name, and how one is had: as frozen when its month is closed, else from the facts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from shared.db import Connection
from shared.errors import Invalid, NotFound
from shared.reports import activity, cards, complaints, followup, monthly, opinions, prospects
from shared.reports.content import Json, plain
from shared.reports.figures import frozen
from shared.reports.followup import folded, of_person
from shared.reports.scope import Scope

Maker = Callable[[Connection, Scope], Awaitable[Json]]


class ReportNotFound(NotFound):
    """There is no report of that name."""

    code = "report_not_found"
    zh = "没有这个报表。"


@dataclass(frozen=True)
class Report:
    """A report. `by`: how it can be folded or which of its tables can be asked for. `frozen`: kept when its month closes.

    `own`: may be asked for by staff, who are then shown their own rows. `parameter`: what asks for one card or slip.
    """

    name: str
    zh: str
    en: str
    make: Maker
    by: tuple[str, ...] = ()
    frozen: bool = False
    own: bool = True
    parameter: str | None = None
    form: int | None = None


REPORTS: Mapping[str, Report] = {
    report.name: report
    for report in (
        Report(
            "followup-statistics",
            "回访统计表",
            "Follow-up statistics",
            followup.followup_statistics,
            followup.BY,
            frozen=True,
            form=1,
        ),
        Report(
            "owner-card", "保有客户管理卡与回访记录表", "Owner card and record", cards.owner_card, parameter="customer_id", form=2
        ),
        Report("quality-complaints", "客户报怨产品质量信息登记表", "Quality complaints", complaints.quality_complaints, form=3),
        Report(
            "attitude-complaints", "客户投诉服务态度信息登记表", "Attitude complaints", complaints.attitude_complaints, form=4
        ),
        Report(
            "attitude-slip",
            "客户投诉服务态度信息反馈单",
            "Attitude slip",
            complaints.attitude_slip,
            parameter="complaint_id",
            form=5,
        ),
        Report("form-6", "回访月报表", "Monthly follow-up report", complaints.form_6, frozen=True, own=False, form=6),
        Report("complaint-report", "客户投诉处理报告", "Complaints", complaints.complaint_report, parameter="complaint_id"),
        Report("c-card", "潜在客户管理卡（C表）", "Prospect card (C)", cards.c_card, parameter="customer_id"),
        Report(
            "d-table",
            "潜在客户级别月度管控表（D表）",
            "Prospects by level (D)",
            prospects.d_table,
            ("levels", "movements", "months"),
            frozen=True,
        ),
        Report("seven-day", "销售7天回访纪录", "Seven-day record", followup.seven_day, frozen=True),
        Report(
            "daily-activity", "营业活动访问日报表", "Daily activity", activity.daily_activity, ("sales", "follow_up"), frozen=True
        ),
        Report(
            "satisfaction",
            "客户满意度统计表",
            "Satisfaction",
            opinions.satisfaction,
            ("department", "person", "programme", "advisor"),
            frozen=True,
        ),
        Report("opinions", "客户意见统计表", "Opinions", opinions.opinions, ("type", "department", "person"), frozen=True),
        Report(
            "retention-monthly",
            "客户维系与回访月度报告",
            "Retention and follow-up",
            monthly.retention_monthly,
            frozen=True,
            own=False,
        ),
    )
}
ALWAYS = frozenset({"list", "summary"})  # tables that stay when one of the others is asked for


async def make(conn: Connection, scope: Scope, name: str) -> Json:
    """A report. Raises ReportNotFound; Invalid for a `by` it does not know.

    Of a closed month it is as it was frozen; a person's own rows of it, and one table of it, are taken from that.
    """
    report = REPORTS.get(name)
    if report is None:
        raise ReportNotFound
    if scope.by is not None and scope.by not in report.by:
        raise Invalid(f"可选 / one of: {', '.join(report.by) or '—'}", "query/by")
    content = await _frozen(conn, scope, report) or await _made(conn, scope, report)
    if scope.by is None:
        return content
    return folded(content, scope.by) if name == "followup-statistics" else _one_table(content, scope.by)


async def _made(conn: Connection, scope: Scope, report: Report) -> Json:
    return await report.make(conn, replace(scope, by=None))


async def _frozen(conn: Connection, scope: Scope, report: Report) -> Json | None:
    if not report.frozen or scope.month is None or scope.programme is not None:
        return None
    kept = await frozen(conn, scope, report.name)
    if kept is None:
        return None
    at, content = kept
    content = content | {"frozen_at": plain(at, ZoneInfo(scope.store.timezone))}
    return of_person(content, str(scope.staff_id)) if scope.staff_id is not None else content


def _one_table(content: Json, key: str) -> Json:
    return content | {"by": key, "tables": [each for each in content["tables"] if each["key"] == key or each["key"] in ALWAYS]}
