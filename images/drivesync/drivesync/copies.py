"""Names of the copies that are made where both sides have changed."""

from __future__ import annotations

from drivesync.model import Path, RemoteFile
from drivesync.titles import beside, split
from drivesync.view import View

HERE = "conflict from this notebook"
DRIVE = "from Drive"


def from_here(view: View, path: Path) -> Path:
    return _copy(view, path, HERE)


def from_drive(view: View, path: Path) -> Path:
    return _copy(view, path, DRIVE)


def _copy(view: View, path: Path, words: str) -> Path:
    disk = view.trees.disk
    taken = {*disk.children.get(path[:-1], ())}
    taken |= {one[-1] for one in disk.skipped if one[:-1] == path[:-1]}
    moment = view.now.at.strftime("%Y-%m-%d %H.%M")
    return (*path[:-1], beside(path[-1], f"{words}, {moment}", taken))


def delivered_before(view: View, remote: RemoteFile, path: Path) -> bool:
    """Whether a crash forgot that the copy is there already."""
    disk, (stem, _) = view.trees.disk, split(path[-1])
    start = f"{stem} ({DRIVE}, "
    return any(
        name.startswith(start) and disk.md5.get(child) == remote.md5
        for name, child in disk.children.get(path[:-1], {}).items()
    )
