"""The demo store, loaded through the API as anybody would load one."""

from __future__ import annotations

from typing import NamedTuple

from services.cli.client import Api


class SignIn(NamedTuple):
    """A person of the demo who can sign in."""

    login: str
    password: str
    name: str
    role: str


def load_demo(api: Api) -> list[SignIn]:
    """Make the demo store. Out: who can sign in, and with what."""
    return []
