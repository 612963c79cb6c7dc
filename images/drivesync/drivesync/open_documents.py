"""Which documents are open in the session, as far as that is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path as Folder

from drivesync import notes
from drivesync.model import Path

NAME = "open"
MOST_BYTES = 256 * 1024
FRESH_S = 20
"""The session writes it every 5 s."""
AHEAD_S = 2
"""As far as a note may be ahead of our clock; one from further ahead would stay fresh for long."""
MY_DRIVE = "MyDrive"


class OpenDocuments:
    """Reads the session's note; ``clock`` is seconds since 1970."""

    def __init__(self, root: Folder, clock: Callable[[], float]) -> None:
        self._root = root
        self._clock = clock

    def paths(self) -> frozenset[Path] | None:
        """Paths below MyDrive; None: not known, so that any document may be open."""
        told = notes.read_json(self._root, NAME, MOST_BYTES)
        if told is None or not _fresh(told.get("at"), self._clock()):
            return None
        return _paths(told.get("paths"))


def _fresh(at: object, now: float) -> bool:
    if isinstance(at, bool) or not isinstance(at, int | float):
        return False
    return -AHEAD_S <= now - at < FRESH_S


def _paths(told: object) -> frozenset[Path] | None:
    """A list with one entry that makes no sense is not believed at all."""
    if not isinstance(told, list):
        return None
    paths = set()
    for one in told:
        if not isinstance(one, str) or "\0" in one:
            return None
        top, *names = one.split("/")
        if any(name in ("", ".", "..") for name in (top, *names)):
            return None
        if top == MY_DRIVE and names:
            paths.add(tuple(names))
    return frozenset(paths)
