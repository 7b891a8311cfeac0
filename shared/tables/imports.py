"""Imports: the file (sealed, gone when done), the counts, each row that was refused or warned of."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from shared.crypto import Sealed
from shared.tables.base import INSTANT, JSON, WORDS, SealedBytes, StoreRow, within_store


class ImportJob(StoreRow, table=True):
    """A file on its way in: queued → running → planning → done | failed. Writer: api."""

    __tablename__ = "imports"
    __table_args__ = (Index("ix_imports_created", "store_id", "created_at"),)

    kind: str
    state: str = "queued"
    file_name: str
    file_sha256: bytes
    dry_run: bool = False
    rows_total: int | None = None
    rows_read: int = 0
    created_count: int = 0
    updated_count: int = 0
    unchanged_count: int = 0
    rejected_count: int = 0
    warning_count: int = 0
    planned_count: int = 0
    expired_count: int = 0
    skipped_past_count: int = 0
    encoding: str | None = None
    unknown_columns: list[str] = Field(default_factory=list, sa_type=WORDS)
    staff_created: list[str] = Field(default_factory=list, sa_type=WORDS)
    failure: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    lease_until: datetime | None = Field(default=None, sa_type=INSTANT)
    created_by: UUID | None = None
    created_at: datetime = Field(sa_type=INSTANT)
    finished_at: datetime | None = Field(default=None, sa_type=INSTANT)


class ImportFile(StoreRow, table=True):
    """A part of an uploaded file, sealed; removed when the import ends. Writer: api."""

    __tablename__ = "import_files"
    __table_args__ = (
        within_store("import_id", "imports"),
        Index("ix_import_files_seq", "store_id", "import_id", "seq", unique=True),
    )

    import_id: UUID
    seq: int
    chunk: Sealed = Field(sa_type=SealedBytes)


class ImportProblem(StoreRow, table=True):
    """A row that was refused, or a cell that was left out. Writer: api."""

    __tablename__ = "import_problems"
    __table_args__ = (
        within_store("import_id", "imports"),
        Index("ix_import_problems_line", "store_id", "import_id", "severity", "line"),
    )

    import_id: UUID
    severity: str
    line: int
    column_name: str | None = None
    value: Sealed | None = Field(default=None, sa_type=SealedBytes)
    reason: str
    message: str
    row: Sealed | None = Field(default=None, sa_type=SealedBytes)
