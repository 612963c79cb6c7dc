"""What a fault of one operation means for the rest of the cycle."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivesync import faults
from drivesync.ops import Bring, Create, Deliver, FolderHere, Op, Update, key
from drivesync.report import Pause

MOST_LOST = 8
"""So many answers lost one after the other: Drive is not to be reached."""
MOST_TRIES = 3
"""Of one file in one cycle, while Drive says that it has changed meanwhile."""

SENTENCES: dict[type[faults.Fault], str] = {
    faults.Lost: "Drive did not answer; it will be tried again.",
    faults.Busy: "Drive wants fewer requests; it will be tried again.",
    faults.NotAllowed: "Drive does not allow it.",
    faults.RemoteFull: "Drive is full.",
    faults.LocalFull: "There is no room on this disk.",
    faults.LocalOpen: "It was opened meanwhile; it will be looked at again.",
    faults.LocalChanged: "It was changed meanwhile; it will be looked at again.",
}
ENDS: dict[type[faults.Fault], Pause] = {
    faults.DeadGrant: Pause.RECONNECT,
    faults.Busy: Pause.BUSY,
    faults.Unmounted: Pause.UNMOUNTED,
}
DISK = (faults.LocalRefused, faults.LocalChanged, faults.LocalExists, faults.LocalGone)
DISK_REFUSES = "The disk here refuses. Nothing is deleted."
DETAILS = {
    Pause.RECONNECT: "Google does not accept the connection any more: connect again.",
    Pause.OFFLINE: "Drive does not answer. It goes on by itself.",
    Pause.BUSY: "Drive wants fewer requests. It goes on by itself.",
    Pause.UNMOUNTED: "The folder of the Drive is not the one that was synced. Nothing is deleted.",
    Pause.REMOTE_FULL: "Your Drive is full: make room there. What is new stays here meanwhile.",
    Pause.LOCAL_FULL: "There is no room left here: delete something. What is new in Drive waits.",
    Pause.NO_FOLDERS: "No folders are chosen yet.",
}


@dataclass
class Troubles:
    """Of one cycle."""

    blocked: dict[str, str] = field(default_factory=dict)
    """What is left alone until the next cycle, and why."""
    tries: dict[str, int] = field(default_factory=dict)
    pause: Pause | None = None
    again: bool = False
    ended: bool = False
    lost_in_row: int = 0

    def went_well(self) -> None:
        self.lost_in_row = 0

    def meet(self, op: Op, fault: faults.Fault) -> bool:
        """Whether the file is to be asked for again, and planned anew in this cycle."""
        name, why = key(op), _sentence(fault)
        if isinstance(fault, (faults.Changed, faults.Gone, faults.Exists)):
            self.tries[name] = self.tries.get(name, 0) + 1
            if self.tries[name] < MOST_TRIES:
                return True
            self.again = True
        self.blocked[name] = why
        for kind, pause in ENDS.items():
            if isinstance(fault, kind):
                self.pause, self.ended = pause, True
        match fault:
            case faults.Lost():
                self.lost_in_row += 1
                self.again = True
                if self.lost_in_row >= MOST_LOST:
                    self.pause, self.ended = Pause.OFFLINE, True
            case faults.RemoteFull():
                self.pause = self.pause or Pause.REMOTE_FULL
            case faults.LocalFull():
                self.pause = self.pause or Pause.LOCAL_FULL
            case faults.LocalChanged() | faults.LocalExists() | faults.LocalGone():
                self.again = True
            case _:
                pass
        return False

    def allows(self, op: Op) -> bool:
        if key(op) in self.blocked:
            return False
        if self.pause is Pause.REMOTE_FULL and isinstance(op, (Create, Update)):
            return False
        return not (self.pause is Pause.LOCAL_FULL and isinstance(op, (Bring, Deliver, FolderHere)))


def _sentence(fault: faults.Fault) -> str:
    for kind, sentence in SENTENCES.items():
        if isinstance(fault, kind):
            return f"{sentence} {fault}".strip()
    return str(fault) or "It will be looked at again."
