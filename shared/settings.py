"""Settings from the environment, `.env` and, in containers, files under /run/secrets.

Read once by each process's `__main__` and passed on; nothing reads the environment at import.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AliasChoices, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.errors import SettingsInvalid

DEVELOPMENT_SECRET = "development-only-secret-do-not-use-in-production"  # noqa: S105 - refused in production below
DEVELOPMENT_DATA_KEYS = "dev:" + base64.b64encode(b"huifang-development-data-key-32b").decode()
SECRETS_DIR = Path("/run/secrets")
MINIMUM_SECRET_BYTES = 32
SCHEMES = {
    "database_url": ("postgresql", "postgres", "postgresql+asyncpg"),
    "redis_url": ("redis", "rediss", "unix"),
    "sms_url": ("http", "https"),
    "public_url": ("http", "https"),
    "api_url": ("http", "https"),
}


def _well_known(name: str) -> AliasChoices:
    return AliasChoices(name.lower(), name, f"HUIFANG_{name}")


class Settings(BaseSettings):
    """Everything an operator can set; the names in the environment are those of docs/settings.md."""

    model_config = SettingsConfigDict(
        env_prefix="HUIFANG_",
        env_file=".env",
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    database_url: str = Field(default="", validation_alias=_well_known("DATABASE_URL"))
    redis_url: str = Field(default="", validation_alias=_well_known("REDIS_URL"))
    env: Literal["development", "production"] = "development"
    secret_key: str = DEVELOPMENT_SECRET
    data_keys: Annotated[dict[str, bytes], NoDecode] = Field(
        default_factory=lambda: {"dev": base64.b64decode(DEVELOPMENT_DATA_KEYS[4:])}
    )
    timezone: str = "Asia/Shanghai"
    clock: str = ""
    sms_provider: Literal["outbox", "http"] = "outbox"
    sms_url: str = ""
    sms_token: str = ""
    smtp_url: str = ""
    smtp_from: str = "Huifang <huifang@localhost.localdomain>"
    public_url: str = "http://127.0.0.1:8000"
    api_host: str = "127.0.0.1"
    api_port: int = 8000
    api_url: str = "http://127.0.0.1:8000"
    console_host: str = "127.0.0.1"
    console_port: int = 8080
    mail_dir: str = ""
    lease_seconds: float = Field(default=60.0, gt=0)
    sweep_seconds: float = Field(default=5.0, gt=0)
    log_level: str = "INFO"

    @field_validator("data_keys", mode="before")
    @classmethod
    def read_keys(cls, value: object) -> object:
        """`id:base64[,id:base64]`, 32 bytes each; the first is the one that seals, the others still open."""
        if not isinstance(value, str):
            return value
        keys: dict[str, bytes] = {}
        for part in filter(None, (p.strip() for p in value.split(","))):
            name, _, encoded = part.partition(":")
            try:
                keys[name] = base64.b64decode(encoded, validate=True)
            except binascii.Error as fault:
                raise ValueError("HUIFANG_DATA_KEYS wants id:base64, separated by commas") from fault
            if not name or len(keys[name]) != 32:
                raise ValueError("each of HUIFANG_DATA_KEYS has an id and 32 bytes")
        if not keys:
            raise ValueError("HUIFANG_DATA_KEYS holds no key")
        return keys

    @field_validator(*SCHEMES)
    @classmethod
    def known_scheme(cls, value: str, info: ValidationInfo) -> str:
        schemes = SCHEMES[info.field_name or ""]
        scheme, separator, rest = value.partition("://")
        if value and not (scheme in schemes and separator and rest):
            raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    @field_validator("timezone")
    @classmethod
    def known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as fault:
            raise ValueError(f"HUIFANG_TIMEZONE: no such zone: {value}") from fault
        return value

    @model_validator(mode="after")
    def fit_for_production(self) -> Self:
        """Production starts only with secrets of its own, and with the real clock."""
        if self.env != "production":
            return self
        if self.secret_key == DEVELOPMENT_SECRET or len(self.secret_key.encode()) < MINIMUM_SECRET_BYTES:
            raise ValueError(f"HUIFANG_SECRET_KEY: production wants {MINIMUM_SECRET_BYTES} bytes or more of its own")
        if "dev" in self.data_keys:
            raise ValueError("HUIFANG_DATA_KEYS: production wants keys of its own")
        if self.clock:
            raise ValueError("HUIFANG_CLOCK: only in development")
        return self

    @property
    def production(self) -> bool:
        return self.env == "production"


def load_settings(*required: str) -> Settings:
    """The settings of this process.

    `required` are field names that must not be empty. Raises `SettingsInvalid`, one line that names the setting.
    """
    try:
        secrets = {"_secrets_dir": str(SECRETS_DIR)} if SECRETS_DIR.is_dir() else {}
        settings = Settings(**secrets)  # type: ignore[arg-type]  # pydantic-settings takes _secrets_dir by keyword
    except ValidationError as fault:
        first = fault.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        text = first["msg"].removeprefix("Value error, ")
        raise SettingsInvalid(text if "HUIFANG_" in text else f"{_env_name(place)}: {text}") from None
    for name in required:
        if not getattr(settings, name):
            raise SettingsInvalid(f"{_env_name(name)} is not set")
    return settings


def _env_name(field: str) -> str:
    upper = field.upper().removeprefix("HUIFANG_")
    return upper if upper in {"DATABASE_URL", "REDIS_URL"} else f"HUIFANG_{upper}"
