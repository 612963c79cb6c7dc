"""Changes of the tree on disk, each in one step of the kernel's, none of which loses a byte.

Between a look and a step anything may have changed. So what a step has moved is looked at again
afterwards; when it was not what was meant, it goes back where it was, or stays beside.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from drivesync.beneath import ABSENT, Rename, exists, folder, my_drive, open_at, rename
from drivesync.births import Seen, see, stamp_of
from drivesync.faults import LocalChanged, LocalExists, LocalGone
from drivesync.ignores import ignored
from drivesync.incoming import DiskIncoming
from drivesync.late import LateWriters, Left
from drivesync.model import LocalFile, Path, Stamp
from drivesync.trash import free_names, slot_folder

_MODE, _READ_ONLY = 0o644, 0o444
_EXECUTABLE = 0o111


@dataclass(frozen=True)
class Look:
    """How a file that is brought appears."""

    modified_ms: int
    read_only: bool = False

    def mode(self, before: int = 0) -> int:
        """``before`` is that of the file in whose place it comes."""
        return _READ_ONLY if self.read_only else _MODE | before & _EXECUTABLE


class Placing:
    """The writes of ``sides.Local``; all raise OSError beside their faults."""

    def __init__(self, late: LateWriters, now: Callable[[], datetime]) -> None:
        self._late, self._now = late, now

    def place_new(self, root: int, incoming: DiskIncoming, path: Path, look: Look) -> LocalFile:
        """Where nothing is. Raises LocalExists, LocalGone."""
        with folder(root, my_drive(path[:-1])) as parent:
            if exists(parent, path[-1]) is not None:  # before the costly part
                raise LocalExists("/".join(path))
            made = incoming.finish(look.mode(), look.modified_ms)
            incoming.publish(parent, path[-1])
            os.fsync(parent)
            return _placed(parent, path, incoming, made)

    def place_over(
        self, root: int, incoming: DiskIncoming, over: LocalFile, look: Look
    ) -> LocalFile:
        """``over`` goes to the trash. Raises LocalChanged, and then nothing is changed."""
        path, name = over.path, over.path[-1]
        with folder(root, my_drive(path[:-1])) as parent:
            seen = _require(parent, over)
            made = incoming.finish(look.mode(seen.st_mode), look.modified_ms)
            with slot_folder(root, path, self._now()) as (trash, way):
                # The new one goes into the trash, then the two change places: there is never a
                # moment in which the old one has no name, nor one in which ``path`` has none.
                slot, left = self._lay(incoming, made, (trash, way), over)
                try:
                    _require(parent, over)
                    rename((trash, slot), (parent, name), Rename.EXCHANGE)
                    if not _is(exists(trash, slot), over):
                        with suppress(FileNotFoundError):  # then it is brought back by its list
                            rename((trash, slot), (parent, name), Rename.EXCHANGE)
                        raise LocalChanged("/".join(path))
                    os.fsync(trash)
                    os.fsync(parent)
                    return _placed(parent, path, incoming, made)
                except FileNotFoundError as error:
                    raise LocalChanged("/".join(path)) from error
                finally:
                    self._late.watch(left)

    def _lay(
        self, incoming: DiskIncoming, made: Stamp, trash: tuple[int, Path], over: LocalFile
    ) -> tuple[str, Left]:
        fd, way = trash
        new = made.inode, made.size, made.mtime_ns
        for slot in free_names(over.path[-1]):
            left = replace(_left(over, (*way, slot)), incoming=new)
            if exists(fd, slot) is not None:
                continue
            self._late.note(left)
            try:
                incoming.publish(fd, slot)
            except BaseException as error:
                self._late.forget(left)
                if isinstance(error, FileExistsError):
                    continue
                raise
            return slot, left
        raise OSError(errno.EMLINK, "too many files of one name in the trash", over.path[-1])

    def trash(self, root: int, file: LocalFile) -> None:
        """Raises LocalChanged, LocalGone; LocalExists for a folder with something in it."""
        with folder(root, my_drive(file.path[:-1])) as parent:
            _require(parent, file)
            if file.folder:
                self._trash_folder(root, parent, file)
            else:
                self._trash_file(root, parent, file)
            os.fsync(parent)

    def _trash_file(self, root: int, parent: int, file: LocalFile) -> None:
        name = file.path[-1]
        with slot_folder(root, file.path, self._now()) as (trash, way):
            slot = self._leave(parent, file, (trash, way))
            if not _is(exists(trash, slot), file):
                with suppress(FileExistsError):  # then it is brought back by its list
                    rename((trash, slot), (parent, name), Rename.NOREPLACE)
                raise LocalChanged("/".join(file.path))
            os.fsync(trash)

    def _leave(self, parent: int, file: LocalFile, trash: tuple[int, Path]) -> str:
        """Its name in this folder of the trash, where it is watched from now on."""
        (fd, way), name = trash, file.path[-1]
        for slot in free_names(name):
            if exists(fd, slot) is not None:
                continue
            left = _left(file, (*way, slot))
            self._late.note(left)
            try:
                rename((parent, name), (fd, slot), Rename.NOREPLACE)
            except BaseException as error:
                self._late.forget(left)
                if isinstance(error, FileExistsError):
                    continue
                raise
            self._late.watch(left)
            return slot
        raise OSError(errno.EMLINK, "too many files of one name in the trash", name)

    def _trash_folder(self, root: int, parent: int, file: LocalFile) -> None:
        """What is ignored in there goes with it, but nothing else."""
        name = file.path[-1]
        try:
            os.rmdir(name, dir_fd=parent)
            return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
        _require_only_ignored(parent, file)
        with slot_folder(root, file.path, self._now()) as (trash, way):
            slot = self._leave(parent, file, (trash, way))
            try:
                _require_only_ignored(trash, replace(file, path=(slot,)))
            except LocalExists:
                with suppress(FileExistsError):  # then it is brought back by its list
                    rename((trash, slot), (parent, name), Rename.NOREPLACE)
                raise


def make_folder(root: int, path: Path) -> LocalFile:
    """Raises OSError."""
    with folder(root, my_drive(path[:-1])) as parent:
        os.mkdir(path[-1], 0o755, dir_fd=parent)
        os.fsync(parent)
        fd = open_at(parent, path[-1])
    try:
        return LocalFile(path, True, stamp_of(see(fd)))
    finally:
        os.close(fd)


def move(root: int, file: LocalFile, path: Path) -> LocalFile:
    """Raises LocalExists, LocalChanged, LocalGone, OSError."""
    with (
        folder(root, my_drive(file.path[:-1])) as source,
        folder(root, my_drive(path[:-1])) as target,
    ):
        _require(source, file)
        old, new = (source, file.path[-1]), (target, path[-1])
        rename(old, new, Rename.NOREPLACE)
        seen = exists(*new)
        if not _is(seen, file):
            # Of another birth: not the one that was meant. Of the same: it was written into, and
            # the next scan sees both, that it moved and that it changed.
            if seen is not None and not _is_named(seen, file.stamp):
                with suppress(FileExistsError, FileNotFoundError):
                    rename(new, old, Rename.NOREPLACE)
            raise LocalChanged("/".join(file.path))
        os.fsync(target)
        os.fsync(source)
        assert seen is not None
        return LocalFile(path, file.folder, stamp_of(seen))


def _require(parent: int, file: LocalFile) -> Seen:
    """Raises LocalGone, LocalChanged unless it is there as it was scanned."""
    seen = exists(parent, file.path[-1])
    if seen is None:
        raise LocalGone("/".join(file.path))
    if not _is(seen, file) or (not file.folder and seen.st_ctime_ns != file.stamp.ctime_ns):
        raise LocalChanged("/".join(file.path))
    return seen


def _is(seen: Seen | None, file: LocalFile) -> bool:
    """Not by ctime, which every move changes."""
    if seen is None or not _is_named(seen, file.stamp):
        return False
    if file.folder:
        return stat.S_ISDIR(seen.st_mode)
    return stat.S_ISREG(seen.st_mode) and (
        (seen.st_size, seen.st_mtime_ns) == (file.stamp.size, file.stamp.mtime_ns)
    )


def _is_named(seen: Seen, stamp: Stamp) -> bool:
    return (seen.st_ino, seen.st_birthtime_ns) == (stamp.inode, stamp.born_ns)


def _placed(parent: int, path: Path, incoming: DiskIncoming, made: Stamp) -> LocalFile:
    """With a stamp of the bytes that were brought: when somebody has changed the file already, it
    is the stamp of before, so that the next scan tells the change."""
    seen = exists(parent, path[-1])
    if seen is not None:
        now = stamp_of(seen)
        if replace(now, ctime_ns=made.ctime_ns) == made:
            return LocalFile(path, False, now)
    return LocalFile(path, False, made)


def _left(file: LocalFile, slot: Path) -> Left:
    stamp = file.stamp
    return Left(file.path, slot, stamp.inode, stamp.size, stamp.mtime_ns, file.folder)


def _require_only_ignored(parent: int, file: LocalFile) -> None:
    try:
        fd = open_at(parent, file.path[-1])
    except OSError as error:
        if error.errno in ABSENT:
            raise LocalChanged("/".join(file.path)) from error
        raise
    try:
        if not _is_named(see(fd), file.stamp):
            raise LocalChanged("/".join(file.path))
        with os.scandir(fd) as entries:
            for entry in entries:
                if not ignored(entry.name):
                    raise LocalExists(f"{'/'.join(file.path)}/{entry.name}")
    finally:
        os.close(fd)
