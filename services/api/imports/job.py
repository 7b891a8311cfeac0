"""One import from its stored file to its end, in one transaction: all of it or nothing. A dry run ends in a rollback.

Two connections: one works, the other shows progress, renews the lease and keeps the problems of rows.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice, zip_longest
from pathlib import Path
from typing import IO, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import structlog

from services.api.imports import lease
from services.api.imports.draft import Context, Problem
from services.api.imports.fields import Kind
from services.api.imports.lease import Claim, LeaseLost, Progress, Result
from services.api.imports.merging import Merged, Run, merge
from services.api.imports.planned import plan_merged
from services.api.imports.problems import ProblemLog
from services.api.imports.read import Table, open_table
from services.api.imports.reasons import Reason
from services.api.imports.rows import Rejected, read_row
from services.api.imports.staff_book import StaffBook
from services.api.imports.stage import Stager, create_stage
from services.api.imports.staged import stage_row
from services.api.imports.values import Row
from shared.clock import Clock, start_clock
from shared.crypto import Vault
from shared.db import Connection, connect, set_store_sql
from shared.planning import PlanCounts
from shared.settings import Settings
from shared.stores import bump_store

CHUNK: Final = 4000
MANY: Final = 500  # rows after which the server's statistics of the tables tell nothing true
_FILE = "SELECT id, chunk FROM import_files WHERE store_id = $1 AND import_id = $2 ORDER BY seq"
_STORE = "SELECT timezone, policies->>'area_code' AS area_code FROM stores WHERE id = $1"
# Where a row that fits nobody is at fault: the cell that names the customer, else the one that names the car.
_CUSTOMER_FIELDS: Final = ("customer_code", "customer_name", "vin", "plate")

log = structlog.get_logger("imports")


@dataclass
class Work:
    """What one import works with."""

    claim: Claim
    working: Connection
    showing: Connection
    vault: Vault
    clock: Clock
    progress: Progress
    problems: ProblemLog
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def store_id(self) -> UUID:
        return self.claim.store_id


async def work_off(settings: Settings, store_id: UUID) -> int:
    """Do the store's imports that wait, one after another; how many."""
    vault, done = Vault.of(settings), 0
    async with _connection(settings, "working") as working, _connection(settings, "showing") as showing:
        await working.execute("SET statement_timeout = 0")
        clock = await start_clock(showing, settings.clock)
        while claim := await lease.claim(showing, store_id, settings.lease_seconds):
            problems = ProblemLog(store_id, claim.import_id, vault)
            work = Work(claim, working, showing, vault, clock, Progress(), problems)
            await _run(work, settings.lease_seconds)
            done += 1
    return done


@asynccontextmanager
async def _connection(settings: Settings, name: str) -> AsyncIterator[Connection]:
    connection = await connect(settings.database_url, f"huifang-import-{name}")
    try:
        yield connection
    finally:
        await connection.close()


async def _run(work: Work, lease_seconds: float) -> None:
    """One import to its end, whatever that is; only a lost lease leaves it to somebody else."""
    now = work.clock.now()
    try:
        if work.claim.tries > lease.MOST_TRIES:
            raise RuntimeError("the import ended its process again and again")
        await _guarded(work, now, lease_seconds)
    except LeaseLost:
        log.warning("import_lease_lost", import_id=str(work.claim.import_id))
    except Exception as error:
        failure = lease.failure_of(error)
        if failure["code"] == "import_failed":
            log.exception("import_failed", import_id=str(work.claim.import_id))
        await lease.fail(work.showing, work.claim, failure, work.clock.now())


