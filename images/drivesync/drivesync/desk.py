"""What the loop and the teller know of each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from drivesync.bell import Bell, Ring
from drivesync.engine import Outcome
from drivesync.flush import Answer
from drivesync.model import Path
from drivesync.pauses import Paused
from drivesync.report import Report, State
from drivesync.settings import Settings


@dataclass(frozen=True)
class Orders:
    """What the engine is told with each cycle."""

    settings: Settings
    open_paths: Callable[[], frozenset[Path] | None]
    """Of documents that are open now; None: not known."""
    stopping: Callable[[], bool]
    """Whether to come to an end at the next good moment."""
    last: bool = False
    """The session is over: only what goes up is wanted."""


class Syncs(Protocol):
    """The engine, as the loop sees it."""

    def cycle(self, orders: Orders) -> Outcome:
        """One look at both sides and all the work that follows from it. Raises no faults."""

    def report(self) -> Report:
        """Of this moment, from any thread. The state in it is the loop's to say."""

    def close(self) -> None:
        """Another one takes its place."""


class Desk:
    """Values are replaced whole, so that any thread may read them at any time."""

    def __init__(self, bell: Bell, began_at: datetime) -> None:
        self._bell, self.began_at = bell, began_at
        self._lock = threading.Lock()
        self.settings: Settings | None = None
        self.engine: Syncs | None = None
        self.paused: Paused | None = None
        self.watched = True
        """Whether the disk tells of all changes by itself."""
        self.looked = False
        """Whether a cycle went through: before, nobody knows what there is to do."""
        self.cycling_since: float | None = None
        """On the monotonic clock."""
        self.wish: str | None = None
        """Id of the session's last wish for a flush."""
        self.answer: Answer | None = None
        self.refused: Paused | None = None
        """What the hub said to a report, if it gives no access any more."""
        self.ended = False
        """The hub does not know us any more."""

    def settle(self, settings: Settings) -> None:
        """Takes in what the hub just told; wakes the loop if it is news."""
        with self._lock:
            news = self.settings is not None and settings != self.settings
            self.settings = settings
        if news:
            self._bell.ring(Ring.SETTINGS)

    def disk_changed(self, watched: bool) -> None:
        """``watched``: whether it will tell of the next change, too."""
        self.watched = watched
        self._bell.ring(Ring.DISK)

    def report(self) -> Report:
        known = self.engine.report() if self.engine else Report(State.STARTING, looked=False)
        paused = self.paused
        if paused is not None:
            state = State.PAUSED
        elif not self.looked:
            state = State.STARTING
        else:
            busy = self.cycling_since is not None and known.up.files + known.down.files > 0
            state = State.SYNCING if busy else State.IDLE
        return replace(
            known,
            state=state,
            pause=paused.pause if paused else None,
            pause_detail=paused.detail if paused else "",
        )
