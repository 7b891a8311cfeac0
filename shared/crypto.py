"""Personal data at rest: AES-256-GCM in the column, found again by keyed blind indexes.

A sealed value is `version | len(key id) | key id | 12-byte nonce | ciphertext`, bound by its associated data to table, column,
store and row: moved to another row it does not open. A blind index is HMAC-SHA256 of purpose and value under a key of its own,
one for each value in a deployment, so that opt-outs and caps reach over all stores.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import HuifangError
from shared.settings import Settings

_VERSION = b"\x01"
_NONCE = 12


class Unreadable(HuifangError):
    """The sealed value does not open: wrong key, wrong row, or altered."""

    code = "unreadable"


class Sealed(bytes):
    """Ciphertext. Its repr shows nothing; a column of personal data takes nothing else."""

    def __repr__(self) -> str:
        return "<sealed>"

    __str__ = __repr__


def _aad(table: str, column: str, store_id: UUID, row_id: UUID) -> bytes:
    return f"{table}|{column}|{store_id}|{row_id}".encode()


class Vault:
    """Seals, opens and indexes. One for each process, made from the settings."""

    def __init__(self, keys: Mapping[str, bytes], secret: str) -> None:
        self._ciphers = {name.encode(): AESGCM(key) for name, key in keys.items()}
        self._current = next(iter(self._ciphers))
        self._prefix = _VERSION + bytes([len(self._current)]) + self._current
        self._index_key = HKDF(SHA256(), 32, b"huifang", b"blind-index").derive(secret.encode())

    @classmethod
    def of(cls, settings: Settings) -> Vault:
        return cls(settings.data_keys, settings.secret_key)

    def seal(self, value: str, table: str, column: str, store_id: UUID, row_id: UUID) -> Sealed:
        """The value, readable only as this column of this row."""
        return self.seal_bytes(value.encode(), table, column, store_id, row_id)

    def seal_bytes(self, value: bytes, table: str, column: str, store_id: UUID, row_id: UUID) -> Sealed:
        """Bytes, such as a part of an uploaded file, sealed alike."""
        nonce = os.urandom(_NONCE)
        body = self._ciphers[self._current].encrypt(nonce, value, _aad(table, column, store_id, row_id))
        return Sealed(self._prefix + nonce + body)

    def open(self, sealed: bytes, table: str, column: str, store_id: UUID, row_id: UUID) -> str:
        """What was sealed. Raises Unreadable."""
        return self.open_bytes(sealed, table, column, store_id, row_id).decode()

    def open_bytes(self, sealed: bytes, table: str, column: str, store_id: UUID, row_id: UUID) -> bytes:
        """What `seal_bytes` sealed. Raises Unreadable."""
        length = sealed[1] if len(sealed) > 1 else 0
        name, rest = sealed[2 : 2 + length], sealed[2 + length :]
        cipher = self._ciphers.get(bytes(name))
        if sealed[:1] != _VERSION or cipher is None or len(rest) < _NONCE:
            raise Unreadable
        try:
            return cipher.decrypt(bytes(rest[:_NONCE]), bytes(rest[_NONCE:]), _aad(table, column, store_id, row_id))
        except InvalidTag:
            raise Unreadable from None

    def index(self, purpose: str, value: str) -> bytes:
        """The blind index of a value: 32 bytes, equal for equal purpose and value, in all stores.

        Purposes: `phone` (E.164), `email` (lower case), `wechat`, `last4` (four digits), `token` (public and hook tokens).
        """
        return hmac.digest(self._index_key, f"{purpose}|{value}".encode(), sha256)
