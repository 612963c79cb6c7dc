"""Tells the sync of Drive which of its documents are open here: ``drive/.carrel/open``.

What is open is never written over; a list that is not there, or older than twenty seconds, means
that anything may be. So nothing is written at the end, and trouble here costs copies, not edits.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_server.utils import ensure_async

from carrel_session import drive_notes
from carrel_session.browser_requests import Request, event_of
from carrel_session.open_documents import OpenDocuments

EVERY_S = 5.0
TOGETHER_S = 0.1
"""Changes that come within it are written as one."""
MOST_BYTES = 200 * 1024
"""Of paths: the reader takes 256 KiB of a file."""


class OpenList:
    """Watches one server. ``drive`` is the folder that holds ``MyDrive``; it may not be there."""

    def __init__(self, server: Any, home: Path) -> None:
        self._server = server
        self._home = home
        self._documents = OpenDocuments()
        self._changed = asyncio.Event()
        self._complained = False

    async def run(self) -> None:
        """Until it is cancelled. Raises nothing."""
        self._listen()
        while True:
            try:
                await self._write()
                self._complained = False
            except Exception:
                self._complain("which documents are open could not be told to Drive's sync")
            try:
                await asyncio.wait_for(self._changed.wait(), EVERY_S)
            except TimeoutError:
                continue
            await asyncio.sleep(TOGETHER_S)
            self._changed.clear()

    def _listen(self) -> None:
        """Tornado calls this function when a request has been answered."""
        settings = self._server.web_app.settings
        former: Callable[[Any], None] = settings["log_function"]
        base = settings["base_url"]

        def both(handler: Any) -> None:
            former(handler)
            try:
                self._take(base, handler)
            except Exception:
                self._complain("a request was not understood")

        settings["log_function"] = both

    def _take(self, base: str, handler: Any) -> None:
        asked = handler.request
        if not asked.path.startswith(base):
            return
        path, status = asked.path.removeprefix(base), handler.get_status()
        event = event_of(Request(asked.method, path, asked.query, asked.body or b"", status))
        if event is not None and self._documents.take(event, datetime.now(UTC)):
            self._changed.set()

    async def _write(self) -> None:
        sessions = await ensure_async(self._server.session_manager.list_sessions())
        running = [str(session.get("path") or "") for session in sessions]
        paths = self._documents.open(running, datetime.now(UTC))
        await asyncio.to_thread(write, self._home, paths)

    def _complain(self, what: str) -> None:
        """Once in a row: a full disk would fill the log too."""
        if not self._complained:
            self._server.log.warning("carrel: %s", what, exc_info=True)
            self._complained = True


def write(home: Path, paths: Iterable[str]) -> None:
    """Where there is a Drive. ``paths`` are below ``home``, the most important first."""
    drive = home / "drive"
    if not (drive / ".carrel").is_dir():
        return
    drive_notes.write(
        drive / ".carrel/open", {"at": time.time(), "paths": below_drive(home, paths)}
    )


def below_drive(home: Path, paths: Iterable[str]) -> list[str]:
    """Those of files in ``MyDrive``, also by a link that leads there, as paths below ``drive``."""
    above = os.path.realpath(home / "drive")
    found: dict[str, None] = {}
    size = 0
    for path in paths:
        real = os.path.realpath(home / path.lstrip("/").removeprefix("RTC:"))
        place = real.removeprefix(above + "/")
        if not (real.startswith(above + "/MyDrive/") and place not in found):
            continue
        size += len(json.dumps(place)) + 2
        if size > MOST_BYTES:
            break
        if not Path(real).is_dir():
            found[place] = None
    return list(found)
