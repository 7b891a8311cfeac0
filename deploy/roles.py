"""The database roles of the services: one each, its password, its address.

A role's password is HUIFANG_DB_PASSWORD_<SERVICE> when that is set. Otherwise it follows from the owner's own, so that every
command, service and test that knows the owner's URL agrees on it and nothing more has to be kept.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from shared.settings import SECRETS_DIR

SERVICES = ("api", "scheduler", "notifier")


def role_name(service: str) -> str:
    return f"huifang_{service}"


def given_passwords(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The passwords the operator chose, by service, from the environment or a container's secrets; only those that are set."""
    environ = os.environ if environ is None else environ
    names = {service: f"HUIFANG_DB_PASSWORD_{service.upper()}" for service in SERVICES}
    found = {service: environ.get(name) or _from_file(SECRETS_DIR / name.lower()) for service, name in names.items()}
    return {service: password for service, password in found.items() if password}


def _from_file(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def passwords(owner_url: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The password of every service's role. Needs an owner's URL with a password unless all are given."""
    given = given_passwords(environ)
    key = unquote(urlsplit(owner_url).password or "").encode()
    return {
        service: given.get(service) or hmac.new(key, role_name(service).encode(), hashlib.sha256).hexdigest()
        for service in SERVICES
    }


def role_url(owner_url: str, service: str, environ: Mapping[str, str] | None = None) -> str:
    """The owner's URL with the service's role and password in place of the owner's."""
    parts = urlsplit(owner_url)
    place = parts.netloc.rpartition("@")[2]
    login = f"{role_name(service)}:{quote(passwords(owner_url, environ)[service], safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{place}"))
