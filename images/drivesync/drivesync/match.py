"""Which file on disk is which synced one: by path, and by identity for what was moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivesync.model import LocalFile, Path
from drivesync.trees import Disk, Synced

Identity = tuple[int, int] | None
MEANWHILE = "being renamed"
"""In the name of a file that makes way for another one."""


@dataclass
class Match:
    """``where`` each synced id is on disk, and the ``id`` of each path; the rest is new or gone."""

    where: dict[str, Path] = field(default_factory=dict)
    id: dict[Path, str] = field(default_factory=dict)

    def bind(self, id_: str, path: Path) -> None:
        self.where[id_] = path
        self.id[path] = id_


def match(synced: Mapping[str, Synced], disk: Disk, root: str) -> Match:
    """A folder is followed by its identity first, since no program replaces folders in one step. A
    file is what is at its path, since editors do replace files; elsewhere it is the same one only
    if nothing but its name changed. What has no identity is what is at its path."""
    inside: dict[str, list[Synced]] = {}
    for one in synced.values():
        inside.setdefault(one.parent, []).append(one)
    folders = {file.stamp.identity for file in disk.files.values() if file.folder} - {None}
    found = Match()
    found.bind(root, ())
    _descend(root, inside, disk, folders, found)
    astray = _in_order(inside, root, synced, found)
    if not astray:
        return found
    left = {one.stamp.identity: one for path, one in disk.files.items() if path not in found.id}
    left.pop(None, None)
    for one in astray:
        file = left.get(one.stamp.identity)
        if not one.folder or one.id in found.where or file is None or file.path in found.id:
            continue
        if file.folder:
            found.bind(one.id, file.path)
            _descend(one.id, inside, disk, folders, found)
    for one in astray:
        file = left.get(one.stamp.identity)
        if one.folder or one.id in found.where or file is None or file.path in found.id:
            continue
        if _only_renamed(one, file):
            found.bind(one.id, file.path)
    return found


def _descend(
    top: str, inside: Mapping[str, list[Synced]], disk: Disk, folders: set[Identity], found: Match
) -> None:
    queue = [top]
    for above in queue:
        for one in inside.get(above, ()):
            path = (*found.where[above], one.name)
            if one.id in found.where or path in found.id:
                continue
            if _is_at(one, disk.files.get(path), folders):
                found.bind(one.id, path)
                if one.folder:
                    queue.append(one.id)


def _is_at(one: Synced, file: LocalFile | None, folders: set[Identity]) -> bool:
    if file is None or file.folder != one.folder:
        return False
    if not one.folder or file.stamp.identity == one.stamp.identity:
        return True
    return one.stamp.identity not in folders


def _in_order(
    inside: Mapping[str, list[Synced]], root: str, synced: Mapping[str, Synced], found: Match
) -> list[Synced]:
    """What was not found, folders before what is in them."""
    order: dict[str, Synced] = {}
    tops = [id_ for id_ in inside if id_ == root or id_ not in synced]
    queue = [one for top in tops for one in inside[top]]
    for one in queue:
        order[one.id] = one
        if one.folder:
            queue.extend(inside.get(one.id, ()))
    return [one for one in order.values() if one.id not in found.where]


def _only_renamed(one: Synced, file: LocalFile) -> bool:
    there, then = file.stamp, one.stamp
    if file.folder:
        return False
    # Nobody but the sync gives it such a name, so it is what it was, also when it was edited.
    return MEANWHILE in file.path[-1] or (
        (there.size, there.mtime_ns) == (then.size, then.mtime_ns)
    )
