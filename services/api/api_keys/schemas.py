"""The wire of API keys."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.api.wire import In, Instant, InstantIn, Line, Out

Scope = Literal["read", "write", "pii:read", "import", "hooks"]


class ApiKeyIn(In):
    """What a key is for and what it may do."""

    name: Line = Field(examples=["DMS"])
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=5, examples=[["read", "write"]])]
    expires_at: InstantIn | None = None


class ApiKeyOut(Out):
    """A key without its secret."""

    id: UUID
    name: str = Field(examples=["DMS"])
    prefix: str = Field(examples=["7Jk2mQ9xZb4T"])
    scopes: list[str] = Field(examples=[["read", "write"]])
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None


class ApiKeyMade(ApiKeyOut):
    """A fresh key; `key` is shown here and never again."""

    key: str = Field(examples=["hf_live_7Jk2mQ9xZb4T_3vQB7B6MrGQZaxCuFg4oh2kP0Jq9yq0eNcnBLb1sXyQ"])
