"""What a plan is told as: what is not synced, what is left alone, which conflict copies stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from drivesync.match import match
from drivesync.model import Path, Skipped
from drivesync.ops import Bring, Create, Deliver, FolderThere, MoveThere, Update, key
from drivesync.planner import Plan
from drivesync.report import Conflict, Unsynced
from drivesync.state import State
from drivesync.trees import Disk, Synced

WRITING = "It is being written just now."
BOTH = "Drive has another version; both are kept once that one is here."
NOT_YET = "It is not in Drive yet."
Synceds = Mapping[str, Synced]
"""By id."""


def unsynced(
    plan: Plan, disk: Disk, synced: Synceds, blocked: Mapping[str, str], over: bool
) -> list[Unsynced]:
    """``over``: the cycle is. What is still to go up is told beside it, of files with bytes."""
    reasons = {**plan.unsynced}
    files = disk.files
    unread = [path for path in files if not files[path].folder and path not in disk.md5]
    reasons |= {path: plan.held.get(path, WRITING) for path in unread}
    for op in plan.ops:
        match op:
            case Create() | Update() | FolderThere() if key(op) in blocked:
                reasons[op.local.path] = blocked[key(op)]
            case MoveThere() if over or key(op) in blocked:
                reasons[op.path] = blocked.get(key(op), NOT_YET)
            case FolderThere() if over:
                reasons[op.local.path] = NOT_YET
            case Bring() | Deliver() if (path := _waits_for(op, disk, synced)) is not None:
                reasons[path] = blocked.get(key(op), BOTH)
            case _:
                pass
    return _listed(reasons)


def _waits_for(op: Bring | Deliver, disk: Disk, synced: Synceds) -> Path | None:
    """What is edited here, and goes up once Drive's version is beside it."""
    if isinstance(op, Bring):
        return op.path if op.aside is not None else None
    one, path = synced.get(op.remote.id), op.local.path
    return path if one is None or disk.md5.get(path) != one.md5 else None


def by_memory(state: State, disk: Disk, root: str) -> list[Unsynced]:
    """What Drive does not have as it is here, where Drive was not asked."""
    found, synced = match(state.synced, disk, root), state.synced
    waiting: dict[Path, str] = {}
    for path, file in disk.files.items():
        one, former = synced.get(found.id.get(path, "")), state.former.get(path)
        md5 = "" if file.folder else disk.md5.get(path)
        if one is not None:
            at = found.id.get(path[:-1]), path[-1]
            is_there = md5 == one.md5 and at == (one.parent, one.name)
        else:
            is_there = former is not None and former.md5 == md5
        if not is_there:
            waiting[path] = NOT_YET
    return _listed(waiting)


def left_alone(plan: Plan, skipped: Iterable[Skipped]) -> list[Unsynced]:
    """What Drive does not give first: of the rest there may be more than a list holds."""
    return [*_listed(plan.unbrought), *by_rule(skipped)]


def by_rule(skipped: Iterable[Skipped]) -> list[Unsynced]:
    return [Unsynced("/".join(one.path), one.why.value) for one in skipped]


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
