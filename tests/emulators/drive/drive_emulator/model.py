"""What an emulated Drive holds, as values that never change: a change makes a new value."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

GOOGLE = "application/vnd.google-apps."
FOLDER = GOOGLE + "folder"
SHORTCUT = GOOGLE + "shortcut"


class Refused(Exception):  # noqa: N818  an answer, not a failure of ours
    """Drive says no: the HTTP status and the reason that its JSON would name."""

    def __init__(self, status: int, reason: str, message: str, location: str = "") -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status, self.reason, self.message, self.location = status, reason, message, location


class Scope(Enum):
    """What a program was allowed to see."""

    FULL = "full"
    READ_ONLY = "read_only"
    APP_FILES = "app_files"
    """drive.file: what this program made, or was opened with."""


@dataclass(frozen=True)
class Access:
    """Who asks: a person, through a program."""

    email: str
    client: str = ""
    scope: Scope = Scope.FULL


class Blob(Protocol):
    """Bytes of a file."""

    @property
    def md5(self) -> str: ...

    @property
    def size(self) -> int: ...

    def read(self, start: int, size: int) -> bytes: ...


@dataclass(frozen=True)
class Bytes:
    """A blob in memory."""

    data: bytes = field(repr=False)
    md5: str
    size: int

    @classmethod
    def of(cls, data: bytes) -> Bytes:
        return cls(data, hashlib.md5(data, usedforsecurity=False).hexdigest(), len(data))

    def read(self, start: int, size: int) -> bytes:
        return self.data[start : start + size]


@dataclass(frozen=True)
class OnDisk:
    """A blob too big for memory."""

    path: Path
    md5: str
    size: int

    def read(self, start: int, size: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(size)


@dataclass(frozen=True)
class Revision:
    """The bytes of a file at some time."""

    id: str
    blob: Blob
    modified_ms: int
    mime: str
    kept: bool = False
    """Pinned: Drive does not throw it away after 30 days."""


@dataclass(frozen=True)
class File:
    """A file, folder, document or shortcut, whoever asks."""

    id: str
    owner: str
    title: str
    mime: str
    parent: str
    """Empty for My Drive itself alone."""
    number: int
    """Counts the files of the store; the order in which they were made."""
    created_ms: int
    modified_ms: int
    version: int = 1
    """Counts every change of content or metadata."""
    revisions: tuple[Revision, ...] = ()
    """Oldest first; none for folders, shortcuts and Google's own documents."""
    explicitly_trashed: bool = False
    text: str = ""
    """What is in a document of Google's own; only an export shows it."""
    target: str = ""
    """Of a shortcut: the id that it leads to."""
    shared: tuple[tuple[str, str], ...] = ()
    """(email, ``reader`` or ``writer``); holds for all that is in a folder."""
    apps: frozenset[str] = frozenset()
    """The programs that may see it with drive.file."""
    editable: bool = True
    """False: locked, even for its owner."""
    description: str = ""
    starred: bool = False
    properties: tuple[tuple[str, str, str], ...] = ()
    """(key, value, ``PRIVATE`` or ``PUBLIC``)."""

    @property
    def etag(self) -> str:
        text = base64.urlsafe_b64encode(f"{self.id}:{self.version}".encode()).decode()
        return f'"{text.rstrip("=")}"'

    @property
    def head(self) -> Revision | None:
        return self.revisions[-1] if self.revisions else None

    @property
    def size(self) -> int:
        return self.head.blob.size if self.head else 0

    @property
    def folder(self) -> bool:
        return self.mime == FOLDER

    @property
    def native(self) -> bool:
        """Google's own: it has no bytes that could be downloaded."""
        return self.mime.startswith(GOOGLE)


@dataclass(frozen=True)
class Seen:
    """A file as somebody sees it."""

    file: File
    trashed: bool
    parent: str
    """Empty where they may not see that folder."""
    editable: bool
    mine: bool

    @property
    def id(self) -> str:
        return self.file.id

    @property
    def etag(self) -> str:
        return self.file.etag


@dataclass(frozen=True)
class New:
    """A file to be made."""

    title: str = "Untitled"
    mime: str = "application/octet-stream"
    parent: str = "root"
    id: str = ""
    """From generate_ids; empty: Drive chooses."""
    blob: Blob | None = None
    created_ms: int | None = None
    modified_ms: int | None = None
    target: str = ""
    text: str = ""
    description: str = ""
    starred: bool = False
    properties: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Edit:
    """What is to be another; None: stays as it is."""

    title: str | None = None
    mime: str | None = None
    parent: str | None = None
    blob: Blob | None = None
    modified_ms: int | None = None
    trashed: bool | None = None
    description: str | None = None
    starred: bool | None = None
    properties: tuple[tuple[str, str, str], ...] | None = None
    text: str | None = None
    new_revision: bool = True
    """False: the bytes replace the newest revision."""


@dataclass(frozen=True)
class ChangeEntry:
    """An entry of the list of changes; ``seen`` is None for what is gone for this person."""

    number: int
    id: str
    seen: Seen | None
    at_ms: int


@dataclass(frozen=True)
class ChangePage:
    """``next`` leads to the next page; it is None on the last one, which has ``start``."""

    entries: tuple[ChangeEntry, ...]
    next: int | None
    start: int | None


@dataclass(frozen=True)
class Account:
    """A person with a Drive; sizes in bytes, ``most_bytes`` 0: no limit."""

    email: str
    name: str
    root: str
    most_bytes: int
    used_bytes: int = 0
