"""What came from another Google account: it is never sent to this one unasked.

What that account's Drive has, too, goes to the trash here. What was changed since stays where it
is, alone, until that account is connected again or somebody saves it as a file of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from drivesync.match import match
from drivesync.model import Account, LocalFile, Path
from drivesync.ops import TrashHere
from drivesync.trees import Disk, Former, Synced
from drivesync.view import View

if TYPE_CHECKING:
    from drivesync.planner import Plan
    from drivesync.state import State

OPEN = "It is open, and came from another Google account."
WRITING = "It is being written just now."


def change_account(state: State, disk: Disk, root: str, email: str, to: Account) -> None:
    """All that is known of the account of this ``root`` is forgotten, but which files on disk are
    from there."""
    where = match(state.synced, disk, root).where
    found = dict(state.former)
    for one in state.synced.values():
        path = where.get(one.id) or _was_at(state.synced, one, root)
        file = disk.files.get(path)
        found[path] = Former(root, email, one.md5, file.stamp if file else one.stamp)
    for path in state.left:
        if (file := disk.files.get(path)) is not None:
            found[path] = Former(root, email, "", file.stamp)
    state.forget_all()
    for path, former in found.items():
        if former.root != to.root:
            state.former[path] = former


def follow(state: State, disk: Disk) -> None:
    """Those that were renamed are still what they were; those that are gone are forgotten."""
    if not state.former:
        return
    moved = {f.stamp.identity: f for path, f in disk.files.items() if path not in state.former}
    moved.pop(None, None)
    for path, former in list(state.former.items()):
        file = disk.files.get(path)
        if file is None and (now := moved.get(former.stamp.identity)) and _is_renamed(former, now):
            file = now
        if file is not None:
            state.former[file.path] = replace(former, stamp=file.stamp)
        if (file is None and disk.complete) or (file is not None and file.path != path):
            state.former.drop(path)


def settle(view: View, plan: Plan, file: LocalFile) -> bool:
    """Whether that is all there is to do for a file that is not in this account's Drive."""
    path, disk = file.path, view.trees.disk
    former = view.trees.former.get(path)
    if former is None:
        return False
    if file.folder:
        inside = disk.below(path)
        if any(one not in view.trees.former for one in inside):
            return False
        if inside or disk.hides(path) or disk.holds_skipped(path):
            return True
    elif path not in disk.md5:
        plan.held[path] = WRITING
        return True
    elif disk.md5[path] != former.md5:
        plan.unsynced[path] = _sentence(former)
        return True
    if view.is_open(path):
        plan.held[path] = OPEN
    else:
        plan.add(TrashHere("former/" + "/".join(path), file, 0, chosen=True))
    return True


def keeps_place(view: View, path: Path, md5: str) -> bool:
    """Whether a file of the former account is where this one's, with this md5, would go."""
    return path in view.trees.former and view.trees.disk.md5.get(path) != md5


def _sentence(former: Former) -> str:
    whose = former.email or "another Google account"
    return (
        f"It was changed after it came from the Drive of {whose}, and stays on this disk alone."
        " Connect that account again, or save a copy under another name to have it in this Drive."
    )


def _is_renamed(former: Former, file: LocalFile) -> bool:
    now, then = file.stamp, former.stamp
    return file.folder or (now.size, now.mtime_ns) == (then.size, then.mtime_ns)


def _was_at(synced: Mapping[str, Synced], one: Synced, root: str) -> Path:
    names, seen = [one.name], {one.id}
    while one.parent != root and one.parent in synced and one.parent not in seen:
        one = synced[one.parent]
        seen.add(one.id)
        names.append(one.name)
    return tuple(reversed(names))
