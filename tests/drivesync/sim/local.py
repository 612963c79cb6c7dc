"""A disk in memory: ``sides.Local`` as it is promised, with what other programs do."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from drivesync.faults import LocalChanged, LocalExists, LocalFull, LocalGone, Unmounted
from drivesync.model import LocalFile, Path, Scan, Skipped, Stamp, Why
from drivesync.options import OpenDocuments
from drivesync.sides import Incoming, Source

from tests.drivesync.sim.remote import md5_of
from tests.drivesync.sim.world import World


@dataclass
class Inode:
    number: int
    folder: bool
    data: bytes = b""
    mtime: int = 0
    ctime: int = 0
    read_only: bool = False
    born: int = 0


@dataclass
class InMemory:
    data: bytes = b""
    room: int = 10**9
    written: list[bytes] = field(default_factory=list)

    def write(self, data: bytes) -> None:
        self.data += data

    def restart(self) -> None:
        self.data = b""

    def discard(self) -> None:
        pass


class SimSource:
    def __init__(self, local: SimLocal, file: LocalFile, md5: str) -> None:
        self._local, self._file, self.md5 = local, file, md5
        self.size = file.stamp.size

    def open(self) -> BinaryIO:
        return io.BytesIO(self._local.read_as(self._file))


class SimLocal:
    def __init__(self, world: World) -> None:
        self.world = world
        self.tree: dict[Path, Inode] = {}
        self.trashed: list[tuple[Path, Inode, bytes]] = []
        self.skipped: set[Path] = set()
        self.mounted, self.complete, self.room = True, True, 10**9
        self._inodes = 0
        self.opened: Callable[[], OpenDocuments] = frozenset
        """Files that nobody may take away; asked at once when one is about to be."""

    # what programs here do

    def write(self, path: Path, data: bytes, replace: bool = False) -> None:
        """In place, or as editors do: a new file over the old one."""
        self.world.written.add(data)
        node = self.tree.get(path)
        if node is None or replace:
            self.tree[path] = self._new(False, data)
        else:
            self.write_into(node, data)

    def write_into(self, node: Inode, data: bytes) -> None:
        """Through a handle: wherever the file is by now."""
        self.world.written.add(data)
        node.data = data
        node.mtime = node.ctime = self.world.tick()

    def folder(self, path: Path) -> None:
        self.tree[path] = self._new(True)

    def rename(self, old: Path, new: Path) -> None:
        for path in [p for p in self.tree if p[: len(old)] == old]:
            self.tree[new + path[len(old) :]] = self.tree.pop(path)
        self.tree[new].ctime = self.world.tick()

    def remove(self, path: Path) -> None:
        for one in [p for p in self.tree if p[: len(path)] == path]:
            del self.tree[one]

    def holds(self) -> set[bytes]:
        found = {node.data for node in self.tree.values() if not node.folder}
        return found | {data for _, node, kept in self.trashed for data in (node.data, kept)}

    # sides.Local

    def require_mounted(self) -> None:
        self.world.boundary("before require_mounted")
        if not self.mounted:
            raise Unmounted

    def scan(self) -> Scan:
        self.world.boundary("before scan")
        files = [self._file(p) for p in sorted(self.tree, key=len) if not self._is_skipped(p)]
        found = Scan(
            tuple(files),
            tuple(Skipped(path, Why.IGNORED) for path in sorted(self.skipped)),
            self.complete,
        )
        self.world.boundary("after scan")
        return found

    def look(self, path: Path) -> LocalFile | None:
        self.world.boundary("before look")
        return self._file(path) if path in self.tree and not self._is_skipped(path) else None

    def md5(self, file: LocalFile) -> str:
        self.world.boundary("before md5")
        return md5_of(self.read_as(file))

    def source(self, file: LocalFile, md5: str) -> Source:
        return SimSource(self, file, md5)

    def make_folder(self, path: Path) -> LocalFile:
        self.world.boundary("before make_folder")
        self._require_place(path)
        self.folder(path)
        file = self._file(path)
        self.world.boundary("after make_folder")
        return file

    def incoming(self, size: int) -> Incoming:
        full = self.world.chances.full
        if size > self.room or (full and self.world.random.random() < full):
            raise LocalFull
        return InMemory()

    def place(
        self,
        incoming: Incoming,
        path: Path,
        over: LocalFile | None,
        modified_ms: int,
        read_only: bool = False,
    ) -> LocalFile:
        assert isinstance(incoming, InMemory)
        if over is not None:
            self._require_closed(over)
        self.world.boundary("before place")
        if over is None:
            self._require_place(path)
        else:
            self._require(over)
            assert over.path == path
            old = self.tree[path]
            self.trashed.append((path, old, old.data))
        self.tree[path] = self._new(False, incoming.data)
        self.tree[path].read_only = read_only
        self.tree[path].mtime = modified_ms * 1_000_000
        file = self._file(path)
        self.world.boundary("after place")
        return file

    def move(self, file: LocalFile, path: Path) -> LocalFile:
        self._require_closed(file)
        self.world.boundary("before move")
        self._require(file)
        self._require_place(path)
        assert path[: len(file.path)] != file.path, "a folder was moved into itself"
        self.rename(file.path, path)
        self.world.boundary("after move")
        if path not in self.tree:
            raise LocalGone
        return self._file(path)

    def trash(self, file: LocalFile) -> None:
        self._require_closed(file)
        self.world.boundary("before trash_here")
        self._require(file)
        if file.folder:
            if any(p[:-1] == file.path for p in [*self.tree, *self.skipped]):
                raise LocalExists
        else:
            node = self.tree[file.path]
            self.trashed.append((file.path, node, node.data))
        del self.tree[file.path]
        self.world.boundary("after trash_here")

    def late(self) -> list[LocalFile]:
        found: list[LocalFile] = []
        for number, (path, node, kept) in enumerate(self.trashed):
            if node.data != kept:
                above = path[:-1] if path[:-1] in self.tree and self.tree[path[:-1]].folder else ()
                copy = (*above, f"{path[-1]} (late {self.world.tick()})")
                self.tree[copy] = self._new(False, node.data)
                self.trashed[number] = (path, Inode(0, False, kept), kept)
                found.append(self._file(copy))
        return found

    def free_bytes(self) -> int:
        return self.room

    # inside

    def read_as(self, file: LocalFile) -> bytes:
        self._require(file)
        return self.tree[file.path].data

    def _is_skipped(self, path: Path) -> bool:
        return any(path[:length] in self.skipped for length in range(1, len(path) + 1))

    def _new(self, folder: bool, data: bytes = b"") -> Inode:
        self._inodes += 1
        now = self.world.tick()
        return Inode(self._inodes, folder, data, now, now, born=now)

    def _file(self, path: Path) -> LocalFile:
        node = self.tree[path]
        if node.folder:
            return LocalFile(path, True, Stamp(node.number, 0, 0, 0, node.born))
        stamp = Stamp(node.number, len(node.data), node.mtime, node.ctime, node.born)
        return LocalFile(path, False, stamp)

    def _require_closed(self, file: LocalFile) -> None:
        """A document that is open is never taken away under it."""
        opened = self.opened()
        if opened is None:
            assert file.folder, f"{file.path}: may be open"
        else:
            assert file.path not in opened, f"{file.path}: open"
            inside = [one for one in opened if one[: len(file.path)] == file.path]
            assert not inside, f"{file.path}: {inside} are open"

    def _require(self, file: LocalFile) -> None:
        if file.path not in self.tree:
            raise LocalGone
        if self._file(file.path) != file:
            raise LocalChanged

    def _require_place(self, path: Path) -> None:
        if path in self.tree:
            raise LocalExists
        if path[:-1] and (path[:-1] not in self.tree or not self.tree[path[:-1]].folder):
            raise LocalGone
