"""How our processes run: on uvloop where there is one, which saves a service that moves many rows a fifth of its work; and with a
garbage collector that does not go through the whole program again and again for what a request leaves behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

YOUNG: Final = 20_000  # objects between two looks at the youngest; most of what a request makes is gone by itself before


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run until done, as `asyncio.run`."""
    try:
        import uvloop
    except ImportError:  # not on Windows
        return asyncio.run(main)
    return uvloop.run(main)


def settle_memory() -> None:
    """To be called once everything is imported: what stands now stays, and is looked at no more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
