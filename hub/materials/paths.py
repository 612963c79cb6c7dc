"""Decides which names an untrusted tree may bring: none that is another one in disguise."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b

from hub.materials.members import Limits, refused
from spawner.errors import CarrelError

SEGMENT_BYTES = 255
"""NAME_MAX of Linux."""
DATA = "data"
"""At the top of a copy: there a link leads to the course's data folder."""
LEFT_OUT = {
    ".git": "the folder of a git repository is not published",
    ".gitmodules": "no repositories within it are fetched",
    ".gitattributes": "it would change how git reads the other files",
    ".ipynb_checkpoints": "it holds Jupyter's own copies",
    "__pycache__": "Python makes it anew",
    "__MACOSX": "it is of the Mac's Finder",
    ".DS_Store": "it is of the Mac's Finder",
}
_GIT = frozenset({".git", "git~1", ".gitmodules", "gitmod~1", ".gitattributes", "gitatt~1"})
# Signs without width, and those that turn the direction of what follows.
_UNSEEN = frozenset(map(chr, (
    0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0,
    *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070),
)))  # fmt: skip
_JOINERS = "\u200c\u200d"
"""Some scripts spell words with them; twins are compared without."""
_RENAME = "Give it a shorter, plain name."
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


class _Is(Enum):
    FILE = 0
    FOLDER = 1


@dataclass(frozen=True)
class Name:
    """Where a file goes; or why it goes nowhere, and then the topmost folder left out."""

    path: str
    why: str = ""


@dataclass
class Names:
    """The names of one tree. ``strip`` is a folder that all are in and that is not kept;
    ``into`` one that they are put in."""

    limits: Limits
    strip: tuple[str, ...] = ()
    into: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # Digests: the names of 20,000 files in deep folders need not be kept in full.
        self._seen: dict[bytes, tuple[bytes, _Is]] = {}
        self._new: set[bytes] = set()

    def know(self, paths: Iterable[str]) -> None:
        """Files that are there already: a new one may replace them, but not be a twin."""
        for path in paths:
            self._claim(path, tuple(path.split("/")))

    def take(self, raw: str) -> Name:
        """Where an entry goes. Raises CarrelError(BAD_INPUT) for what may go nowhere."""
        parts = self._parts(raw)
        for at, part in enumerate(parts):
            if part in LEFT_OUT:
                return Name("/".join(parts[: at + 1]), LEFT_OUT[part])
        if _folded(parts[0]) == DATA:
            raise refused(
                raw, "is in a folder data, where students find the course's data folder",
                "Give that folder another name, or ask your administrator to put its files into "
                "the course's data folder.",
            )  # fmt: skip
        path = "/".join(parts)
        self._claim(path, parts)
        key = _digest(path)
        if key in self._new:
            raise refused(raw, "comes twice")
        self._new.add(key)
        return Name(path)

    def _parts(self, raw: str) -> tuple[str, ...]:
        """The folders and the name. Measured first: normal forms take time by the square."""
        try:
            size = len(raw.encode())
        except UnicodeEncodeError as error:
            raise refused(raw, "has a name that is not UTF-8", _RENAME) from error
        if size > self.limits.path_bytes:
            raise refused(raw, f"has a path of more than {self.limits.path_bytes} bytes", _RENAME)
        if raw.startswith("/"):
            raise refused(raw, "has a path from the root of a disk")
        parts = split(raw)
        if parts[: len(self.strip)] != self.strip or len(parts) <= len(self.strip):
            raise refused(raw, "is not in the folder that is published")
        parts = self.into + parts[len(self.strip) :]
        if len(parts) > self.limits.depth:
            raise refused(raw, f"lies more than {self.limits.depth} folders deep")
        for part in parts:
            if wrong := _wrong(part):
                raise wrong
        return parts

    def _claim(self, path: str, parts: tuple[str, ...]) -> None:
        """Every folder of it and itself keep one spelling and one kind."""
        for depth in range(1, len(parts) + 1):
            part = "/".join(parts[:depth])
            kind = _Is.FILE if depth == len(parts) else _Is.FOLDER
            mine = (_digest(part), kind)
            there = self._seen.setdefault(_digest(_folded(part)), mine)
            if there[0] != mine[0]:
                raise refused(
                    path, "differs from another name only in capitals or accents",
                    "On many computers both are one file: rename one of them.",
                )  # fmt: skip
            if there[1] != kind:
                raise refused(part, "is both a file and a folder")


def split(path: str) -> tuple[str, ...]:
    """Its folders and its name, without what says nothing."""
    return tuple(part for part in path.split("/") if part not in ("", "."))


def _wrong(part: str) -> CarrelError | None:
    """What is wrong with one name of a path."""
    if part == "..":
        return refused(part, "in a path leads out of the folder")
    if len(part.encode()) > SEGMENT_BYTES:
        return refused(part, f"is a name of more than {SEGMENT_BYTES} bytes", _RENAME)
    if any(unicodedata.category(c) in _UNPRINTABLE for c in part):
        return refused(part, "is a name with control characters", _RENAME)
    if "\\" in part:
        return refused(part, "is a name with a backslash", _RENAME)
    if any(c in _UNSEEN and c not in _JOINERS for c in part):
        return refused(part, "is a name with characters that nobody can see", _RENAME)
    # As Windows and the Mac read it: no trailing dots, nothing after a colon, no joiners.
    plain = _folded(part).split(":")[0].rstrip(" .")
    if plain in _GIT and part not in LEFT_OUT:
        return refused(part, "is a name that git keeps for itself", _RENAME)
    return None


def _folded(text: str) -> str:
    """Equal for names that some file system or some eye takes for one."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(c for c in folded if c not in _JOINERS)


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()
