"""The steps of a merge, by kind of file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from asyncpg import Record

from services.api.imports.fields import Kind
from services.api.imports.merging import cars, facts, fold, others, people, points
from services.api.imports.merging.run import Run
from shared.db import Connection

_TOUCHED = "SELECT DISTINCT target_id, outcome FROM stage WHERE outcome IN ('created', 'updated') AND is_last"
BEFORE_OWNER = ("prospect", "lead", "lost_deal")


@dataclass(frozen=True)
class Merged:
    """What came of the staged rows.

    `counts` by outcome; `rejected`: line and reason of rows that fit nobody; `roles_kept`: line and roles of staff whose roles only an
    admin changes; `created` and `updated`: ids of sales or work orders to plan.
    """

    counts: Mapping[str, int]
    rejected: Sequence[tuple[int, str]] = ()
    roles_kept: Sequence[tuple[int, str]] = ()
    created: Sequence[UUID] = field(default_factory=tuple)
    updated: Sequence[UUID] = field(default_factory=tuple)


async def merge(connection: Connection, run: Run) -> Merged:
    """Merge what is staged, in the transaction of `connection`."""
    repeated = await fold.fold(connection, run.kind)
    roles_kept: list[tuple[int, str]] = []
    match run.kind:
        case Kind.CUSTOMERS:
            await _customers(connection, run)
        case Kind.LEADS:
            await _leads(connection, run)
        case Kind.STAFF:
            roles_kept = await others.merge_staff(connection, run)
        case Kind.OPT_OUTS:
            await others.merge_opt_outs(connection, run)
        case _:
            await _with_cars(connection, run)
    touched = await connection.fetch(_TOUCHED)  # before the outcomes are spread: then the last row of several may say "unchanged"
    if repeated:
        await fold.spread_outcomes(connection)
    return await _read(connection, touched, roles_kept)


async def _customers(connection: Connection, run: Run) -> None:
    await _people(connection, run)
    await people.outcomes_of_people(connection)
    await people.open_tasks(connection, run)


async def _leads(connection: Connection, run: Run) -> None:
    await _people(connection, run)
    await people.assign_people(connection)
    await facts.merge_leads(connection, run)
    await people.open_tasks(connection, run)
    await people.raise_lifecycle(connection, run, "lead", "prospect")


async def _with_cars(connection: Connection, run: Run) -> None:
    if run.kind is not Kind.SALES:
        await cars.find_cars_of_anybody(connection, run)
    await _people(connection, run)
    await people.assign_people(connection)
    await cars.settle_cars(connection, run)
    match run.kind:
        case Kind.SALES:
            await facts.merge_sales(connection, run)
        case Kind.WORK_ORDERS:
            await facts.merge_orders(connection, run)
        case _:
            await facts.merge_policies(connection, run)
    await people.raise_lifecycle(connection, run, "owner", *BEFORE_OWNER)


async def _people(connection: Connection, run: Run) -> None:
    await people.find_people(connection, run)
    await people.make_people(connection, run)
    await points.write_points(connection, run)
    await points.write_consents(connection, run)


async def _read(connection: Connection, touched: Sequence[Record], roles_kept: Sequence[tuple[int, str]]) -> Merged:
    counts = await connection.fetch("SELECT outcome, count(*) AS rows FROM stage GROUP BY outcome")
    rejected = await connection.fetch("SELECT line, reason FROM stage WHERE outcome = 'rejected' ORDER BY line")
    return Merged(
        counts={row["outcome"]: row["rows"] for row in counts},
        rejected=[(row["line"], row["reason"]) for row in rejected],
        roles_kept=roles_kept,
        created=[row["target_id"] for row in touched if row["outcome"] == "created" and row["target_id"]],
        updated=[row["target_id"] for row in touched if row["outcome"] == "updated" and row["target_id"]],
    )
