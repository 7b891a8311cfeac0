"""满意度统计表 and 客户意见统计表: scores and opinions by department, person, programme, problem type."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.db import Connection
from shared.domain.visit import PROBLEM_LABELS, Label
from shared.reports.content import Json, column, columns, content, field, month_words, note, share, table
from shared.reports.facts import COUNTS, GONE, LAST_TRY, PERIOD, only
from shared.reports.figures import NOBODY, whose
from shared.reports.scope import Scope, fetch
from shared.reports.together import visit_figures
from shared.reports.words import department_of, department_word, programme_word, word

SCORES = (5, 4, 3, 2, 1)
SATISFIED = 4
LONGEST_LIST = 2000
TYPES: Mapping[str, Label] = {str(key): label for key, label in PROBLEM_LABELS.items()}
TIER_DEPARTMENTS = {"sales": "sales", "club": "club", "service": "service"}
PROBLEM_STATES: Mapping[str, tuple[str, str]] = {
    "pending": ("待处理", "Pending"),
    "acted": ("已处理", "Acted on"),
    "told": ("已告知客户", "Told"),
    "resolved": ("已解决", "Resolved"),
    "complaint": ("转为投诉", "Became a complaint"),
    "noted": ("已记录", "Noted"),
}

_WHOSE = "coalesce(t.staff_id, v.assignee_id)"
_SCORES = f"""
    SELECT {_WHOSE} AS staff_id, v.programme, v.tier, w.advisor_id, v.satisfaction AS score, count(*) AS answers
    FROM visits v {LAST_TRY}
    LEFT JOIN work_orders w ON v.trigger_type LIKE 'work\\_order%' AND w.store_id = v.store_id AND w.id = v.trigger_id {GONE}
    WHERE {PERIOD} AND v.satisfaction IS NOT NULL AND coalesce(v.closed_at, v.updated_at) <= :cut AND {COUNTS}{{only}}
    GROUP BY 1, 2, 3, 4, 5
"""
_OPINIONS = f"""
    SELECT o.* FROM (
        SELECT p.id, p.opened_at AS at, p.type, p.department, p.state, p.text, p.visit_id, p.customer_id,
               coalesce(p.created_by, v.assignee_id) AS staff_id, v.programme
        FROM problems p LEFT JOIN visits v ON v.store_id = p.store_id AND v.id = p.visit_id
        WHERE p.store_id = :store AND p.opened_at >= :from_at AND p.opened_at < :to_at AND p.opened_at <= :cut
        UNION ALL
        SELECT v.id, coalesce(v.closed_at, v.updated_at), v.problem_type, v.tier, 'noted', a.note, v.id, v.customer_id,
               coalesce(a.staff_id, v.assignee_id), v.programme
        FROM visits v LEFT JOIN LATERAL (
            SELECT a.note, a.staff_id FROM attempts a WHERE a.store_id = v.store_id AND a.visit_id = v.id AND a.withdrawn_at IS NULL
            ORDER BY (a.problem_type IS NOT NULL) DESC, a.seq DESC LIMIT 1) a ON true {GONE}
        WHERE {PERIOD} AND v.problem_type IS NOT NULL AND coalesce(v.closed_at, v.updated_at) <= :cut AND {COUNTS}
            AND NOT EXISTS (SELECT FROM problems p WHERE p.store_id = v.store_id AND p.visit_id = v.id)
    ) o WHERE true{{only}} ORDER BY o.at, o.id
