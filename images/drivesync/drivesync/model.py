"""The files of both sides, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

Path = tuple[str, ...]
"""Names below ``MyDrive``, as they are on disk; ``()`` is ``MyDrive`` itself."""


class Kind(Enum):
    """What a file of Drive is."""

    FOLDER = "folder"
    FILE = "file"
    """Has bytes and an md5."""
    DOCUMENT = "document"
    """Google's own (Docs, Sheets, Colab's are FILE): no bytes; exported or linked to."""
    SHORTCUT = "shortcut"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as Drive tells it (API v2). Times are milliseconds since 1970 in UTC."""

    id: str
    parent: str
    """Id of the folder that holds it; empty where none is visible."""
    title: str
    """Anything at all: not unique in its folder, may hold ``/``."""
    kind: Kind
    etag: str
    """Changes with every change of content or metadata; for If-Match."""
    md5: str = ""
    size: int = 0
    revision: str = ""
    """headRevisionId: pins a download to these bytes."""
    modified_ms: int = 0
    trashed: bool = False
    mime: str = ""
    link: str = ""
    """Where a browser opens it (alternateLink), of what has no bytes."""
    editable: bool = True
    downloadable: bool = True


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells that a file on disk is still the one that was looked at."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    born_ns: int = 0
    """0 where the disk does not know."""

    @property
    def identity(self) -> tuple[int, int] | None:
        """Stays with a file however it is moved or changed, and never is another one's. The inode
        alone is not enough: a disk gives the number of what was removed to the next that is made,
        and of a restored backup every number is another one's. None: not to be told."""
        return (self.inode, self.born_ns) if self.born_ns else None


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A regular file or a folder on disk. Of a folder, only its stamp's identity means anything."""

    path: Path
    folder: bool
    stamp: Stamp


class Why(Enum):
    """Why something on disk is not synced; docs/drive.md says each in the user's words."""

    IGNORED = "ignored"
    SYMLINK = "symlink"
    SPECIAL = "special"
    """A FIFO, socket or device."""
    NAME = "name"
    """No UTF-8, or it cannot be a title."""
    TOO_DEEP = "too deep"
    TOO_MANY = "too many"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Skipped:
    """Something on disk that is left alone."""

    path: Path
    why: Why


@dataclass(frozen=True)
class Scan:
    """The whole of the disk's side. ``complete`` is False where a folder could not be read: then
    what is missing from ``files`` may still be there."""

    files: tuple[LocalFile, ...]
    skipped: tuple[Skipped, ...] = ()
    complete: bool = True


@dataclass(frozen=True)
class Change:
    """An entry of Drive's list of changes; ``file`` is None for what is gone for good."""

    id: str
    file: RemoteFile | None


@dataclass(frozen=True)
class Changes:
    """One page. ``cursor`` leads to the next page, or, of the ``last``, to what comes later."""

    changes: tuple[Change, ...]
    cursor: str
    last: bool


@dataclass(frozen=True)
class Account:
    """Whose Drive it is; sizes in bytes, ``most_bytes`` 0 where there is no limit."""

    root: str
    """Id of My Drive."""
    email: str = ""
    used_bytes: int = 0
    most_bytes: int = 0
