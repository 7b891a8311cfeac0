"""Channels: the ways out. A channel takes one message to one address and says what became of it, in four words.

Owns the wire formats and the judgement of answers. Never touches the database, never retries, never decides whether to send.
The rule for judging: before the mark nothing has left, so it is `refused_retry`; after it only a provider's own clear word is a
refusal, and everything else (time-out, reset, 5xx, an answer nobody can read) is `unknown`. Never by the class of an exception.
"""

from services.notifier.channels.base import Channel, Mark, Outgoing, Result, Stopped, Verdict

__all__ = ["Channel", "Mark", "Outgoing", "Result", "Stopped", "Verdict"]
