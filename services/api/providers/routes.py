"""Providers over HTTP."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from services.api.deps import TheHouse
from services.api.providers.actions import sms_hook
from services.api.routing import router as make_router
from services.api.wire import Out

router = make_router("/stores/{store_id}/providers", "providers")


class SmsProvider(Out):
    """The SMS provider. Receipts and replies are to be posted to these addresses: treat them as secrets."""

    provider: str = Field(examples=["http"])
    sms_hook_url: str = Field(examples=["https://follow.example/v1/hooks/sms/http/4f0Yk1bq"])
    replies_url: str = Field(examples=["https://follow.example/v1/hooks/sms/http/4f0Yk1bq/replies"])


class EmailProvider(Out):
    """The mail server."""

    configured: bool
    sender: str = Field(examples=["Huifang <follow-up@dealer.example>"])


class ProvidersOut(Out):
    """What carries this store's messages."""

    sms: SmsProvider
    email: EmailProvider


@router.get("", operation_id="get_providers")
async def get_providers(store_id: UUID, house: TheHouse) -> ProvidersOut:
    """Names of the providers and the addresses they call back."""
    hook = sms_hook(house.settings, house.vault)
    return ProvidersOut(
        sms=SmsProvider(provider=house.settings.sms_provider, sms_hook_url=hook.receipts, replies_url=hook.replies),
        email=EmailProvider(configured=bool(house.settings.smtp_url), sender=house.settings.smtp_from),
    )
