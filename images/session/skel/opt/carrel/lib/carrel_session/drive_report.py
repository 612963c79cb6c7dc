"""What the sync of Drive last told: its file ``.carrel/status.json``, read into values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from carrel_session import drive_notes

MOST_BYTES = 1024**2
STALE = timedelta(seconds=30)
"""It writes every ten seconds at least: what is older was written by one that is not there now."""


class State(Enum):
    """What the sync is doing."""

    STARTING = "starting"
    SYNCING = "syncing"
    IDLE = "idle"
    PAUSED = "paused"
    ENDED = "ended"


class Pause(Enum):
    """Why nothing goes on."""

    RECONNECT = "reconnect"
    OFFLINE = "offline"
    BUSY = "busy"
    UNMOUNTED = "unmounted"
    MASS_DELETE = "mass delete"
    REMOTE_FULL = "remote full"
    LOCAL_FULL = "local full"
    NO_FOLDERS = "no folders"


class Flush(Enum):
    """How far it is with the flush that was asked for."""

    WORKING = "working"
    CLEAN = "clean"
    NOT_CLEAN = "not clean"


@dataclass(frozen=True)
class Amount:
    """Files, and their bytes."""

    files: int = 0
    size_bytes: int = 0


@dataclass(frozen=True)
class Conflict:
    """A file of which both versions were kept; paths below ``MyDrive``."""

    path: str
    copy: str
    at: datetime | None = None


@dataclass(frozen=True)
class Unsynced:
    """A file that Drive does not have as it is here; ``why`` is a sentence."""

    path: str
    why: str


@dataclass(frozen=True)
class Told:
    """Of one moment; counts are of all, lists of the first hundred."""

    at: datetime
    state: State
    pause: Pause | None = None
    pause_detail: str = ""
    files: int = 0
    up: Amount = Amount()
    down: Amount = Amount()
    up_total: Amount = Amount()
    down_total: Amount = Amount()
    conflicts: tuple[Conflict, ...] = ()
    conflict_count: int = 0
    unsynced: tuple[Unsynced, ...] = ()
    unsynced_count: int = 0
    skipped: tuple[Unsynced, ...] = ()
    skipped_count: int = 0
    looked: bool = True
    """Whether the disk was looked at lately."""
    last_success_at: datetime | None = None
    result: str = ""
    flush_id: str = ""
    flush: Flush | None = None
    flush_unsynced: tuple[Unsynced, ...] = ()
    raw: Mapping[str, Any] | None = None
    """As it was written, for programs."""

    def is_fresh(self, now: datetime) -> bool:
        """Whether somebody is there who syncs."""
        return self.state is not State.ENDED and abs(now - self.at) <= STALE


def read(drive: Path) -> Told | None:
    """Of the folder that holds ``MyDrive``; None where nothing readable was told."""
    found = drive_notes.read(drive / ".carrel/status.json", MOST_BYTES)
    return None if found is None else parse(found)


def parse(found: dict[str, Any]) -> Told | None:
    """Words and fields that a later version adds are passed over (pure)."""
    at, state = _time(found.get("at")), _word(State, found.get("state"))
    if at is None or state is None:
        return None
    flush = found.get("flush")
    asked = flush if isinstance(flush, dict) else {}
    return Told(
        at=at, state=state, pause=_word(Pause, found.get("pause")),
        pause_detail=_text(found.get("pause_detail")), files=_count(found.get("files")),
        up=_amount(found.get("up")), down=_amount(found.get("down")),
        up_total=_amount(found.get("up_total")), down_total=_amount(found.get("down_total")),
        conflicts=tuple(
            Conflict(_text(one.get("path")), _text(one.get("copy")), _time(one.get("at")))
            for one in _entries(found.get("conflicts"))
        ),
        conflict_count=_count(found.get("conflict_count")),
        unsynced=_unsynced(found.get("unsynced")),
        unsynced_count=_count(found.get("unsynced_count")),
        skipped=_unsynced(found.get("skipped")), skipped_count=_count(found.get("skipped_count")),
        looked=found.get("looked") is not False,
        last_success_at=_time(found.get("last_success_at")), result=_text(found.get("result")),
        flush_id=_text(asked.get("id")), flush=_word(Flush, asked.get("state")),
        flush_unsynced=_unsynced(asked.get("unsynced")), raw=found,
    )  # fmt: skip


Word = TypeVar("Word", bound=Enum)


def _word(words: type[Word], value: Any) -> Word | None:
    return next((word for word in words if word.value == value), None)


def _time(value: Any) -> datetime | None:
    """ISO 8601 or seconds since 1970."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        return datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _text(value: Any) -> str:
    """On one line, so that a file's name moves no cursor."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value or ""))


def _count(value: Any) -> int:
    return max(0, value) if isinstance(value, int) else 0


def _entries(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _amount(value: Any) -> Amount:
    found = value if isinstance(value, dict) else {}
    return Amount(_count(found.get("files")), _count(found.get("size_bytes")))


def _unsynced(value: Any) -> tuple[Unsynced, ...]:
    return tuple(Unsynced(_text(o.get("path")), _text(o.get("why"))) for o in _entries(value))
