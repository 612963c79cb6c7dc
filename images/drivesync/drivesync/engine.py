"""Brings both sides in step, a cycle at a time: looks, plans, acts, records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drivesync.options import OpenDocuments, Options
from drivesync.report import Pause, Report
from drivesync.sides import Local, Remote
from drivesync.state import State


@dataclass(frozen=True)
class Outcome:
    """What a cycle came to.

    ``clean``: everything on disk is in Drive as it is, and the reverse; what is held back because
    a document is open does not count. ``again``: something moved meanwhile, so look again at once.
    ``pause``: why it did not go on, if so; RECONNECT, UNMOUNTED, MASS_DELETE and NO_FOLDERS stop
    everything, OFFLINE and BUSY end this cycle, REMOTE_FULL and LOCAL_FULL only one direction.
    ``done`` counts what was done on either side: 0 in a cycle that found both equal.
    """

    clean: bool
    again: bool = False
    pause: Pause | None = None
    detail: str = ""
    done: int = 0


class Engine:
    """One user's sync. ``cycle`` belongs to one thread; everything else may be called from any.

    A crash at any moment is harmless: a new engine on the same ``state`` goes on.
    """

    def __init__(
        self, remote: Remote, local: Local, state: State, options: Options = Options()
    ) -> None:
        raise NotImplementedError

    def choose(self, options: Options) -> None:
        """From the next cycle on; folders that are not chosen any more leave the disk (what Drive
        does not have stays), nothing happens in Drive."""

    def cycle(self, now: datetime, open_documents: OpenDocuments) -> Outcome:
        """Makes both sides equal as far as it goes. Raises nothing of ``faults``."""
        raise NotImplementedError

    def stop(self) -> None:
        """What has not begun is left; a running ``cycle`` returns as soon as what has is done."""

    def report(self) -> Report:
        """As of now, also while a cycle runs: progress, conflicts, what is unsynced and why. Its
        ``state`` is STARTING, SYNCING, IDLE or PAUSED; ENDED is told by the process."""
        raise NotImplementedError
