"""Brings both sides in step, a cycle at a time: looks, plans, acts, records."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from drivesync import faults
from drivesync.cycle import Cycle, Tools
from drivesync.executor import Executor, Workers
from drivesync.looking import Looking
from drivesync.options import AskOpen, Options
from drivesync.progress import Progress
from drivesync.report import Pause, Report
from drivesync.sides import Local, Remote
from drivesync.state import State
from drivesync.troubles import DETAILS, DISK, DISK_REFUSES, ENDS

NOTHING_CHOSEN = Options()


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
        self,
        remote: Remote,
        local: Local,
        state: State,
        options: Options = NOTHING_CHOSEN,
        executor: Executor | None = None,
    ) -> None:
        self._options = options
        self._progress = Progress()
        self._stopped = threading.Event()
        self._tools = Tools(
            remote, local, state, executor or Workers(), self._progress, self._stopped, {}
        )
        self._looking = Looking(remote, local, state)

    def choose(self, options: Options) -> None:
        """From the next cycle on; folders that are not chosen any more leave the disk (what Drive
        does not have stays), nothing happens in Drive."""
        self._options = options

    def cycle(self, now: datetime, ask_open: AskOpen) -> Outcome:
        """Makes both sides equal as far as it goes. Raises nothing of ``faults``."""
        options, state = self._options, self._tools.state
        if not options.folders and not options.everything and not state.synced:
            return self._paused(Pause.NO_FOLDERS)
        self._progress.begin()
        cycle = Cycle(self._tools, self._looking, options, ask_open, now)
        pause = self._until_a_fault(cycle.run)
        if options.only_up and not self._progress.report().looked:
            with suppress(faults.Fault):
                cycle.look_here_alone()
        pause = self._until_a_fault(state.commit) or pause
        if pause is not None:
            return self._paused(*pause, done=cycle.done)
        detail = cycle.detail or (DETAILS[cycle.pause] if cycle.pause else "")
        files = sum(not one.folder for one in state.synced.values())
        self._progress.end(cycle.pause, detail, files, now if cycle.clean else None)
        return Outcome(cycle.clean, cycle.again, cycle.pause, detail, cycle.done)

    def stop(self) -> None:
        """What has not begun is left; a running ``cycle`` returns as soon as what has is done."""
        self._stopped.set()

    def report(self) -> Report:
        """As of now, also while a cycle runs: progress, conflicts, what is unsynced and why. Its
        ``state`` is STARTING, SYNCING, IDLE or PAUSED; ENDED is told by the process."""
        return self._progress.report()

    def _paused(self, pause: Pause, detail: str = "", done: int = 0) -> Outcome:
        detail = detail or DETAILS[pause]
        files = sum(not one.folder for one in self._tools.state.synced.values())
        self._progress.end(pause, detail, files, None)
        return Outcome(False, pause in (Pause.OFFLINE, Pause.BUSY), pause, detail, done)

    def _until_a_fault(self, run: Callable[[], object]) -> tuple[Pause, str] | None:
        """A fault that is of no single operation ends the cycle."""
        try:
            run()
        except (faults.DeadGrant, faults.Busy, faults.Unmounted) as fault:
            return next(pause for kind, pause in ENDS.items() if isinstance(fault, kind)), ""
        except faults.LocalFull:
            return Pause.LOCAL_FULL, ""
        except DISK as fault:
            return Pause.UNMOUNTED, f"{DISK_REFUSES} {fault}".strip()
        except faults.Fault:
            return Pause.OFFLINE, ""
        return None
