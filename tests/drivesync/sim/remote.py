"""A Drive in memory: ``sides.Remote`` as it is promised, with what goes wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from drivesync.faults import Changed, CursorRejected, Exists, Gone, Lost, NotAllowed, RemoteFull
from drivesync.model import Account, Change, Changes, Kind, RemoteFile
from drivesync.sides import Incoming, Progress, Source

from tests.drivesync.sim.world import World

ROOT = "root-id"
PAGE = 3


def md5_of(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@dataclass
class Node:
    id: str
    parent: str
    title: str
    kind: Kind
    data: bytes = b""
    version: int = 1
    trashed: bool = False
    modified_ms: int = 0
    revisions: list[bytes] = field(default_factory=list)
    mime: str = ""
    editable: bool = True
    was: RemoteFile | None = None
    """As it was before the last change, for stale lists."""


class SimRemote:
    def __init__(self, world: World, root: str = ROOT, email: str = "ann@example.org") -> None:
        self.world, self.root, self.email = world, root, email
        self.nodes: dict[str, Node] = {}
        self.log: list[str] = []
        self._ids = 0
        self.reject_cursor = False
        self.missing: set[str] = set()
        """What lists do not show."""

    # what the other users of this Drive do

    def put(self, title: str, data: bytes | None = b"", parent: str = "", **more: object) -> str:
        """A file, or a folder where ``data`` is None."""
        id_ = self._new_id()
        kind = Kind.FOLDER if data is None else Kind.FILE
        self.nodes[id_] = Node(id_, parent or self.root, title, kind, data or b"", **more)  # type: ignore[arg-type]
        if data is not None:
            self.world.written.add(data)
        self._touch(id_, new=True)
        return id_

    def edit(self, id_: str, data: bytes) -> None:
        self._write(self.nodes[id_], data)
        self.world.written.add(data)

    def rename(self, id_: str, title: str | None = None, parent: str | None = None) -> None:
        node = self.nodes[id_]
        node.was = self.file(node)
        node.title, node.parent = title or node.title, parent or node.parent
        self._touch(id_)

    def throw(self, id_: str, trashed: bool = True) -> None:
        node = self.nodes[id_]
        node.was = self.file(node)
        node.trashed = trashed
        self._touch(id_)

    def within(self, id_: str, folder: str) -> bool:
        while id_ in self.nodes:
            if id_ == folder:
                return True
            id_ = self.nodes[id_].parent
        return id_ == folder

    def is_trashed(self, node: Node) -> bool:
        while True:
            if node.trashed:
                return True
            if node.parent not in self.nodes:
                return False
            node = self.nodes[node.parent]

    def holds(self) -> set[bytes]:
        """Every byte string that can be found here."""
        found = {data for node in self.nodes.values() for data in node.revisions}
        return found | {node.data for node in self.nodes.values() if node.kind is Kind.FILE}

    # sides.Remote

    def account(self) -> Account:
        return self.world.request("account", lambda: Account(self.root, self.email))

    def cursor(self) -> str:
        return self.world.request("cursor", lambda: str(len(self.log)))

    def changes(self, cursor: str) -> Changes:
        return self.world.request("changes", lambda: self._changes(cursor))

    def children(self, folders: Sequence[str]) -> Iterator[RemoteFile]:
        yield from self.world.request("children", lambda: self._children(folders))

    def get(self, id_: str) -> RemoteFile | None:
        def does() -> RemoteFile | None:
            return self.file(self.nodes[id_]) if id_ in self.nodes else None

        return self.world.request("get", does)

    def new_ids(self, count: int) -> list[str]:
        return self.world.request("new_ids", lambda: [self._new_id() for _ in range(count)])

    def create_folder(self, id_: str, parent: str, title: str) -> RemoteFile:
        def does() -> RemoteFile:
            self._require_new(id_, parent)
            self.nodes[id_] = Node(id_, parent, title, Kind.FOLDER)
            return self._touch(id_, new=True)

        return self.world.request("create_folder", does)

    def create(
        self, id_: str, parent: str, title: str, source: Source, progress: Progress
    ) -> RemoteFile:
        def does() -> RemoteFile:
            data = self._read(source)
            self._require_new(id_, parent)
            self.nodes[id_] = Node(id_, parent, title, Kind.FILE, data)
            progress(len(data))
            return self._touch(id_, new=True)

        return self.world.request("create", does)

    def update(self, of: RemoteFile, source: Source, progress: Progress) -> RemoteFile:
        def does() -> RemoteFile:
            data = self._read(source)
            self._write(self._require(of), data)
            progress(len(data))
            return self.file(self.nodes[of.id])

        return self.world.request("update", does)

    def move(self, of: RemoteFile, parent: str, title: str) -> RemoteFile:
        def does() -> RemoteFile:
            self._require(of)
            if self.within(parent, of.id):
                raise NotAllowed
            if parent != self.root and parent not in self.nodes:
                raise Gone
            self.rename(of.id, title, parent)
            return self.file(self.nodes[of.id])

        return self.world.request("move", does)

    def trash(self, of: RemoteFile) -> RemoteFile:
        def does() -> RemoteFile:
            self._require(of)
            self.throw(of.id)
            return self.file(self.nodes[of.id])

        return self.world.request("trash", does)

    def download(self, of: RemoteFile, into: Incoming, progress: Progress) -> None:
        def does() -> None:
            node = self.nodes.get(of.id)
            if node is None:
                raise Gone
            data = next((d for d in (node.data, *node.revisions) if md5_of(d) == of.md5), None)
            if data is None:
                raise Changed
            into.write(data)
            progress(len(data))

        self.world.request("download", does)

    def export(self, of: RemoteFile, mime: str, into: Incoming) -> None:
        self.world.request("export", lambda: into.write(f"{of.title} as {mime}".encode()))

    # inside

    def file(self, node: Node) -> RemoteFile:
        has_bytes = node.kind is Kind.FILE
        return RemoteFile(
            node.id,
            node.parent,
            node.title,
            node.kind,
            etag=f"e{node.version}",
            md5=md5_of(node.data) if has_bytes else "",
            size=len(node.data),
            revision=f"r{len(node.revisions)}" if has_bytes else "",
            modified_ms=node.modified_ms,
            trashed=self.is_trashed(node),
            mime=node.mime,
            editable=node.editable,
        )

    def _new_id(self) -> str:
        self._ids += 1
        return f"id{self._ids:05}"

    def _touch(self, id_: str, new: bool = False) -> RemoteFile:
        node = self.nodes[id_]
        node.version += 1
        node.modified_ms = self.world.tick() // 1_000_000
        self.log.append(id_)
        return self.file(node)

    def _write(self, node: Node, data: bytes) -> None:
        node.was = self.file(node)
        node.revisions.append(node.data)
        node.data = data
        self._touch(node.id)

    def _require(self, of: RemoteFile) -> Node:
        node = self.nodes.get(of.id)
        if node is None:
            raise Gone
        if f"e{node.version}" != of.etag:
            raise Changed
        return node

    def _require_new(self, id_: str, parent: str) -> None:
        if id_ in self.nodes:
            raise Exists
        if parent != self.root and parent not in self.nodes:
            raise Gone

    def _read(self, source: Source) -> bytes:
        if self.world.chances.full and self.world.random.random() < self.world.chances.full:
            raise RemoteFull
        with source.open() as stream:
            return stream.read()

    def _changes(self, cursor: str) -> Changes:
        if self.reject_cursor:
            self.reject_cursor = False
            raise CursorRejected
        begin = int(cursor)
        ids = self.log[begin : begin + PAGE]
        changes = tuple(
            Change(id_, self.file(self.nodes[id_]) if id_ in self.nodes else None) for id_ in ids
        )
        end = begin + len(ids)
        return Changes(changes, str(end), end == len(self.log))

    def _children(self, folders: Sequence[str]) -> list[RemoteFile]:
        found: list[RemoteFile] = []
        for node in list(self.nodes.values()):
            file, stale = self.file(node), self.world.chances.stale
            if stale and self.world.random.random() < stale:
                if node.was is None or self.world.random.random() < 0.5:
                    continue
                file = node.was
            if file.parent in folders and not file.trashed and node.id not in self.missing:
                found.append(file)
        self.world.random.shuffle(found)
        if self.world.chances.lost and self.world.random.random() < self.world.chances.lost:
            raise Lost
        return found
