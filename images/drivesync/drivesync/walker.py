"""Reads the whole tree on disk, while others rearrange it."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field

from drivesync.beneath import FOLDER, open_at, open_folder
from drivesync.births import Seen, see, stamp_of
from drivesync.ignores import ignored
from drivesync.model import LocalFile, Path, Scan, Skipped, Why

BLOCK_BYTES = 512  # of st_blocks, whatever the disk's own are
_TRIES = 3
_SWAPPED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


@dataclass(frozen=True)
class Reach:
    """How far a walk goes; beyond that nothing is synced, and nothing counts as deleted."""

    most_levels: int = 100
    """Drive has no more (developers.google.com/workspace/drive/api/guides/handle-errors)."""
    most_entries: int = 100_000
    """Each costs about 1 KB of memory while the trees are compared."""


@dataclass(frozen=True)
class Walk:
    """A scan, and what its files take on disk: hardlinks once, holes not at all."""

    scan: Scan
    allocated_bytes: int


def nameable(name: str) -> bool:
    """Whether a name can be one name on disk, and is UTF-8: Drive has titles of nothing else."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        return False
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def walk(top: int, reach: Reach = Reach()) -> Walk:
    """All beneath the folder ``top``.

    When something was created, renamed or removed meanwhile, it is read again: else what was moved
    from a folder not yet read into one that was read already would look deleted. After some tries
    the scan is told as incomplete. Raises OSError when ``top`` itself cannot be read.
    """
    for _ in range(_TRIES):
        walker = _Walker(top, reach)
        walker.read()
        if not walker.torn():
            break
    else:
        walker.complete = False
    scan = Scan(tuple(walker.files), tuple(walker.skipped), walker.complete)
    return Walk(scan, walker.allocated_bytes)


class _Enough(Exception):  # noqa: N818  not an error
    """The limit is reached."""


@dataclass
class _Walker:
    top: int
    reach: Reach
    files: list[LocalFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    complete: bool = True
    allocated_bytes: int = 0
    _entries: int = 0
    _missed: bool = False
    _device: tuple[int, int] = (0, 0)
    _linked: set[int] = field(default_factory=set)
    _read: dict[Path, tuple[int, int]] = field(default_factory=dict)
    """Inode and mtime of each folder, before it was read."""

    def read(self) -> None:
        """Depth first, so that no more folders are open at once than the tree has levels."""
        way: list[tuple[int, list[LocalFile]]] = []
        try:
            fd = open_at(self.top, ".")
            self._device = see(fd).st_dev
            self._go_into(fd, (), way)
            while way:
                fd, folders = way[-1]
                if not folders:
                    way.pop()
                    os.close(fd)
                    continue
                folder = folders.pop()
                below = self._open(fd, folder)
                if below is not None:
                    self.files.append(folder)
                    self._go_into(below, folder.path, way)
        except _Enough:
            self.complete = False
        finally:
            for fd, _ in way:
                os.close(fd)

    def torn(self) -> bool:
        """Whether a folder is not any more where, or what, it was when it was read."""
        return self._missed or any(self._now(path) != then for path, then in self._read.items())

    def _now(self, path: Path) -> tuple[int, int] | None:
        try:
            fd = open_folder(self.top, path)
        except OSError:
            return None
        try:
            seen = os.fstat(fd)
        finally:
            os.close(fd)
        return seen.st_ino, seen.st_mtime_ns

    def _open(self, parent: int, folder: LocalFile) -> int | None:
        try:
            return open_at(parent, folder.path[-1], FOLDER)
        except OSError as error:
            if error.errno in _SWAPPED:
                self._missed = True
            else:
                why = Why.SPECIAL if error.errno == errno.EXDEV else Why.UNREADABLE
                self._hidden(folder.path, why)
            return None

    def _go_into(self, fd: int, path: Path, way: list[tuple[int, list[LocalFile]]]) -> None:
        folders: list[LocalFile] = []
        way.append((fd, folders))
        before = os.fstat(fd)
        self._read[path] = before.st_ino, before.st_mtime_ns
        try:
            with os.scandir(fd) as entries:
                for entry in entries:
                    self._count(path)
                    self._take(fd, (*path, entry.name), folders)
        except OSError:
            if not path:
                raise
            self._hidden(path, Why.UNREADABLE)

    def _count(self, path: Path) -> None:
        self._entries += 1
        if self._entries > self.reach.most_entries:
            self._hidden(path, Why.TOO_MANY)
            raise _Enough

    def _take(self, fd: int, path: Path, folders: list[LocalFile]) -> None:
        name = path[-1]
        if not nameable(name):
            readable = name.encode(errors="surrogateescape").decode(errors="replace")
            self.skipped.append(Skipped((*path[:-1], readable), Why.NAME))
            return
        if ignored(name):
            self.skipped.append(Skipped(path, Why.IGNORED))
            return
        try:
            seen = see(fd, name)
        except FileNotFoundError:
            self._missed = True
            return
        if stat.S_ISREG(seen.st_mode):
            self.files.append(LocalFile(path, False, stamp_of(seen)))
            self._add_size(seen)
        elif stat.S_ISLNK(seen.st_mode):
            self.skipped.append(Skipped(path, Why.SYMLINK))
        elif not stat.S_ISDIR(seen.st_mode):
            self.skipped.append(Skipped(path, Why.SPECIAL))
        elif seen.st_dev != self._device:
            self._hidden(path, Why.SPECIAL)
        elif len(path) >= self.reach.most_levels:
            self._hidden(path, Why.TOO_DEEP)
        else:
            folders.append(LocalFile(path, True, stamp_of(seen)))

    def _add_size(self, seen: Seen) -> None:
        if seen.st_nlink > 1:
            if seen.st_ino in self._linked:
                return
            self._linked.add(seen.st_ino)
        self.allocated_bytes += seen.st_blocks * BLOCK_BYTES

    def _hidden(self, path: Path, why: Why) -> None:
        """What is in there is not seen, but may be: a file moved in there is not deleted."""
        self.skipped.append(Skipped(path, why))
        self.complete = False
