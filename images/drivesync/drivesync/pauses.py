"""What a fault of the whole sync means: why it pauses, told as a sentence of what to do."""

from __future__ import annotations

from dataclasses import dataclass

from drivesync import faults, hub
from drivesync.engine import Outcome
from drivesync.report import Pause


@dataclass(frozen=True)
class Paused:
    """``detail`` is for the user."""

    pause: Pause
    detail: str


_DETAILS = {
    Pause.RECONNECT: "Google Drive does not accept the connection any more:"
    " press Reconnect on the Drive page.",
    Pause.OFFLINE: "Google Drive does not answer at the moment; it goes on by itself.",
    Pause.BUSY: "Google Drive asks us to slow down; it goes on by itself.",
    Pause.UNMOUNTED: "The Drive folder is not the one that was synced, or was emptied away;"
    " nothing is deleted. Start a new session, and ask your administrator if it stays so.",
    Pause.MASS_DELETE: "Very much was deleted at once. Say on the Drive page whether that was"
    " meant, or bring the files back; until then nothing goes up or down.",
    Pause.REMOTE_FULL: "Google Drive is full: free some room there, and empty its trash.",
    Pause.LOCAL_FULL: "The room for Drive's files here is used up: delete some files,"
    " or choose fewer folders on the Drive page.",
    Pause.NO_FOLDERS: "No folders are chosen: choose them on the Drive page.",
}

_PAUSES: tuple[tuple[type[faults.Fault], Pause], ...] = (
    (hub.NoFolders, Pause.NO_FOLDERS),  # before DeadGrant, which it is one of
    (faults.DeadGrant, Pause.RECONNECT),
    (faults.Busy, Pause.BUSY),
    (faults.Lost, Pause.OFFLINE),
    (faults.Unmounted, Pause.UNMOUNTED),
    (faults.RemoteFull, Pause.REMOTE_FULL),
    (faults.LocalFull, Pause.LOCAL_FULL),
)
"""The first that fits. What is not here concerns one file: it is looked at again at once."""

PASSING = frozenset({Pause.OFFLINE, Pause.BUSY})
"""They go on by themselves; the others wait for somebody."""


def of_fault(fault: faults.Fault) -> Paused | None:
    for kind, pause in _PAUSES:
        if isinstance(fault, kind):
            return Paused(pause, _detail(pause, fault))
    return None


def of_outcome(outcome: Outcome, access: faults.Fault | None) -> Paused | None:
    """``access`` is why the hub gave no access token, if so: it knows better than the engine."""
    if outcome.pause is None:
        return None
    if access is not None and outcome.pause in (Pause.RECONNECT, Pause.OFFLINE):
        return of_fault(access)
    return Paused(outcome.pause, outcome.detail or _DETAILS[outcome.pause])


def of(pause: Pause) -> Paused:
    return Paused(pause, _DETAILS[pause])


def _detail(pause: Pause, fault: faults.Fault) -> str:
    if isinstance(fault, hub.HubAway):
        return "Carrel's hub gives no access to Drive at the moment; it goes on by itself."
    if isinstance(fault, hub.NoFolders | faults.DeadGrant) and str(fault):
        return str(fault)[:1000]
    return _DETAILS[pause]
