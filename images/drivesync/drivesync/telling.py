"""What a plan is told as: what is not synced, what is left alone, which conflict copies stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from drivesync.model import Path, Skipped
from drivesync.ops import Create, FolderThere, MoveThere, Update, key
from drivesync.planner import Plan
from drivesync.report import Conflict, Unsynced
from drivesync.state import State
from drivesync.trees import Disk

WRITING = "It is being written just now."


def unsynced(plan: Plan, disk: Disk, blocked: Mapping[str, str]) -> list[Unsynced]:
    reasons = {**plan.unsynced}
    files = disk.files
    unread = [path for path in files if not files[path].folder and path not in disk.md5]
    reasons |= {path: plan.held.get(path, WRITING) for path in unread}
    for op in plan.ops:
        match op:
            case Create() | Update() | FolderThere() if key(op) in blocked:
                reasons[op.local.path] = blocked[key(op)]
            case MoveThere() if key(op) in blocked:
                reasons[op.path] = blocked[key(op)]
            case _:
                pass
    return _listed(reasons)


def left_alone(plan: Plan, skipped: Iterable[Skipped]) -> list[Unsynced]:
    """What Drive does not give first: of the rest there may be more than a list holds."""
    return [
        *_listed(plan.unbrought),
        *(Unsynced("/".join(one.path), one.why.value) for one in skipped),
    ]


def standing(state: State, disk: Disk) -> list[Conflict]:
    """Forgets the copies that were removed or renamed since, on either side; one that was moved
    under its name is still one."""
    gone = [one for one in state.conflicts.values() if _is_gone(one, disk)]
    if gone:
        by_name: dict[str, list[Path]] = {}
        for path in disk.files:
            if "/".join(path) not in state.conflicts:
                by_name.setdefault(path[-1], []).append(path)
        for one in gone:
            state.conflicts.drop(one.copy)
            found = by_name.get(_names(one.copy)[-1], ())
            if len(found) == 1:
                _moved(state, one, found[0])
    return list(state.conflicts.values())


def _moved(state: State, one: Conflict, copy: Path) -> None:
    path = (*copy[:-1], _names(one.path)[-1])
    state.conflicts["/".join(copy)] = replace(one, path="/".join(path), copy="/".join(copy))


def _is_gone(one: Conflict, disk: Disk) -> bool:
    path = _names(one.copy)
    return path not in disk.files and not disk.hides(path)


def _names(path: str) -> Path:
    return tuple(path.split("/"))


def _listed(reasons: Mapping[Path, str]) -> list[Unsynced]:
    return [Unsynced("/".join(path), why) for path, why in sorted(reasons.items())]
