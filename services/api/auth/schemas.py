"""The wire of signing in."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints

from services.api.auth.passwords import LONGEST, SHORTEST
from services.api.wire import In, Instant, Line, Out, storable

Password = Annotated[
    str,
    StringConstraints(strip_whitespace=False),  # right after `str`: anything between undoes it
    BeforeValidator(storable),
    Field(min_length=SHORTEST, max_length=LONGEST, examples=["correct horse battery"]),
]
"""A password being set: 8 to 256 characters, nothing else asked of it; blanks around it are part of it."""

Given = Annotated[
    str,
    StringConstraints(strip_whitespace=False),  # right after `str`: anything between undoes it
    BeforeValidator(storable),
    Field(min_length=1, max_length=LONGEST, examples=["correct horse battery"]),
]
"""A password to be compared."""


class SignIn(In):
    """OAuth2's password form."""

    grant_type: Literal["password"] = "password"
    username: Line = Field(examples=["wang"])
    password: Given
    scope: str = Field("", max_length=200)
    client_id: str | None = Field(None, max_length=200)
    client_secret: str | None = Field(None, max_length=200)


class Refresh(In):
    """A refresh token; each is good once."""

    refresh_token: Line = Field(examples=["3vQB7B6MrGQZaxCuFg4oh2kP0Jq9yq0eNcnBLb1sXyQ"])


class TokensOut(Out):
    """An access token for ten minutes and the refresh token for the next pair."""

    access_token: str = Field(examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.abc"])
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of the type
    expires_in: int = Field(examples=[600], description="Seconds.")
    refresh_token: str = Field(examples=["3vQB7B6MrGQZaxCuFg4oh2kP0Jq9yq0eNcnBLb1sXyQ"])
    refresh_expires_in: int = Field(examples=[1209600], description="Seconds.")


class StaffTokenIn(In):
    """Whom a script speaks for: login, name or id; the store's code or id when there are several."""

    staff: Line = Field(examples=["wang"])
    store: Line | None = Field(None, examples=["S01"])


class StaffTokenOut(Out):
    """An access token of a person."""

    access_token: str = Field(examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.abc"])
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of the type
    expires_in: int = Field(examples=[600])
    staff_id: UUID
    store_id: UUID


class PasswordChange(In):
    """The old password and the new one."""

    old_password: Given
    new_password: Password


class MyStore(Out):
    """A store the caller works in, and as what."""

    store_id: UUID
    code: str = Field(examples=["S01"])
    name: str = Field(examples=["通达汽车 城东店"])
    timezone: str = Field(examples=["Asia/Shanghai"])
    staff_id: UUID | None
    staff_name: str | None = Field(examples=["王芳"])
    roles: list[str] = Field(examples=[["service_advisor"]])


class MeOut(Out):
    """Who calls, where they work, what a key may do, and the service's clock."""

    kind: Literal["staff", "key", "operator"]
    account_id: UUID | None
    login: str | None = Field(examples=["wang"])
    scopes: list[str] = Field(examples=[["read"]])
    stores: list[MyStore]
    now: Instant
