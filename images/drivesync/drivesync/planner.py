"""Makes operations of the trees: what to do for each file, by what became of it on each side."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivesync import arrivals, departures, places, returns
from drivesync.model import Path
from drivesync.names import Names
from drivesync.ops import MoveHere, Op
from drivesync.refusals import set_aside
from drivesync.view import View


@dataclass
class Plan:
    """``waiting`` are moves out of the way, for when nothing else goes on. ``held`` is
    left until a document is closed, a folder is readable, a file is no more being written;
    ``unsynced`` is on disk and does not go to Drive, for the reason that is told."""

    ops: list[Op] = field(default_factory=list)
    waiting: list[MoveHere] = field(default_factory=list)
    held: dict[Path, str] = field(default_factory=dict)
    unsynced: dict[Path, str] = field(default_factory=dict)
    unbrought: dict[Path, str] = field(default_factory=dict)
    """Drive has it, and does not give it."""

    def add(self, op: Op) -> None:
        self.ops.append(op)


def plan(view: View) -> Plan:
    """in Drive      not in Drive
    synced, on disk     places        departures
    synced, not on disk departures    departures
    new, on disk        arrivals      arrivals
    new, not on disk    arrivals
    """
    made, names = Plan(), Names(view)
    going = departures.Departures(view, names, made)
    for id_, synced in view.trees.synced.items():
        remote, path = view.scoped.files.get(id_), view.match.where.get(id_)
        if remote is not None and path is not None:
            if places.is_settled(view, synced, remote, path):
                continue
            places.settle(view, names, made, synced)
        elif remote is not None:
            going.left_the_disk(synced, remote)
        elif path is not None:
            going.left_drive(synced, path)
        else:
            going.left_both(synced)
    arrivals.arrive(view, names, made)
    returns.come_back(view, made)
    if not made.ops and made.waiting:
        made.add(made.waiting[0])
    set_aside(view, made)
    return made
