"""What to do for a file that is missing on one side: it follows into the trash, or comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivesync.contents import base
from drivesync.model import Path, RemoteFile
from drivesync.ops import Bring, FolderHere, Forget, Leave, TrashHere, TrashThere
from drivesync.places import NO_DOWNLOAD, wait_for
from drivesync.trees import Synced
from drivesync.view import View, is_folder

if TYPE_CHECKING:
    from drivesync.names import Names
    from drivesync.planner import Plan

NOT_CHOSEN = "Its folder is not chosen any more, and Drive does not have this version."


class Departures:
    """An edit wins over a removal, on either side."""

    def __init__(self, view: View, names: Names, plan: Plan) -> None:
        self._view, self._names, self._plan = view, names, plan
        self._doomed: dict[str, bool] = {}

    def left_both(self, synced: Synced) -> None:
        if not self._hidden(synced):
            self._plan.add(Forget(synced.id))

    def left_the_disk(self, synced: Synced, remote: RemoteFile) -> None:
        view = self._view
        above = view.match.where.get(remote.parent)
        if self._hidden(synced):
            return
        if self._is_doomed(remote):
            if not self._is_doomed(view.scoped.files.get(remote.parent)):
                path = self._was_at(synced)
                if not self._is_known(remote):
                    self._plan.held[path] = "What is in it in Drive is listed once more before."
                    return
                there = view.trees.disk.files.get(path)
                self._plan.add(TrashThere(remote, path, there, self._count(remote)))
            return
        if above is None:
            return
        path = (*above, self._names.of(remote))
        if path in view.trees.disk.files:
            wait_for(view, self._plan, path)
            return
        if is_folder(remote):
            self._plan.add(FolderHere(remote, path))
        elif not view.shape(remote).version:
            return  # what is in it is told later
        elif view.comes(remote):
            self._plan.add(Bring(remote, path))
        else:
            self._plan.unbrought[path] = NO_DOWNLOAD

    def left_drive(self, synced: Synced, path: Path) -> None:
        view, disk = self._view, self._view.trees.disk
        file, chosen_away = disk.files[path], synced.id in view.scoped.alive
        moved_here = self._moved_here(synced, path)
        # Moved out of its folder before that was un-chosen, it is a new file where it is.
        leave = chosen_away and not moved_here
        keep = Leave(synced.id, path) if leave else Forget(synced.id)
        if synced.folder:
            inside = [view.match.id.get(one) for one in disk.children.get(path, {}).values()]
            if any(id_ and id_ not in view.scoped.files for id_ in inside):
                return
            if inside or disk.holds_skipped(path):
                self._plan.add(keep)
                return
        else:
            md5 = disk.md5.get(path)
            if md5 is None:
                self._plan.held[path] = "It is being written just now."
                return
            was = view.trees.remote.get(synced.id)
            known = base(synced, was) if was is not None else synced
            if md5 != known.md5 or moved_here:
                self._plan.add(keep)
                return
        if view.is_open(path):
            self._plan.held[path] = "It is open, and was removed in Drive."
        elif disk.complete:
            files = 0 if synced.folder else 1
            self._plan.add(TrashHere(synced.id, file, files, chosen_away))

    def _moved_here(self, synced: Synced, path: Path) -> bool:
        """It, or a folder that it is in and that has left Drive with it."""
        view: View = self._view
        while path:
            above = view.match.id.get(path[:-1])
            if (above, path[-1]) != (synced.parent, synced.name):
                return True
            if above is None or above not in view.trees.synced or view.known(above):
                return False
            synced, path = view.trees.synced[above], path[:-1]
        return False

    def _hidden(self, synced: Synced) -> bool:
        return self._view.trees.disk.hides(self._was_at(synced))

    def _was_at(self, synced: Synced) -> Path:
        names: list[str] = []
        one: Synced | None = synced
        while one is not None and len(names) < 200:
            names.append(one.name)
            if one.parent in self._view.match.where:
                return (*self._view.match.where[one.parent], *reversed(names))
            one = self._view.trees.synced.get(one.parent)
        return tuple(reversed(names))

    def _is_doomed(self, remote: RemoteFile | None) -> bool:
        """Whether it goes to Drive's trash: with all that is in it, so nothing may be news."""
        if remote is None:
            return False
        if remote.id not in self._doomed:
            self._doomed[remote.id] = False
            self._doomed[remote.id] = self._is_unwanted(remote)
        return self._doomed[remote.id]

    def _is_unwanted(self, remote: RemoteFile) -> bool:
        view = self._view
        synced = view.trees.synced.get(remote.id)
        if synced is None or remote.id in view.match.where or remote.id in view.scoped.between:
            return False
        if not view.writable(remote) or self._names.moved(remote, synced):
            return False
        if self._hidden(synced):
            return False
        if is_folder(remote):
            inside = view.scoped.inside.get(remote.id, ())
            return remote.id in view.trees.listed and all(map(self._is_doomed, inside))
        version = view.shape(remote).version
        return bool(version) and version in (base(synced, remote).version, synced.delivered)

    def _is_known(self, remote: RemoteFile) -> bool:
        """Whether nothing can be in there that was never seen: one list is not always all of it."""
        if not is_folder(remote):
            return True
        inside = self._view.scoped.inside.get(remote.id, ())
        return self._view.trees.listed.get(remote.id, False) and all(map(self._is_known, inside))

    def _count(self, remote: RemoteFile) -> int:
        if not is_folder(remote):
            return 1
        return sum(map(self._count, self._view.scoped.inside.get(remote.id, ())))
