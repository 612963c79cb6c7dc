"""The synced tree and the disk's, as values that the planner compares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from drivesync.model import LocalFile, Path, Skipped, Stamp, Why

NO_STAMP = Stamp(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Synced:
    """A file as it was when both sides were last equal: the base of every comparison."""

    id: str
    parent: str
    name: str
    """On disk; stays as long as the title does."""
    title: str
    """In Drive, when ``name`` was made of it."""
    folder: bool
    version: str = ""
    """``contents.version`` of Drive's file; for a file with bytes, its md5."""
    md5: str = ""
    """Of what is on disk."""
    stamp: Stamp = NO_STAMP
    delivered: str = ""
    """The version of Drive's that was brought as a copy, since the file was open."""
    sending: str = ""
    """The md5s of the updates that were begun: seen in Drive, each is ours and no edit."""
    here: bool = False
    """Made here, in a folder of which nothing else is brought."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """The id that a new file on disk gets in Drive, and the md5s that were sent under it."""

    id: str
    md5: str = ""


@dataclass(frozen=True, slots=True)
class Former:
    """A file on disk that came from another account: the ``root`` of its Drive and whose it is, the
    md5 that it had when both were equal (empty: they were not), and its stamp of the last look."""

    root: str
    email: str
    md5: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Thrown:
    """A file that went to Drive's trash with its folder, since that was removed here: its ``path``
    on disk, the md5s that were known of it, and when."""

    path: str
    versions: str
    at: str


@dataclass
class Disk:
    """What is on disk, by the last scan and by what was done since."""

    files: dict[Path, LocalFile] = field(default_factory=dict)
    md5: dict[Path, str] = field(default_factory=dict)
    """A file without one is being written just now."""
    skipped: frozenset[Path] = frozenset()
    complete: bool = True
    full: bool = False
    """There is more than is ever looked at."""
    children: dict[Path, dict[str, Path]] = field(default_factory=dict)

    @staticmethod
    def of(files: Iterable[LocalFile], skipped: Iterable[Skipped], complete: bool) -> Disk:
        left = tuple(skipped)
        full = any(one.why is Why.TOO_MANY for one in left)
        disk = Disk(skipped=frozenset(one.path for one in left), complete=complete, full=full)
        for file in files:
            disk.put(file)
        return disk

    def put(self, file: LocalFile, md5: str | None = None) -> None:
        self.files[file.path] = file
        self.children.setdefault(file.path[:-1], {})[file.path[-1]] = file.path
        if md5 is not None:
            self.md5[file.path] = md5

    def remove(self, path: Path) -> None:
        self.files.pop(path, None)
        self.md5.pop(path, None)
        self.children.get(path[:-1], {}).pop(path[-1], None)

    def below(self, path: Path) -> list[Path]:
        """All paths in a folder, folders before what is in them."""
        found: list[Path] = []
        for child in list(self.children.get(path, {}).values()):
            found += [child, *self.below(child)]
        return found

    def move(self, old: Path, new: LocalFile) -> None:
        """With all that is in it."""
        for path in self.below(old):
            file, md5 = self.files[path], self.md5.get(path)
            self.remove(path)
            self.put(replace(file, path=new.path + path[len(old) :]), md5)
        file, md5 = self.files[old], self.md5.get(old)
        self.remove(old)
        # Written to in the moment that it was moved: what it holds now is for the next scan.
        same = (file.stamp.size, file.stamp.mtime_ns) == (new.stamp.size, new.stamp.mtime_ns)
        self.put(new, md5 if same else None)

    def hides(self, path: Path) -> bool:
        """Whether something may be at this path that the scan does not tell."""
        if not self.complete:
            return True
        return any(path[:length] in self.skipped for length in range(1, len(path) + 1))

    def may_hold(self, path: Path) -> bool:
        """Whether something that the scan does not tell may be in the way of something new."""
        return self.full or any(path[:length] in self.skipped for length in range(1, len(path) + 1))

    def holds_skipped(self, path: Path) -> bool:
        """Whether something that is left alone is in this folder, however deep."""
        return any(one[: len(path)] == path for one in self.skipped)
