"""Problems of rows, kept for the report and the file of rejected rows; what stood in the cells is sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import orjson

from services.api.imports.draft import Problem
from services.api.imports.reasons import say
from shared.crypto import Vault
from shared.db import Connection, set_store_sql
from shared.ids import new_id

MOST_WARNINGS: Final = 20_000
REJECTED, WARNING = "rejected", "warning"

_FORGET = "DELETE FROM import_problems WHERE store_id = $1 AND import_id = $2"
_INSERT = """
    INSERT INTO import_problems (store_id, id, import_id, severity, line, column_name, value, reason, message, row)
    SELECT $1, p.id, $2, p.severity, p.line, p.column_name, p.value, p.reason, p.message, p.row
    FROM unnest($3::uuid[], $4::text[], $5::int[], $6::text[], $7::bytea[], $8::text[], $9::text[], $10::bytea[])
        AS p(id, severity, line, column_name, value, reason, message, row)
"""

Cells = Sequence[tuple[str, str]]


@dataclass
class ProblemLog:
    """Takes problems and writes them chunk by chunk, on a connection of its own: they outlive a dry run."""

    store_id: UUID
    import_id: UUID
    vault: Vault
    rejected: int = 0
    warned: int = 0
    _rows: list[tuple[object, ...]] = field(default_factory=list)

    def reject(self, problem: Problem, cells: Cells) -> None:
        """A row that is refused, with all its cells."""
        self.rejected += 1
        self._keep(REJECTED, problem, cells)

    def warn(self, problems: Sequence[Problem]) -> None:
        """Cells that were left out. All are counted, the first 20,000 are kept."""
        for problem in problems:
            self.warned += 1
            if self.warned <= MOST_WARNINGS:
                self._keep(WARNING, problem, None)

    async def write(self, connection: Connection) -> None:
        """Write what came since the last time."""
        rows, self._rows = self._rows, []
        if not rows:
            return
        async with connection.transaction():
            await connection.execute(set_store_sql(self.store_id))
            await connection.execute(_INSERT, self.store_id, self.import_id, *zip(*rows, strict=True))

    async def forget(self, connection: Connection) -> None:
        """Remove what an earlier try left."""
        async with connection.transaction():
            await connection.execute(set_store_sql(self.store_id))
            await connection.execute(_FORGET, self.store_id, self.import_id)

    def _keep(self, severity: str, problem: Problem, cells: Cells | None) -> None:
        id_ = new_id()
        row = None if cells is None else self._sealed("row", orjson.dumps(cells).decode(), id_)
        value = self._sealed("value", problem.value, id_) if problem.value else None
        self._rows.append((id_, severity, problem.row, problem.column, value, str(problem.reason), say(problem.reason), row))

    def _sealed(self, column: str, text: str, id_: UUID) -> bytes:
        return bytes(self.vault.seal(text, "import_problems", column, self.store_id, id_))
