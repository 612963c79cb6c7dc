"""All that a plan is made of, and what follows from it: who is where, on either side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drivesync.contents import Shape, shape
from drivesync.match import Match, match
from drivesync.model import Kind, Path, RemoteFile
from drivesync.options import Export, OpenDocuments, Options, Scope
from drivesync.refusals import Refusals
from drivesync.scope import Scoped, scope
from drivesync.trees import Disk, Former, Reserved, Synced, Thrown


@dataclass(frozen=True)
class Trees:
    """As the engine knows them at this moment."""

    remote: Mapping[str, RemoteFile]
    listed: Mapping[str, bool]
    """The folders of Drive that were listed; True: more than once, so that all in them is known."""
    synced: Mapping[str, Synced]
    disk: Disk
    reserved: Mapping[Path, Reserved]
    left: Mapping[Path, str]
    former: Mapping[Path, Former]
    root: str
    email: str = ""
    thrown: Mapping[str, Thrown] = field(default_factory=dict)


@dataclass(frozen=True)
class Now:
    at: datetime
    options: Options
    open_documents: OpenDocuments
    unexportable: frozenset[str] | set[str] = frozenset()
    first: bool = False
    """Nothing was ever in step: what is the same on both sides is taken for the same file."""
    lost: bool = False
    """It was once, and is forgotten: chosen folders were here when the memory began."""
    refused: Refusals = field(default_factory=dict)


@dataclass
class View:
    trees: Trees
    now: Now
    scoped: Scoped = field(init=False)
    match: Match = field(init=False)
    reserved: dict[str, Path] = field(init=False)
    """The other way round."""
    open_below: set[Path] | None = field(init=False)
    """The open documents and the folders that they are in; None: not known."""

    def __post_init__(self) -> None:
        trees = self.trees
        self.reserved = {one.id: path for path, one in trees.reserved.items()}
        here = {one.id for one in trees.synced.values() if one.here} | set(self.reserved)
        self.scoped = scope(trees.remote, trees.root, self.now.options, here)
        self.match = match(trees.synced, trees.disk, trees.root)
        self.open_below = with_folders(self.now.open_documents)

    def shape(self, file: RemoteFile) -> Shape:
        office = self.now.options.export if file.id not in self.now.unexportable else Export.LINKS
        return shape(file, office, self.trees.email, self.trees.synced.get(file.id))

    def comes(self, file: RemoteFile) -> bool:
        """Whether Drive gives its bytes; of a link nothing is asked."""
        return file.downloadable or bool(self.shape(file).text)

    def is_open(self, path: Path) -> bool:
        """Whether it may be open, or something in it."""
        return self._may_be_open(path, self.open_below)

    def was_opened(self, path: Path, documents: OpenDocuments) -> bool:
        """Whether it may be open by now, and was not when the plan was made."""
        return not self.is_open(path) and self._may_be_open(path, with_folders(documents))

    def _may_be_open(self, path: Path, open_below: set[Path] | None) -> bool:
        if open_below is not None:
            return path in open_below
        file = self.trees.disk.files.get(path)
        if file is None or not file.folder:
            return True
        return any(not self.trees.disk.files[one].folder for one in self.trees.disk.below(path))

    def writable(self, file: RemoteFile) -> bool:
        return file.editable and self.now.options.scope is not Scope.READ_ONLY

    def takes_new(self, folder: str) -> bool:
        """Whether something may be made in this folder of Drive's."""
        if self.now.options.scope is Scope.READ_ONLY:
            return False
        return folder == self.trees.root or self.scoped.files[folder].editable

    def known(self, folder: str) -> bool:
        """Whether it is a folder that is seen on disk."""
        return folder == self.trees.root or folder in self.scoped.files

    def is_left(self, path: Path) -> bool:
        left = self.trees.left
        return bool(left) and any(path[:length] in left for length in range(1, len(path) + 1))

    def place(self, path: Path) -> str | None:
        """The id of the folder of Drive's that a path on disk is in; None while there is none."""
        folder = self.match.id.get(path[:-1])
        return folder if folder is not None and self.known(folder) else None


def with_folders(documents: OpenDocuments) -> set[Path] | None:
    if documents is None:
        return None
    return {path[:length] for path in documents for length in range(1, len(path) + 1)}


def is_folder(file: RemoteFile) -> bool:
    return file.kind is Kind.FOLDER
