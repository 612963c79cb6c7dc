"""The log of a build while it grows: its end is kept, and put on record every few seconds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from hub.materials.layers import MOST_LOG

EVERY_S = 2.0
MOST_LIVE = 16 * 1024
"""Characters of it that are on record while it grows; all that is kept, once it has ended."""
# Colours and the like, and all other control characters but line feeds and tabs.
_UNSEEN = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Log:
    """``hear`` in one thread; ``text`` at any time. ``record`` gets the end of it."""

    def __init__(self, record: Callable[[str], None]) -> None:
        self._record = record
        self._kept = b""
        self._recorded = 0.0
        self.heard = False
        """Whether the build has begun."""

    def hear(self, piece: bytes) -> None:
        self.heard = True
        if not piece:
            return
        # Four bytes at most make a character.
        self._kept = (self._kept + piece)[-4 * MOST_LOG :]
        if time.monotonic() - self._recorded >= EVERY_S:
            self._recorded = time.monotonic()
            self._record(self.text[-MOST_LIVE:])

    @property
    def text(self) -> str:
        return clean(self._kept)[-MOST_LOG:]


def clean(raw: bytes) -> str:
    """Harmless to whoever looks at it, and to every database."""
    text = raw.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub("", text)
