"""Asks the sync of Drive to bring up everything now, and waits for its answer."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path

from carrel_session import drive_notes, drive_report, drive_words
from carrel_session.drive_report import Flush, State, Told, Unsynced

LOOK_S = 0.25
NOBODY_S = 30.0
"""How long one that is not heard is waited for: a session that just started has it in seconds."""
ANSWER = timedelta(seconds=3)
"""How long a paused one is given to answer itself."""


class Outcome(Enum):
    """How the wait ended."""

    CLEAN = auto()
    NOT_CLEAN = auto()
    """The sync itself says that some files do not go up."""
    TIMED_OUT = auto()
    NOBODY = auto()
    """Nothing syncs right now."""


@dataclass(frozen=True)
class Flushed:
    """``told`` is the last word of the sync."""

    outcome: Outcome
    unsynced: tuple[Unsynced, ...] = ()
    told: Told | None = None


def flush(drive: Path, timeout_s: float, tell: Callable[[str], None]) -> Flushed:
    """Returns when the sync says that Drive has everything, or that it will not, or at the timeout.

    ``tell`` is given the progress line. Raises SessionError when the request cannot be written.
    """
    asked_at, id_ = datetime.now(UTC), request(drive)
    begun = time.monotonic()
    while True:
        told, waited_s = drive_report.read(drive), time.monotonic() - begun
        ids = (id_, _requested(drive))
        found = decide(told, ids, asked_at, datetime.now(UTC))
        if found is not None and not (_on_its_way(found) and waited_s < timeout_s):
            return found
        if found is not None:
            asked_at, id_ = datetime.now(UTC), request(drive)
        fresh = told is not None and told.is_fresh(datetime.now(UTC))
        if not fresh and waited_s >= min(NOBODY_S, timeout_s):
            return Flushed(Outcome.NOBODY, _left(told), told)
        if waited_s >= timeout_s:
            return Flushed(Outcome.TIMED_OUT, _left(told), told)
        tell(_line(told if fresh else None))
        time.sleep(min(LOOK_S, max(0.0, timeout_s - waited_s)))


def decide(
    told: Told | None, ids: tuple[str, ...], asked_at: datetime, now: datetime
) -> Flushed | None:
    """None while there is something to wait for (pure).

    ``ids`` are our request and the one that stands now: who asked after us is answered for us too.
    """
    if told is None or not told.is_fresh(now):
        return None
    if told.flush_id and told.flush_id in ids:
        if told.flush is Flush.CLEAN:
            return Flushed(Outcome.CLEAN, (), told)
        if told.flush is Flush.NOT_CLEAN:
            return Flushed(Outcome.NOT_CLEAN, told.flush_unsynced or told.unsynced, told)
    needs_somebody = told.state is State.PAUSED and told.pause not in drive_words.WAITED_FOR
    if needs_somebody and told.at >= asked_at + ANSWER:
        return Flushed(Outcome.NOT_CLEAN, _left(told), told)
    return None


def request(drive: Path) -> str:
    """Asks for a flush; the id that its answer will carry."""
    id_ = secrets.token_hex(8)
    drive_notes.write(drive / ".carrel/flush", {"id": id_, "at": time.time()})
    return id_


def _requested(drive: Path) -> str:
    return str((drive_notes.read(drive / ".carrel/flush", 1000) or {}).get("id") or "")


def _on_its_way(found: Flushed) -> bool:
    """Whether the sync only stopped waiting for itself, as it does after a minute."""
    told = found.told
    busy = told is not None and told.state is not State.PAUSED and told.up.files > 0
    return found.outcome is Outcome.NOT_CLEAN and busy


def _left(told: Told | None) -> tuple[Unsynced, ...]:
    return (told.flush_unsynced or told.unsynced) if told else ()


def _line(told: Told | None) -> str:
    if told is None:
        return "Waiting for the sync of Drive …"
    if told.state is State.PAUSED:
        return f"The sync is paused. {drive_words.paused(told, '')[0]} Waiting …"
    return drive_words.under_way(told)