async def _guarded(work: Work, now: datetime, lease_seconds: float) -> None:
    """Work while the progress is shown; a lost lease stops the work."""
    with tempfile.NamedTemporaryFile(prefix="huifang-import-") as file:
        await _fetch_file(work, file)
        showing = asyncio.create_task(
            lease.keep_showing(work.showing, work.turn, work.claim, work.progress, lease_seconds, work.over)
        )
        working = asyncio.create_task(_import(work, Path(file.name), now))
        await asyncio.wait({showing, working}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done() and not work.over.is_set():
            working.cancel()  # nobody renews the lease any more
        work.over.set()
        await asyncio.gather(showing, working, return_exceptions=True)
    for task in (working, showing):
        if not task.cancelled() and (error := task.exception()):
            raise error


async def _fetch_file(work: Work, file: IO[bytes]) -> None:
    """The uploaded file, opened, in a temporary file that nobody else may read and that goes with this process."""
    async with work.working.transaction():
        await work.working.execute(set_store_sql(work.store_id))
        async for part in work.working.cursor(_FILE, work.store_id, work.claim.import_id, prefetch=4):
            file.write(work.vault.open_bytes(part["chunk"], "import_files", "chunk", work.store_id, part["id"]))
    file.flush()


async def _import(work: Work, path: Path, now: datetime) -> None:
    """The transaction: read, stage, merge, plan, write the end."""
    await work.problems.forget(work.working)
    connection, claim = work.working, work.claim
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(set_store_sql(work.store_id))
        result = await _effect(work, path, now)
        work.over.set()  # the row of the import is written once more, by this transaction alone
        if claim.dry_run:
            await transaction.rollback()
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(set_store_sql(work.store_id))
        async with work.turn:
            await lease.finish(connection, claim, result, work.clock.now())
    except BaseException:
        await transaction.rollback()
        raise
    await transaction.commit()
    if not claim.dry_run and result.created + result.updated >= MANY:
        await _look_at_tables(connection)


async def _look_at_tables(connection: Connection) -> None:
    """The planner learns what the tables hold now. The import is done; that this fails is no fault of it."""
    try:
        await connection.execute("SELECT look_at_imported_tables()")
    except asyncpg.PostgresError as error:
        log.warning("statistics_not_taken", error=type(error).__name__)


async def _effect(work: Work, path: Path, now: datetime) -> Result:
    connection, claim = work.working, work.claim
    store = await connection.fetchrow(_STORE, work.store_id)
    if store is None:
        raise RuntimeError("the store of the import is gone")
    context = Context(store["timezone"], now.astimezone(ZoneInfo(store["timezone"])).date(), store["area_code"])
    book = await StaffBook.load(connection, work.store_id)
    stager = Stager(claim.kind, work.store_id, work.vault, context.zone, book.ids)
    with open_table(path, claim.kind) as table:
        await create_stage(connection, claim.kind)
        async with work.turn:
            await lease.describe(work.showing, claim, table.encoding, table.columns.unknown)
        await _read(work, table, context, stager, book, now)
    run = Run(work.store_id, claim.import_id, claim.kind, now, work.vault)
    merged = await merge(connection, run)
    await _note(work, path, merged)
    if book.changed or claim.kind is Kind.STAFF:
        await bump_store(connection, work.store_id)
    work.progress.state = "planning"
    counts = await plan_merged(connection, run, merged, context.today)
    return _result(work, stager.count, merged, counts, book)


async def _read(work: Work, table: Table, context: Context, stager: Stager, book: StaffBook, now: datetime) -> None:
    """Clean and stage all rows, a chunk at a time."""
    rows = table.rows()
    while chunk := list(islice(rows, CHUNK)):
        accepted = [row for line, cells in chunk if (row := _clean(work.problems, table, context, line, cells))]
        await book.add(work.working, accepted, now)
        for row in accepted:
            stage_row(stager, row)
        await stager.write(work.working)
        async with work.turn:
            await work.problems.write(work.showing)
        _advance(work, len(chunk), table.progress())


def _clean(problems: ProblemLog, table: Table, context: Context, line: int, cells: list[str]) -> Row | None:
    outcome = read_row(table.kind, table.columns, context, line, cells)
    if isinstance(outcome, Rejected):
        problems.reject(outcome.problem, _cells(table, cells))
        return None
    problems.warn(outcome.warnings)
    return outcome.row


def _cells(table: Table, cells: list[str]) -> list[tuple[str, str]]:
    """The cells under their headings; surplus ones under none."""
    return list(zip_longest(table.headings, cells, fillvalue=""))


def _advance(work: Work, rows: int, share: float) -> None:
    progress = work.progress
    progress.rows_read += rows
    progress.rows_total = max(progress.rows_read, round(progress.rows_read / max(share, 0.001)))
    progress.rejected, progress.warnings = work.problems.rejected, work.problems.warned


async def _note(work: Work, path: Path, merged: Merged) -> None:
    """Problems that only the merge could see. The cells of refused rows are read from the file again: they were not kept."""
    reasons = dict(merged.rejected)
    if reasons:
        with open_table(path, work.claim.kind) as table:
            for line, cells in table.rows():
                if line in reasons:
                    work.problems.reject(_fits_nobody(table, line, cells, reasons[line]), _cells(table, cells))
    work.problems.warn([Problem(line, "岗位", roles, Reason.ROLES_KEPT) for line, roles in merged.roles_kept])
    async with work.turn:
        await work.problems.write(work.showing)


def _fits_nobody(table: Table, line: int, cells: list[str], reason: str) -> Problem:
    columns = [column for name in _CUSTOMER_FIELDS for column in table.columns.by_field.get(name, ())]
    said = next((column for column in columns if cells[column.index].strip()), columns[0])
    return Problem(line, said.heading, cells[said.index].strip(), reason)


def _result(work: Work, staged: int, merged: Merged, planned: PlanCounts, book: StaffBook) -> Result:
    problems, counts = work.problems, merged.counts
    refused_unread = problems.rejected - counts.get("rejected", 0)
    return Result(
        rows=staged + refused_unread,
        created=counts.get("created", 0),
        updated=counts.get("updated", 0),
        unchanged=counts.get("unchanged", 0),
        rejected=problems.rejected,
        warnings=problems.warned,
        planned=planned.planned,
        expired=planned.expired,
        skipped_past=planned.skipped_past,
        staff_created=book.created,
    )
