"""The token in the path of a provider's callback: one for the deployment, following from the secret."""

from __future__ import annotations

from dataclasses import dataclass

from shared.clock import machine_now
from shared.crypto import Vault
from shared.db import Pool
from shared.ids import new_id
from shared.settings import Settings
from shared.tokens import development_hook_token, token_index

HTTP = "http"


@dataclass(frozen=True)
class SmsHook:
    """Where an SMS provider posts receipts and replies."""

    receipts: str
    replies: str


def sms_hook(settings: Settings, vault: Vault, provider: str = HTTP) -> SmsHook:
    """The addresses for a provider."""
    path = f"{settings.public_url.rstrip('/')}/v1/hooks/sms/{provider}/{development_hook_token(vault, provider)}"
    return SmsHook(path, f"{path}/replies")


async def ensure_hook_token(pool: Pool, vault: Vault, provider: str = HTTP) -> None:
    """Let the provider's callbacks be known; there already is fine."""
    await pool.execute(
        "INSERT INTO hook_tokens (id, token_index, store_id, kind, provider, created_at) VALUES ($1, $2, NULL, 'sms', $3, $4)"
        " ON CONFLICT (token_index) DO NOTHING",
        new_id(),
        token_index(vault, development_hook_token(vault, provider)),
        provider,
        machine_now(),
    )
