"""Opens the database for a verb, in the hub container."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hub.settings import Settings

if TYPE_CHECKING:
    from hub.audit import By
    from hub.store import Store


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The store, with its schema up to date."""
    from hub.store import open_store

    store = open_store(settings)
    try:
        store.migrate()
        yield store
    finally:
        store.close()


def by() -> By:
    """Who acts: the command line, now."""
    from hub import audit

    return audit.By(audit.COMMAND_LINE, datetime.now(UTC))
