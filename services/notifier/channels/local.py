"""Channels without a wire: the outbox of development, and the refusal where nothing is set up."""

from services.notifier.channels.base import Mark, Outgoing, Result, Verdict


class Outbox:
    """Kept in the database only, where the console shows it: it has arrived as soon as it is written."""

    provider = "outbox"
    wire = False
    receipts = False

    async def send(self, message: Outgoing, mark: Mark) -> Result:
        return Result(Verdict.DELIVERED, provider_id=str(message.attempt_id))

    async def close(self) -> None:
        return None


class NotSetUp:
    """No server is configured: refused with a plain reason, so that the ladder goes on instead of waiting for ever."""

    wire = False
    receipts = False

    def __init__(self, provider: str, reason: str) -> None:
        self.provider = provider
        self._reason = reason

    async def send(self, message: Outgoing, mark: Mark) -> Result:
        return Result(Verdict.REFUSED_FINAL, self._reason)

    async def close(self) -> None:
        return None
