"""The tokens in links: derived from ids, so that none is stored, and looked up by a keyed index.

A survey's or unsubscribe link carries 12 characters (about 71 bits) that only the holder of the secret can make from the id. A
hook's token is random, shown once; development has one that follows from the secret, so that a local gateway sets itself up.
"""

import secrets
from uuid import UUID

from shared.crypto import Vault

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LINK_LENGTH = 12
HOOK_LENGTH = 43

_BASE = len(ALPHABET)
_DIGITS = 43  # of 32 bytes
_DROPPED = _BASE ** (_DIGITS - LINK_LENGTH)


def base62(value: bytes) -> str:
    """32 bytes as 43 letters and digits."""
    number = int.from_bytes(value)
    digits = []
    for _ in range(_DIGITS):
        number, digit = divmod(number, _BASE)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def _link(index: bytes) -> str:
    """The first 12 letters of `base62(index)`, without making the others."""
    number = int.from_bytes(index) // _DROPPED
    digits = []
    for _ in range(LINK_LENGTH):
        number, digit = divmod(number, _BASE)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def survey_token(vault: Vault, survey_id: UUID) -> str:
    """The token of a survey's link."""
    return _link(vault.index("survey", str(survey_id)))


def unsubscribe_token(vault: Vault, message_id: UUID) -> str:
    """The token of the unsubscribe link of one e-mail."""
    return _link(vault.index("unsubscribe", str(message_id)))


def new_hook_token() -> str:
    """A fresh random token for the path of a callback; only its index is kept."""
    return base62(secrets.token_bytes(32))


def development_hook_token(vault: Vault, provider: str = "http") -> str:
    """The callback token that development and `huifang up` use for the SMS provider; it follows from the secret."""
    return base62(vault.index("hook", f"sms|{provider}"))[:32]


def token_index(vault: Vault, token: str) -> bytes:
    """What a public or hook token is looked up by."""
    return vault.index("token", token)
