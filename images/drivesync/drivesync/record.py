"""Writes into the trees what an operation came to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from drivesync.actions import Effect
from drivesync.model import LocalFile, Path, RemoteFile
from drivesync.ops import (
    Adopt,
    Bring,
    Create,
    Deliver,
    Delivered,
    FolderHere,
    FolderThere,
    Forget,
    Leave,
    MoveHere,
    MoveThere,
    Op,
    Recognise,
    TrashHere,
    TrashThere,
    Update,
)
from drivesync.report import Conflict
from drivesync.state import State
from drivesync.trees import Disk, Synced, Thrown
from drivesync.view import View, is_folder


@dataclass(frozen=True)
class Record:
    """Of one round: ``view`` is what its operations were made of."""

    state: State
    disk: Disk
    view: View
    now: datetime

    def write(self, op: Op, effect: Effect) -> None:  # noqa: PLR0912  one case for each
        state, disk = self.state, self.disk
        if effect.remote is not None:
            state.remote[effect.remote.id] = effect.remote
        match op:
            case Adopt():
                file = disk.files[op.path]
                self._equal(op.remote, file, op.version, op.md5, op.name)
            case Delivered():
                self._deliver(op.remote, disk.files[op.path], op.version)
            case Recognise():
                self._recognised(op)
            case Forget():
                state.synced.drop(op.id)
            case Leave():
                state.left[op.path] = op.id
                state.synced.drop(op.id)
            case MoveHere():
                self._moved(op, effect)
            case MoveThere():
                self._moved_there(op, effect)
            case FolderHere() | FolderThere():
                self._folder(op, effect)
            case Create():
                self._created(op, effect)
            case Update():
                self._updated(op, effect)
            case Bring():
                self._brought(op, effect)
            case Deliver():
                assert effect.local is not None
                disk.put(effect.local, effect.md5)
                self._deliver(op.remote, op.local, self.view.shape(op.remote).version)
                self._conflict(op.local.path, op.copy)
            case TrashHere():
                disk.remove(op.local.path)
                state.synced.drop(op.id)
                state.former.drop(op.local.path)
            case TrashThere():
                self._trashed_there(op)

    def _equal(
        self, remote: RemoteFile, file: LocalFile, version: str, md5: str, name: str = ""
    ) -> None:
        """With a ``name``, it is not at its place yet: that stays as it was."""
        before = self.state.synced.get(remote.id) if name else None
        between = remote.parent in self.view.scoped.between
        # What leads to a chosen folder, or is chosen, is not here because it was made here.
        chosen = remote.id in self.view.now.options.folders
        self.state.synced[remote.id] = Synced(
            id=remote.id,
            parent=remote.parent if before is None else before.parent,
            name=name or file.path[-1],
            title=remote.title if before is None else before.title,
            folder=is_folder(remote),
            version=version,
            md5=md5,
            stamp=file.stamp,
            here=between and not chosen and remote.id not in self.view.scoped.between,
        )
        self.state.former.drop(file.path)
        self._settle_reserved(remote.id, file.path)

    def _recognised(self, op: Recognise) -> None:
        file = self.disk.files[op.path]
        self._equal(op.remote, file, op.md5, op.md5)
        one = self.state.synced[op.remote.id]
        here = op.parent in self.view.scoped.between
        self.state.synced[one.id] = replace(one, parent=op.parent, title=op.title, here=here)

    def _settle_reserved(self, id_: str, path: Path) -> None:
        for one in (path, self.view.reserved.get(id_, path)):
            if one in self.state.reserved and self.state.reserved[one].id == id_:
                del self.state.reserved[one]

    def _deliver(self, remote: RemoteFile, file: LocalFile, version: str) -> None:
        before = self.state.synced.get(remote.id)
        if before is None:
            self._equal(remote, file, version, remote.md5)
            before = self.state.synced[remote.id]
        self.state.synced[remote.id] = replace(before, delivered=version)

    def _moved(self, op: MoveHere, effect: Effect) -> None:
        assert effect.local is not None
        self.disk.move(op.local.path, effect.local)
        before = self.state.synced[op.id]
        above = self.view.match.id.get(op.to[:-1], before.parent)
        self.state.synced[op.id] = replace(
            before,
            parent=op.remote.parent if op.remote else above,
            title=op.remote.title if op.remote else before.title,
            name=op.to[-1],
            stamp=effect.local.stamp if before.stamp == op.local.stamp else before.stamp,
        )

    def _moved_there(self, op: MoveThere, effect: Effect) -> None:
        assert effect.remote is not None
        self.state.synced[op.remote.id] = replace(
            self.state.synced[op.remote.id],
            parent=effect.remote.parent,
            title=effect.remote.title,
            name=op.path[-1],
            here=op.between,
        )

    def _folder(self, op: FolderHere | FolderThere, effect: Effect) -> None:
        assert effect.local is not None and effect.remote is not None
        if effect.remote.trashed:
            self._settle_reserved(effect.remote.id, effect.local.path)
            return
        self.disk.put(effect.local)
        self._equal(effect.remote, effect.local, "", "")
        if isinstance(op, FolderThere):
            self.state.listed[effect.remote.id] = True

    def _created(self, op: Create, effect: Effect) -> None:
        remote = effect.remote
        assert remote is not None
        if remote.trashed:  # an earlier try came through, and somebody threw it away since
            self._settle_reserved(remote.id, op.local.path)
            return
        reserved = self.state.reserved.get(op.local.path)
        if remote.md5 in (op.md5, *(reserved.md5.split() if reserved else ())):
            self._equal(remote, op.local, remote.md5, remote.md5)

    def _updated(self, op: Update, effect: Effect) -> None:
        assert effect.remote is not None
        before = self.state.synced[op.remote.id]
        # In the trash together with its folder: an edit brings it back, so it stays one.
        if effect.remote.md5 == op.md5 and not effect.remote.trashed:
            self.state.synced[op.remote.id] = replace(
                before,
                version=op.md5,
                md5=op.md5,
                stamp=op.local.stamp,
                delivered="",
                sending="",
            )

    def _brought(self, op: Bring, effect: Effect) -> None:
        file = effect.local
        assert file is not None
        if effect.aside is not None:
            assert op.over is not None
            self.disk.move(op.over.path, effect.aside)
            self._conflict(op.path, effect.aside.path)
        for folder in effect.folders:
            self.disk.put(folder)
        self.disk.put(file, effect.md5)
        if op.back:
            self.state.thrown.drop(op.remote.id)
            return
        before = self.state.synced.get(op.remote.id)
        name = before.name if op.over is not None and before is not None else ""
        self._equal(op.remote, file, self.view.shape(op.remote).version, effect.md5, name)

    def _trashed_there(self, op: TrashThere) -> None:
        state = self.state
        inside: dict[str, list[Synced]] = {}
        for one in state.synced.values():
            inside.setdefault(one.parent, []).append(one)
        going = [(op.remote.id, op.path)]
        for gone, path in going:
            state.synced.drop(gone)
            for one in inside.get(gone, ()):
                going.append((one.id, (*path, one.name)))
                if not one.folder:
                    versions = f"{one.version} {one.delivered} {one.sending}"
                    state.thrown[one.id] = Thrown(
                        "/".join((*path, one.name)), versions, self.now.isoformat()
                    )

    def _conflict(self, path: Path, copy: Path) -> None:
        one = Conflict("/".join(path), "/".join(copy), self.now)
        self.state.conflicts[one.copy] = one
