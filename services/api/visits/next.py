"""What the sentence about the next step needs besides the step: until when the try is meant, and of how many (desk.md §5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.domain.calling import try_until
from shared.progress import ladder_of
from shared.stores import StoreContext

OUTSIDE_THE_COUNT = frozenset({"promised", "read_reply"})


def with_limits(visit: Mapping[str, Any], store: StoreContext) -> dict[str, Any]:
    """The visit with `next.until` and `next.of` where the next step is a counted call; without them where it is not."""
    step = visit["next"]
    if step is None or step["step"] != "call" or step["reason"] in OUTSIDE_THE_COUNT:
        return dict(visit)
    ladder = ladder_of(store, visit["programme"], visit["step"])
    until = try_until(step["at"], ladder.parts, store.calendar)
    return {**visit, "next": {**step, "until": until, "of": ladder.max_calls}}
