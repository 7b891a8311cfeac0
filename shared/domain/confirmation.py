"""Which results a manager confirms: those that look like an end of the relation, and a random share of the rest (S1; decisions.md)."""

from __future__ import annotations

from hashlib import sha256
from typing import Literal
from uuid import UUID

from shared.domain.visit import State

Reason = Literal["declined", "invalid", "low_score", "sample"]

LOW_SCORE = 2
SAMPLE_PERCENT = 5
_OF = 10_000
SAMPLED = frozenset({State.COMPLETED, State.INCOMPLETE})
"""Results somebody vouches for: only these are sampled."""


def to_confirm(visit_id: UUID, state: State, satisfaction: int | None, percent: int = SAMPLE_PERCENT) -> Reason | None:
    """Why a manager looks at a result; None when nobody needs to. The sample follows from the id: asked again, it is the same.

    Unconfirmed results count all the same.
    """
    if state is State.DECLINED:
        return "declined"
    if state is State.INVALID:
        return "invalid"
    if satisfaction is not None and satisfaction <= LOW_SCORE:
        return "low_score"
    return "sample" if state in SAMPLED and sample_of(visit_id) < percent * _OF // 100 else None


def sample_of(visit_id: UUID) -> int:
    """A number from 0 to 9,999 that only the id decides, spread evenly. In SQL:
    `('x' || left(encode(sha256(id::text::bytea), 'hex'), 7))::bit(28)::int % 10000`.
    """
    return int(sha256(str(visit_id).encode()).hexdigest()[:7], 16) % _OF
