"""What the sidecar tells: to the user's page, to ``.carrel/status.json``, at the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class State(Enum):
    """What it is doing."""

    STARTING = "starting"
    SYNCING = "syncing"
    IDLE = "idle"
    PAUSED = "paused"
    """Nothing goes on until something is done about it; ``pause`` says what."""
    ENDED = "ended"


class Pause(Enum):
    """Why nothing goes on; pages and docs/drive.md say what to do about each."""

    RECONNECT = "reconnect"
    OFFLINE = "offline"
    """Drive, or the hub, does not answer; it goes on by itself."""
    BUSY = "busy"
    """Drive wants fewer requests; it goes on by itself."""
    UNMOUNTED = "unmounted"
    MASS_DELETE = "mass delete"
    """So much was deleted on one side at once that somebody must say that it was meant."""
    REMOTE_FULL = "remote full"
    LOCAL_FULL = "local full"
    """The disk, or the user's cap."""
    NO_FOLDERS = "no folders"
    """None are chosen yet."""


@dataclass(frozen=True)
class Amount:
    """Files, and their bytes."""

    files: int = 0
    size_bytes: int = 0


@dataclass(frozen=True)
class Conflict:
    """Both sides had changed: the copy that was kept beside the file; paths below MyDrive."""

    path: str
    copy: str
    at: datetime


@dataclass(frozen=True)
class Unsynced:
    """A file on disk that Drive does not have as it is; ``why`` is a sentence."""

    path: str
    why: str


@dataclass(frozen=True)
class Report:
    """Of one moment. Lists are bounded by whoever fills them (at most 100 each)."""

    state: State
    pause: Pause | None = None
    pause_detail: str = ""
    """A sentence: what, and what to do."""
    files: int = 0
    """Equal on both sides."""
    up: Amount = Amount()
    """Still to go to Drive; counts down as bytes pass."""
    down: Amount = Amount()
    up_total: Amount = Amount()
    """Of the work under way, what is done included: for progress bars."""
    down_total: Amount = Amount()
    conflicts: tuple[Conflict, ...] = ()
    conflict_count: int = 0
    unsynced: tuple[Unsynced, ...] = ()
    unsynced_count: int = 0
    skipped: tuple[Unsynced, ...] = ()
    """What is left alone by rule (a symlink, a FIFO, the ignored): never in the way of clean."""
    skipped_count: int = 0
    last_success_at: datetime | None = None
    """When both sides were last equal."""
    looked: bool = True
    """Whether the last cycle got as far as the disk: before, ``up`` and ``unsynced`` are of an
    earlier one, or of none."""

    @property
    def clean(self) -> bool:
        """Whether everything on disk is in Drive as it is."""
        return (
            self.state in (State.IDLE, State.ENDED)
            and self.up.files == 0
            and self.unsynced_count == 0
        )
