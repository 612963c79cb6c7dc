"""Which files of Drive are synced: those below a chosen folder, and what was made here."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from drivesync.ignores import ignored
from drivesync.model import Kind, RemoteFile
from drivesync.options import Options


@dataclass
class Scoped:
    """``files`` appear on disk. Of ``between``, folders that lead to a chosen one (My Drive itself
    among them), nothing else does. ``alive`` is all that is not in Drive's trash."""

    root: str
    files: dict[str, RemoteFile] = field(default_factory=dict)
    between: set[str] = field(default_factory=set)
    alive: set[str] = field(default_factory=set)
    inside: dict[str, list[RemoteFile]] = field(default_factory=dict)
    """All that is known by its folder, what is in the trash left out."""

    def within(self, id_: str, folder: str) -> bool:
        """Whether it is that folder, or below it."""
        seen: set[str] = set()
        while id_ not in seen:
            if id_ == folder:
                return True
            seen.add(id_)
            if id_ not in self.files:
                return False
            id_ = self.files[id_].parent
        return False


def scope(
    remote: Mapping[str, RemoteFile], root: str, options: Options, here: Container[str]
) -> Scoped:
    found = Scoped(root)
    for file in remote.values():
        if not file.trashed:
            found.inside.setdefault(file.parent, []).append(file)
    if not options.everything:
        found.between = _leading(remote, root, options.folders)
    found.alive.add(root)
    queue = [(root, options.everything)]
    for folder, whole in queue:
        for file in found.inside.get(folder, ()):
            if file.id in found.alive or ignored(file.title):
                continue  # the disk would not show it: it would look like deleted there
            found.alive.add(file.id)
            leads = file.id in found.between
            ours = folder in found.between and file.id in here
            inner = whole or file.id in options.folders or ours
            if inner or leads:
                found.files[file.id] = file
            if file.kind is Kind.FOLDER:
                queue.append((file.id, inner))
    found.between -= {id_ for id_, whole in queue if whole}
    return found


def _leading(remote: Mapping[str, RemoteFile], root: str, chosen: Container[str]) -> set[str]:
    between = {root}
    for id_ in [one for one in remote if one in chosen]:
        way: list[str] = []
        above = remote[id_].parent
        while above in remote and above not in way and above != root:
            way.append(above)
            above = remote[above].parent
        if above == root:
            between.update(way)
    return between
