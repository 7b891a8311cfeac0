"""Taking a file in: kept sealed, in parts, until its import ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, Protocol
from uuid import UUID

from services.api.identities import Me
from services.api.imports.faults import EmptyFile
from services.api.imports.fields import Kind
from shared.crypto import Vault
from shared.db import Connection
from shared.errors import Forbidden
from shared.ids import new_id

PART: Final = 1 << 20
LONGEST_NAME: Final = 200

_INSERT = """
    INSERT INTO imports (store_id, id, kind, state, file_name, file_sha256, dry_run, rows_read, created_count, updated_count,
                         unchanged_count, rejected_count, warning_count, planned_count, expired_count, skipped_past_count,
                         unknown_columns, staff_created, created_by, created_at)
    VALUES ($1, $2, $3, 'queued', $4, $5, $6, 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}', '{}', $7, $8)
"""
_INSERT_PART = "INSERT INTO import_files (store_id, id, import_id, seq, chunk) VALUES ($1, $2, $3, $4, $5)"


class ReadableFile(Protocol):
    """An uploaded file."""

    async def read(self, size: int = -1) -> bytes: ...
    async def seek(self, offset: int) -> None: ...


@dataclass(frozen=True)
class Upload:
    """A file that came in: what its rows are, its name, the digest of its content."""

    kind: Kind
    dry_run: bool
    file_name: str
    digest: bytes


async def digest_of(file: ReadableFile) -> bytes:
    """SHA-256 of the content; the file is at its beginning afterwards. Raises EmptyFile."""
    digest, size = sha256(), 0
    while part := await file.read(PART):
        digest.update(part)
        size += len(part)
    if not size:
        raise EmptyFile
    await file.seek(0)
    return digest.digest()


async def queue_import(
    connection: Connection, vault: Vault, me: Me, upload: Upload, file: ReadableFile, *, now: datetime
) -> UUID:
    """Keep the file and queue its import. Only an admin imports staff: a list of people is a list of rights. Raises Forbidden."""
    if upload.kind is Kind.STAFF and not me.is_admin:
        raise Forbidden
    id_ = new_id()
    name = upload.file_name[-LONGEST_NAME:]
    values = (me.store_id, id_, upload.kind.value, name, upload.digest, upload.dry_run, me.staff_id, now)
    await connection.execute(_INSERT, *values)
    seq = 0
    while part := await file.read(PART):
        part_id = new_id()
        sealed = vault.seal_bytes(part, "import_files", "chunk", me.store_id, part_id)
        await connection.execute(_INSERT_PART, me.store_id, part_id, id_, seq, bytes(sealed))
        seq += 1
    return id_
