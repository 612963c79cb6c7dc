"""Work that runs to its end, whatever becomes of the request that began it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_running: set[asyncio.Task[Any]] = set()  # the event loop itself holds tasks only weakly


def keep(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Starts ``work``; cancelling whoever waits for the task through a shield leaves it alone."""
    task = asyncio.create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task
