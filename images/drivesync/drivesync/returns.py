"""What went to Drive's trash with its folder, and was edited there in that moment, comes back here.

A folder is thrown away in one request, which asks of no file in it whether it has changed. So what
each was like is remembered a while, and the list of changes tells the rest.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drivesync.copies import delivered_before, from_drive
from drivesync.model import Kind, Path, RemoteFile
from drivesync.ops import Bring
from drivesync.trees import Thrown
from drivesync.view import View

if TYPE_CHECKING:
    from drivesync.planner import Plan
    from drivesync.state import State

REMEMBERED_FOR = timedelta(minutes=10)
"""The list of changes may be late."""


def come_back(view: View, plan: Plan) -> None:
    for id_, thrown in view.trees.thrown.items():
        remote = view.trees.remote.get(id_)
        if remote is not None and _was_edited(view, remote, thrown):
            _bring(view, plan, remote, tuple(thrown.path.split("/")))


def forget_old(state: State, now: datetime) -> None:
    for id_, thrown in list(state.thrown.items()):
        age = abs(now - datetime.fromisoformat(thrown.at))
        if age > REMEMBERED_FOR or id_ in state.synced:
            state.thrown.drop(id_)


def _was_edited(view: View, remote: RemoteFile, thrown: Thrown) -> bool:
    if remote.kind is not Kind.FILE or not remote.downloadable or remote.id in view.scoped.alive:
        return False
    return remote.md5 not in thrown.versions.split()


def _bring(view: View, plan: Plan, remote: RemoteFile, path: Path) -> None:
    disk = view.trees.disk
    if disk.hides(path) or disk.md5.get(path) == remote.md5:
        return
    if path in disk.files:
        if delivered_before(view, remote, path):
            return
        path = from_drive(view, path)
    plan.add(Bring(remote, path, back=True))
