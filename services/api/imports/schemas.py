"""The wire of imports."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from services.api.imports.fields import Kind
from services.api.wire import Instant, Out

State = Literal["queued", "running", "planning", "done", "failed"]


class RowProblem(Out):
    """A row that was refused, or a cell that was left out. Of a failed import: why, at the line of the headings or 0."""

    row: int = Field(examples=[17], description="The line of the file; of a workbook the row.")
    column: str | None = Field(examples=["手机"])
    value: str | None = Field(examples=["1.38E+10"])
    code: str = Field(examples=["phone_precision_lost"])
    reason: str = Field(examples=["号码被表格软件变成科学计数,尾数已丢失,请把该列设为文本后重新填写"])


class ImportOut(Out):
    """A file on its way in. When done: rows = created + updated + unchanged + rejected."""

    id: UUID
    store_id: UUID
    kind: Kind
    state: State
    file_name: str = Field(examples=["客户档案.csv"])
    dry_run: bool = Field(description="Nothing was kept but the report.")
    progress: float = Field(ge=0, le=1, examples=[0.42])
    rows: int = Field(examples=[608], description="Rows read so far.")
    created: int = Field(examples=[600])
    updated: int = Field(examples=[0])
    unchanged: int = Field(examples=[8])
    rejected: int = Field(examples=[0])
    warnings: int = Field(examples=[13], description="Cells that were left out; the row was kept.")
    planned: int = Field(examples=[120], description="Visits that wait for their day.")
    expired: int = Field(examples=[31], description="Visits whose window had closed already.")
    skipped_past: int = Field(examples=[812], description="Visits of history that were not written down.")
    staff_created: list[str] = Field(examples=[["刘洋", "陈杰"]], description="People who were not known; without a sign-in.")
    encoding: str | None = Field(examples=["gb18030"])
    unknown_columns: list[str] = Field(examples=[["备注2"]], description="Headings that nobody knows.")
    errors: list[RowProblem] = Field(description="The first refused rows; all of them are in the rejected file.")
    warned: list[RowProblem] = Field(description="The first warnings.")
    rejected_file: str | None = Field(
        examples=["/v1/stores/01939a5e-7c7e-7000-8000-000000000001/imports/01939a5e-7c7e-7000-8000-000000000002/rejected"]
    )
    created_by: UUID | None
    created_at: Instant
    finished_at: Instant | None
