"""ETag from a row's version; a PATCH says by If-Match which version it read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response

from services.api.errors import PreconditionRequired, Stale

_TAG = re.compile(r'\s*(?:W/)?"(\d{1,18})"\s*')


@dataclass(frozen=True)
class Expected:
    """The versions the caller read; None for any (`*`, or no header on a method that does not require one)."""

    versions: frozenset[int] | None

    def check(self, version: int) -> None:
        """Raises Stale when the row has another version by now."""
        if self.versions is not None and version not in self.versions:
            raise Stale


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def tag(response: Response, version: int) -> None:
    """Say the version of what is answered."""
    response.headers["ETag"] = etag(version)


def require(request: Request) -> None:
    """Raises PreconditionRequired without If-Match."""
    if not request.headers.get("if-match", "").strip():
        raise PreconditionRequired


async def expected(request: Request) -> Expected:
    """What If-Match says. A tag that is none of ours matches nothing."""
    text = request.headers.get("if-match", "").strip()
    if text in {"", "*"}:
        return Expected(None)
    found = [_TAG.fullmatch(part) for part in text.split(",")]
    return Expected(frozenset(int(match[1]) for match in found if match))


IfMatch = Annotated[Expected, Depends(expected)]
