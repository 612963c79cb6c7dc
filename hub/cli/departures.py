"""The verbs on what outlasts an account: what is kept about somebody, and who can come back."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from hub.cli.database import by, opened
from hub.cli.inside import ensure_inside
from hub.cli.output import as_json, note, table, verb
from hub.cli.people import Json, Name
from hub.settings import Settings
from spawner.errors import CarrelError, Code
from spawner.names import canonical

if TYPE_CHECKING:
    from hub.store import Store


@verb
def export(name: Name) -> None:
    """Write everything that is kept about somebody as one tar archive to standard output.

    Example: ./carrel user export mia > mia.tar
    """
    if sys.stdout.isatty():
        raise CarrelError(
            Code.BAD_INPUT,
            "An archive is nothing for a terminal.",
            f"Send it to a file: ./carrel user export {name} > {name}.tar",
        )
    settings = ensure_inside()
    with opened(settings) as store:
        asyncio.run(_export(settings, store, canonical(name)))
    note(f"The archive of {canonical(name)} is whole.")


@verb
def restore(name: Name) -> None:
    """Bring a deleted account back while its home is kept; it has no password then.

    Example: ./carrel user restore mia
    """
    settings = ensure_inside()
    from hub import departures

    with opened(settings) as store:
        account = store.decide(departures.restore, name, by())
    note(f"{account.name} ({account.role.value}) is back, with the home as it was.")
    if account.identity is None:
        note(f"It has no password: ./carrel user password {account.name} sets one.")


@verb
def departed(json_: Json = False) -> None:
    """List deleted accounts whose home is still kept.

    Example: ./carrel user departed
    """
    settings = ensure_inside()
    from hub import departures

    with opened(settings) as store:
        listed = store.read(departures.listed)
    keys = ("name", "role", "deleted_at", "deleted_by", "remove_at")
    if json_:
        as_json([{key: getattr(one, key) for key in keys} for one in listed])
        return
    rows = [tuple(getattr(one, key) for key in keys) for one in listed]
    headers = ("NAME", "ROLE", "DELETED", "BY", "HOME REMOVED AFTER")
    table(headers, rows, "No home of a deleted account is kept.")


async def _export(settings: Settings, store: Store, name: str) -> None:
    from hub import export, node_api

    out = sys.stdout.buffer
    async with node_api.of(settings).archive(name) as home:
        out.write(await store.in_thread(store.decide, export.begin, name, by()))
        if home is not None:
            async for piece in home:
                out.write(piece)
        out.write(export.END)
        out.flush()
