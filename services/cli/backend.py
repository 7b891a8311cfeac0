"""The servers a command works with: those the settings name, else embedded ones on the data folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy import migrate, roles
from deploy.local.postgres import Postgres
from deploy.local.valkey import Valkey
from services.cli.state import Secrets, keep_secrets
from shared.settings import Settings


@dataclass(frozen=True)
class Backend:
    """Addresses of the servers, the secrets of the folder, and the embedded servers that were started, if any."""

    settings: Settings
    secrets: Secrets
    database_url: str
    redis_url: str
    postgres: Postgres | None = None
    valkey: Valkey | None = None

    def environment(self, service: str, **more: str) -> dict[str, str]:
        """The environment of one service: its own database role, the folder's secrets, and what the operator set."""
        own = {
            "HUIFANG_SECRET_KEY": self.secrets.secret_key,
            "REDIS_URL": self.redis_url,
            "PYTHONUNBUFFERED": "1",
            **more,
        }
        if "data_keys" not in self.settings.model_fields_set:
            own["HUIFANG_DATA_KEYS"] = self.secrets.data_keys
        if service in roles.SERVICES:
            own["DATABASE_URL"] = self.database_url if self.settings.production else roles.role_url(self.database_url, service)
        return {**_outer(), **own}

    def migrate(self) -> None:
        """Bring the database to the newest schema. In production `huifang db upgrade` does it, said by the operator."""
        if not self.settings.production:
            migrate.upgrade(self.database_url, roles.passwords(self.database_url))


@contextmanager
def database(data: Path, settings: Settings) -> Iterator[Backend]:
    """PostgreSQL only, for the duration; embedded unless DATABASE_URL is set. The caller holds the folder."""
    secrets = keep_secrets(data, settings)
    if settings.database_url:
        yield Backend(settings, secrets, settings.database_url, settings.redis_url)
        return
    postgres = Postgres(data / "postgres")
    with ExitStack() as stack:
        stack.callback(postgres.stop)
        postgres.start()
        yield Backend(settings, secrets, postgres.url(), settings.redis_url, postgres)


@contextmanager
def everything(data: Path, settings: Settings) -> Iterator[Backend]:
    """PostgreSQL and Valkey for the duration, each embedded unless its URL is set. The caller holds the folder."""
    with database(data, settings) as backend, ExitStack() as stack:
        if settings.redis_url:
            yield backend
            return
        valkey = Valkey(data / "valkey")
        stack.callback(valkey.stop)
        valkey.start()
        yield Backend(settings, backend.secrets, backend.database_url, valkey.url(), backend.postgres, valkey)


def service_command(service: str) -> list[str]:
    """The command line of a service, with this interpreter."""
    return [sys.executable, "-m", f"services.{service}"]


def _outer() -> Mapping[str, str]:
    """Our own environment without the owner's URL and the roles' passwords: a service gets its own role only."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "DATABASE_URL" and not name.startswith("HUIFANG_DB_PASSWORD_")
    }
