"""What can be done to bring both sides in step; each is harmless to do twice, or to leave."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from drivesync.model import LocalFile, Path, RemoteFile


class Step(IntEnum):
    """In which order: a later step waits until the earlier ones have nothing left to do."""

    REMEMBER = 1
    MOVE_HERE = 2
    MOVE_THERE = 3
    FOLDERS = 4
    BYTES = 5
    TRASH = 6


@dataclass(frozen=True)
class Adopt:
    """Both sides are the same by now: they are remembered so."""

    remote: RemoteFile
    path: Path
    version: str
    md5: str
    name: str = ""
    """On disk; empty: the last of ``path``."""
    step = Step.REMEMBER


@dataclass(frozen=True)
class Delivered:
    """The version is beside the file on disk already."""

    remote: RemoteFile
    path: Path
    version: str
    step = Step.REMEMBER


@dataclass(frozen=True)
class Recognise:
    """Made by us, and the answer was lost: this is what was sent, and where to."""

    remote: RemoteFile
    path: Path
    parent: str
    title: str
    md5: str
    step = Step.REMEMBER


@dataclass(frozen=True)
class Forget:
    """It is on neither side any more, or what is on disk is to be taken as new."""

    id: str
    step = Step.REMEMBER


@dataclass(frozen=True)
class Leave:
    """It is not chosen any more, and what is on disk is not in Drive: it stays, and is no more
    looked at."""

    id: str
    path: Path
    step = Step.REMEMBER


@dataclass(frozen=True)
class MoveHere:
    id: str
    local: LocalFile
    to: Path
    remote: RemoteFile | None
    """Whose parent and title are fulfilled by it; None: it only makes way."""
    step = Step.MOVE_HERE


@dataclass(frozen=True)
class MoveThere:
    remote: RemoteFile
    path: Path
    parent: str
    title: str
    between: bool
    """Whether ``parent`` is a folder of which nothing else is synced."""
    step = Step.MOVE_THERE


@dataclass(frozen=True)
class FolderHere:
    remote: RemoteFile
    path: Path
    step = Step.FOLDERS


@dataclass(frozen=True)
class FolderThere:
    local: LocalFile
    parent: str
    title: str
    step = Step.FOLDERS


@dataclass(frozen=True)
class Create:
    local: LocalFile
    md5: str
    parent: str
    title: str
    step = Step.BYTES


@dataclass(frozen=True)
class Update:
    remote: RemoteFile
    local: LocalFile
    md5: str
    step = Step.BYTES


@dataclass(frozen=True)
class Bring:
    """Drive's version to ``path``; what is there, ``over``, goes to the trash, or to ``aside``."""

    remote: RemoteFile
    path: Path
    over: LocalFile | None = None
    aside: Path | None = None
    back: bool = False
    """Out of Drive's trash, as a new file of this disk: its folders are made where they are not."""
    step = Step.BYTES


@dataclass(frozen=True)
class Deliver:
    """Drive's version to ``copy``, since ``local`` is open."""

    remote: RemoteFile
    local: LocalFile
    copy: Path
    step = Step.BYTES


@dataclass(frozen=True)
class TrashHere:
    id: str
    local: LocalFile
    files: int
    """How many synced files it takes away."""
    chosen: bool = False
    """Its folder was un-chosen: the user said so."""
    step = Step.TRASH


@dataclass(frozen=True)
class TrashThere:
    remote: RemoteFile
    path: Path
    """Where it was on disk; looked at once more."""
    there: LocalFile | None
    """What else is at that path."""
    files: int
    step = Step.TRASH


Op = (
    Adopt
    | Delivered
    | Recognise
    | Forget
    | Leave
    | MoveHere
    | MoveThere
    | FolderHere
    | FolderThere
    | Create
    | Update
    | Bring
    | Deliver
    | TrashHere
    | TrashThere
)


def key(op: Op) -> str:
    """What it is about; one that failed is left alone for the rest of the cycle."""
    match op:
        case Forget() | Leave() | MoveHere() | TrashHere():
            return op.id
        case FolderThere() | Create():
            return "/" + "/".join(op.local.path)
        case _:
            return op.remote.id
