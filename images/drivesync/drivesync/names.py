"""The name on disk of each file of Drive's, so that each has one and keeps it."""

from __future__ import annotations

from drivesync.model import Path, RemoteFile
from drivesync.titles import free_name, name_of, renders
from drivesync.trees import Synced
from drivesync.view import View, is_folder


class Names:
    """Made for one plan; a folder's names are found when the first of them is asked for."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._found: dict[str, dict[str, str]] = {}

    def of(self, file: RemoteFile) -> str:
        if file.parent not in self._found:
            self._found[file.parent] = self._names(file.parent)
        return self._found[file.parent][file.id]

    def moved(self, file: RemoteFile, synced: Synced) -> bool:
        """Whether it has another place in Drive than it had."""
        ending = self._view.shape(file).ending
        return (
            (file.parent, file.title) != (synced.parent, synced.title)
        ) or not synced.name.endswith(ending)

    def asked(self, file: RemoteFile) -> str:
        return name_of(file.title, file.id, self._view.shape(file).ending)

    def _names(self, folder: str) -> dict[str, str]:
        view = self._view
        inside = view.scoped.inside.get(folder, ())
        files = sorted((f for f in inside if f.id in view.scoped.files), key=lambda f: f.id)
        found: dict[str, str] = {}
        for file in files:
            if kept := self._kept(file):
                found[file.id] = kept
        taken = {*found.values(), *self._staying(folder)}
        for file in files:
            if file.id not in found:
                also = self._in_the_way(folder, file)
                found[file.id] = free_name(self.asked(file), taken | also)
                taken.add(found[file.id])
        return found

    def _kept(self, file: RemoteFile) -> str:
        synced = self._view.trees.synced.get(file.id)
        if synced is not None and not self.moved(file, synced):
            return "" if self._is_replaced(file, synced) else synced.name
        match = self._view.match
        here = match.where.get(file.id) or self._view.reserved.get(file.id)
        if not here or self._view.place(here) != file.parent:
            return ""
        if match.id.get(here, file.id) != file.id:
            return ""
        return here[-1] if renders(here[-1], self.asked(file)) else ""

    def _is_replaced(self, file: RemoteFile, synced: Synced) -> bool:
        """Whether it is not on disk any more, and something else has its name there."""
        view, path = self._view, self._view.match.where.get(file.parent)
        if path is None or file.id in view.match.where:
            return False
        return (*path, synced.name) in view.trees.disk.files

    def _staying(self, folder: str) -> set[str]:
        """Names on disk that will not become free."""
        view, path = self._view, self._view.match.where.get(folder)
        if path is None:
            return set()
        names = {one[-1] for one in view.trees.disk.skipped if one and one[:-1] == path}
        for name, child in view.trees.disk.children.get(path, {}).items():
            file = view.scoped.files.get(view.match.id.get(child, ""))
            if file is not None and not self.moved(file, view.trees.synced[file.id]):
                names.add(name)
        return names

    def _in_the_way(self, folder: str, file: RemoteFile) -> set[str]:
        """What is new on disk: it is the same file if it could be, else its name is taken."""
        view, path = self._view, self._view.match.where.get(folder)
        if path is None:
            return set()
        return {
            name
            for name, child in view.trees.disk.children.get(path, {}).items()
            if child not in view.match.id
            and (file.id in view.trees.synced or not self._alike(file, child))
        }

    def _alike(self, file: RemoteFile, path: Path) -> bool:
        if self._view.trees.reserved.get(path) is not None:
            reserved = self._view.trees.reserved[path].id
            if reserved != file.id and reserved in self._view.scoped.files:
                return False
        return self._view.trees.disk.files[path].folder == is_folder(file)
