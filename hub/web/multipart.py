"""Reads a form with a file in it piece by piece, as it comes in (pure).

Tornado's own reader wants the whole form in memory. This one holds back at most a delimiter's
length, whatever comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from enum import Enum
from urllib.parse import unquote

from spawner.errors import CarrelError, Code

MOST_HEAD = 8 * 1024
"""Bytes of the lines above one field."""
MOST_PREAMBLE = 1024
MOST_PARTS = 20
_BOUNDARY = re.compile(r"[ -~]{1,70}")
_QUOTED = {"%22": '"', "%0D": "\r", "%0A": "\n"}
"""What browsers write otherwise in a file's name, and nothing else."""


@dataclass(frozen=True)
class Part:
    """A field begins; ``file`` is the sender's name of a file, None for a plain field."""

    name: str
    file: str | None = None


class _At(Enum):
    PREAMBLE = "preamble"
    AFTER = "after a delimiter"
    HEAD = "head"
    BODY = "body"
    END = "end"


class Multipart:
    """``feed`` gives what is in the next bytes: a Part, then its contents."""

    def __init__(self, content_type: str) -> None:
        """Raises CarrelError(BAD_INPUT) for what is no such form."""
        said = Message()
        said["content-type"] = content_type.replace("\r", " ").replace("\n", " ")
        boundary = said.get_param("boundary", "")
        if said.get_content_type() != "multipart/form-data" or not (
            isinstance(boundary, str) and _BOUNDARY.fullmatch(boundary)
        ):
            raise _unreadable()
        self._delimiter = b"\r\n--" + boundary.encode()
        self._held = bytearray(b"\r\n")
        self._at = _At.PREAMBLE
        self._parts = 0

    @property
    def ended(self) -> bool:
        """Whether all of it was there."""
        return self._at is _At.END

    def feed(self, data: bytes) -> Iterator[Part | bytes]:
        """Raises CarrelError(BAD_INPUT)."""
        self._held += data
        while True:
            before = self._at, len(self._held)
            match self._at:
                case _At.PREAMBLE:
                    self._preamble()
                case _At.AFTER:
                    self._after()
                case _At.HEAD:
                    yield from self._head()
                case _At.BODY:
                    yield from self._body()
                case _At.END:
                    self._held.clear()
            if (self._at, len(self._held)) == before or not self._held:
                return

    def _preamble(self) -> None:
        at = self._held.find(self._delimiter)
        if at >= 0:
            del self._held[: at + len(self._delimiter)]
            self._at = _At.AFTER
        elif len(self._held) > MOST_PREAMBLE:
            raise _unreadable()

    def _after(self) -> None:
        if len(self._held) < 2:
            return
        following = bytes(self._held[:2])
        if following not in (b"--", b"\r\n"):
            raise _unreadable()
        # The line's end stays: a head's end is found by it even where the head is empty.
        self._at = _At.END if following == b"--" else _At.HEAD

    def _head(self) -> Iterator[Part]:
        at = self._held.find(b"\r\n\r\n")
        if at > MOST_HEAD or (at < 0 and len(self._held) > MOST_HEAD):
            raise _unreadable()
        if at < 0:
            return
        head = bytes(self._held[:at])
        del self._held[: at + 4]
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise _unreadable()
        self._at = _At.BODY
        yield _part(head.decode("utf-8", "replace"))

    def _body(self) -> Iterator[bytes]:
        at = self._held.find(self._delimiter)
        known = at if at >= 0 else len(self._held) - len(self._delimiter) + 1
        if known > 0:
            piece = bytes(self._held[:known])
            del self._held[:known]
            yield piece
        if at >= 0:
            del self._held[: len(self._delimiter)]
            self._at = _At.AFTER


def _part(head: str) -> Part:
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().casefold() == "content-disposition":
            field = re.search(r';\s*name="([^"]*)"', value)
            if field:
                return Part(_plain(field[1]), _file(value))
    raise _unreadable()


def _file(value: str) -> str | None:
    given = re.search(r";\s*filename\*=utf-8''([^;\s]+)", value, re.IGNORECASE)
    if given:
        return unquote(given[1], errors="replace")
    given = re.search(r';\s*filename="([^"]*)"', value)
    return _plain(given[1]) if given else None


def _plain(text: str) -> str:
    return re.sub("|".join(_QUOTED), lambda found: _QUOTED[found[0]], text)


def _unreadable() -> CarrelError:
    return CarrelError(
        Code.BAD_INPUT, "What was sent is no form with a file.", "Use the form of the page."
    )
