"""How long to wait before the next look at Drive, and what may cut the wait short."""

from __future__ import annotations

from dataclasses import dataclass

from drivesync.bell import Ring
from drivesync.pauses import PASSING
from drivesync.report import Pause

LONGEST_S = 60.0
UNWATCHED_S = 15.0
"""The longest where the disk does not tell of its changes."""
QUIET_PART = 10
"""After ten quiet minutes it waits a minute: a tenth of the time that nothing happened."""
SHARE = 2
"""Looking for changes takes at most every second request of this sidecar's share."""
FLUSHING_S = 0.5

_FIRST_S = {Pause.OFFLINE: 2.0, Pause.BUSY: 5.0}
_PERSON_S = {
    Pause.RECONNECT: 10.0,  # asks the hub alone
    Pause.NO_FOLDERS: 10.0,
    Pause.MASS_DELETE: 20.0,
    Pause.UNMOUNTED: 30.0,
    Pause.REMOTE_FULL: 60.0,
    Pause.LOCAL_FULL: 30.0,
}
_DISK_HELPS = frozenset({None, Pause.LOCAL_FULL, Pause.MASS_DELETE, Pause.UNMOUNTED})
"""In the other pauses a change on disk makes no difference: backoff must not be shortened by it."""


@dataclass(frozen=True)
class Moment:
    """What there is to know after a cycle."""

    poll_s: float
    requests_per_s: float
    pause: Pause | None = None
    failures: int = 0
    """Cycles in a row that did not go through, or found things moving; 0 after one that did."""
    quiet_s: float = 0.0
    """Since either side changed, or the session asked for something."""
    open_documents: bool = False
    """Somebody has a document of Drive open."""
    watched: bool = True
    """The disk tells of all changes by itself."""
    flushing: bool = False
    work_left: bool = False
    """Something still goes up or down, though the cycle has ended."""
    spread: float = 0.0
    """0 to 1, at random: a site's sidecars must not all come back at once."""


def next_wait(moment: Moment) -> float:
    """Seconds."""
    if moment.pause in PASSING:
        grown = _FIRST_S[moment.pause] * 2.0 ** min(max(moment.failures - 1, 0), 10)
        return min(grown, LONGEST_S) * (1 + moment.spread / 4)
    if moment.pause is not None:
        return _PERSON_S[moment.pause]
    if moment.failures:  # something moved meanwhile: looked at again, but not in a tight loop
        return min(0.2 * 2.0 ** min(moment.failures, 10), LONGEST_S)
    if moment.flushing:
        return FLUSHING_S
    shortest = max(moment.poll_s, SHARE / moment.requests_per_s)
    if moment.work_left:
        return min(1.0, shortest)
    if moment.open_documents:
        return shortest
    longest = LONGEST_S if moment.watched else UNWATCHED_S
    return max(shortest, min(longest, moment.quiet_s / QUIET_PART))


def heeded(pause: Pause | None) -> frozenset[Ring]:
    """What cuts the wait short."""
    always = frozenset({Ring.STOP, Ring.SETTINGS, Ring.FLUSH})
    return always | {Ring.DISK} if pause in _DISK_HELPS else always