"""

Key = Callable[[Mapping[str, Any]], Hashable]


async def satisfaction(conn: Connection, scope: Scope) -> Json:
    """Scores of the month: by department, by who asked, by programme, by the advisor whose order it was; customers as the KPI has them."""
    rows = [dict(row) for row in await fetch(conn, scope, _SCORES.format(only=only(scope, _WHOSE)))]
    figure = (await visit_figures(conn, scope, "store")).get("store", {}).get("satisfaction")
    satisfied, answered = (figure.numerator, figure.denominator) if figure else (0, 0)
    month_zh, month_en = month_words(scope)
    return content(
        scope,
        "satisfaction",
        f"{month_zh}客户满意度统计表",
        f"Satisfaction, {month_en}",
        fields=[
            field("customers", "评分客户数", "Customers who answered", answered, "count"),
            field("satisfied", "满意客户数（4–5分）", "Satisfied (4–5)", satisfied, "count"),
            field("share", "客户满意度", "Satisfaction", share(satisfied, answered), "share"),
        ],
        tables=[
            _scores(
                "department",
                "按部门",
                "By department",
                rows,
                lambda row: _department(scope, row),
                lambda key: department_word(str(key)),
            ),
            _scores("person", "按回访人员", "By caller", rows, lambda row: row["staff_id"], lambda key: _person(scope, key)),
            _scores(
                "programme",
                "按方案",
                "By programme",
                rows,
                lambda row: row["programme"],
                lambda key: programme_word(scope.store, str(key)),
            ),
            _scores(
                "advisor",
                "按服务顾问",
                "By service advisor",
                rows,
                lambda row: row["advisor_id"],
                lambda key: _person(scope, key),
            ),
        ],
        notes=[
            note(
                "未评分不计为零分；4–5 分为满意；客户按本月最后一次评分计。",
                "No answer is no zero; 4–5 is satisfied; a customer's last score counts.",
            )
        ],
    )


def _department(scope: Scope, row: Mapping[str, Any]) -> str:
    person = scope.store.staff.get(row["staff_id"])
    return department_of(person.roles) if person else TIER_DEPARTMENTS.get(row["tier"], "none")


def _person(scope: Scope, key: Hashable) -> Json:
    name = whose(scope, str(key) if key else NOBODY)
    return word(str(key) if key else "none", name, name if key else "Nobody")


def _scores(key: str, zh: str, en: str, rows: Sequence[Mapping[str, Any]], of: Key, named: Callable[[Hashable], Json]) -> Json:
    groups: dict[Hashable, dict[int, int]] = defaultdict(dict)
    for row in rows:
        if of(row) is None and key == "advisor":
            continue
        counts = groups[of(row)]
        counts[row["score"]] = counts.get(row["score"], 0) + row["answers"]
    lines = [
        {key: named(who), "staff_id": who if isinstance(who, UUID) else None, **_line(counts)} for who, counts in groups.items()
    ]
    everything: dict[int, int] = {score: sum(counts.get(score, 0) for counts in groups.values()) for score in SCORES}
    heads = [
        column(key, zh.removeprefix("按"), en.removeprefix("By ").capitalize(), "word"),
        *columns(*((f"score_{score}", f"{score}分", f"Score {score}") for score in SCORES)),
        *columns(("answers", "评分数", "Answers"), ("satisfied", "满意数", "Satisfied")),
        *columns(("share", "满意率", "Satisfied share", "share"), ("mean", "平均分", "Mean", "score")),
    ]
    return table(key, zh, en, heads, sorted(lines, key=lambda line: str(line[key]["zh"])), _line(everything))


def _line(counts: Mapping[int, int]) -> Json:
    answers = sum(counts.values())
    satisfied = sum(count for score, count in counts.items() if score >= SATISFIED)
    mean = sum(score * count for score, count in counts.items()) / answers if answers else None
    return {
        **{f"score_{score}": counts.get(score, 0) for score in SCORES},
        "answers": answers,
        "satisfied": satisfied,
        "share": share(satisfied, answers),
        "mean": mean,
    }


async def opinions(conn: Connection, scope: Scope) -> Json:
    """What customers were not content with, by department, person and problem type, and the opinions themselves."""
    rows = [dict(row) for row in await fetch(conn, scope, _OPINIONS.format(only=only(scope, "o.staff_id", "o.programme")))]
    month_zh, month_en = month_words(scope)
    cut = (
        [note(f"意见明细只列前 {LONGEST_LIST} 条。", f"The list shows the first {LONGEST_LIST}.")]
        if len(rows) > LONGEST_LIST
        else []
    )
    return content(
        scope,
        "opinions",
        f"{month_zh}客户意见统计表",
        f"Customers' opinions, {month_en}",
        tables=[
            _by_type(rows),
            _counted(
                "department", "按部门", "By department", rows, _department_of_opinion, lambda key: department_word(str(key))
            ),
            _counted("person", "按人员", "By person", rows, lambda row: row["staff_id"], lambda key: _person(scope, key)),
            table(
                "list",
                "意见明细",
                "Opinions",
                _LIST,
                [_opinion(scope, number, row) for number, row in enumerate(rows[:LONGEST_LIST], 1)],
            ),
        ],
        notes=[
            note(
                "回访中登记的问题按登记日计，其余按回访到期月计。",
                "A problem by the day it was raised, others by the visit's month.",
            ),
            *cut,
        ],
    )


_LIST = columns(
    ("number", "序号", "No."),
    ("at", "时间", "Time", "instant"),
    ("type", "问题类型", "Problem type", "word"),
    ("department", "责任部门", "Department", "word"),
    ("person", "回访人员", "Person", "text"),
    ("programme", "回访方案", "Programme", "word"),
    ("text", "客户意见", "Opinion", "long"),
    ("state", "处理情况", "State", "word"),
)


def _department_of_opinion(row: Mapping[str, Any]) -> str:
    return str(TIER_DEPARTMENTS.get(row["department"], row["department"] or "none"))


def _opinion(scope: Scope, number: int, row: Mapping[str, Any]) -> Json:
    return {
        "number": number,
        "id": row["id"],
        "visit_id": row["visit_id"],
        "customer_id": row["customer_id"],
        "staff_id": row["staff_id"],
        "at": row["at"],
        "type": _type(row["type"]),
        "department": department_word(_department_of_opinion(row)),
        "person": whose(scope, str(row["staff_id"])) if row["staff_id"] else None,
        "programme": programme_word(scope.store, row["programme"]) if row["programme"] else None,
        "text": row["text"],
        "state": word(row["state"], *PROBLEM_STATES.get(row["state"], (row["state"], row["state"]))),
    }


def _type(key: str) -> Json:
    return word(key, *TYPES.get(key, Label(key, key)))


def _by_type(rows: Sequence[Mapping[str, Any]]) -> Json:
    heads = columns(
        ("type", "问题类型", "Problem type", "word"), ("all", "意见数", "Opinions"), ("share", "占比", "Share", "share")
    )
    heads += columns(("resolved", "已解决", "Resolved"), ("pending", "待处理", "Pending"))
    lines = []
    for key in TYPES:
        own = [row for row in rows if row["type"] == key]
        states = [row["state"] for row in own]
        done = sum(state == "resolved" for state in states)
        line = {"type": _type(key), "all": len(own), "share": share(len(own), len(rows)), "resolved": done}
        lines.append({**line, "pending": sum(state in ("pending", "acted", "told") for state in states)})
    total = {"all": len(rows), "share": share(len(rows), len(rows)), "resolved": sum(line["resolved"] for line in lines)}
    return table(
        "type", "按问题类型", "By problem type", heads, lines, {**total, "pending": sum(line["pending"] for line in lines)}
    )


def _counted(key: str, zh: str, en: str, rows: Sequence[Mapping[str, Any]], of: Key, named: Callable[[Hashable], Json]) -> Json:
    groups: dict[Hashable, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[of(row)].append(row)
    heads = [column(key, zh.removeprefix("按"), en.removeprefix("By ").capitalize(), "word")]
    heads += columns(*((kind, label.zh, label.en) for kind, label in TYPES.items()), ("all", "合计", "All"))
    lines = [{key: named(who), "staff_id": who if isinstance(who, UUID) else None, **_types(own)} for who, own in groups.items()]
    return table(key, zh, en, heads, sorted(lines, key=lambda line: str(line[key]["zh"])), _types(rows))


def _types(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {kind: sum(row["type"] == kind for row in rows) for kind in TYPES} | {"all": len(rows)}
