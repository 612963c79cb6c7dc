"""Programs that still write into a file which has left MyDrive: what they wrote comes back.

Every file that goes to the trash is watched until no program has it open for writing any more. The
list survives a kill: a line is written down before the file moves, so that whatever was being done
then is found out from what is in the trash.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path as FilePath
from threading import Lock
from typing import Any

from drivesync.beneath import (
    ABSENT,
    FILE,
    Rename,
    exists,
    folder,
    my_drive,
    open_at,
    open_folder,
    rename,
)
from drivesync.beside import late_name, tries
from drivesync.births import Seen, see, stamp_of
from drivesync.ignores import ignored
from drivesync.model import LocalFile, Path
from drivesync.mount import TRASH


@dataclass(frozen=True)
class Left:
    """A file that left MyDrive, or was about to."""

    home: Path
    slot: Path
    """Where it is, below the trash."""
    inode: int
    size: int
    mtime_ns: int
    folder: bool = False
    """With nothing but what is ignored in it."""
    incoming: tuple[int, int, int] | None = None
    """Inode, size and mtime of the file that takes its place; in the slot, it is what never came to
    be placed."""


class LateWriters:
    """The list, in memory and in the sidecar's own state."""

    def __init__(self, state: FilePath, now: Callable[[], datetime]) -> None:
        self._journal = state / "late.jsonl"
        self._now = now
        self._lock = Lock()
        self._moving: dict[Path, Left] = {}
        self._left: dict[Path, Left] | None = None
        """By slot: what an earlier run had meant to put there is of no interest any more."""

    def note(self, left: Left) -> None:
        """Before it moves."""
        with self._lock:
            self._load().pop(left.slot, None)
            self._moving[left.slot] = left
            begun = self._journal.exists()
            with self._journal.open("a", encoding="utf-8") as file:
                # On a line of its own, whatever a kill has cut short before.
                file.write("\n" + _line(left))
                file.flush()
                os.fsync(file.fileno())
            if not begun:
                self._sync_folder()

    def watch(self, left: Left) -> None:
        """After it has moved."""
        with self._lock:
            self._moving.pop(left.slot, None)
            self._load()[left.slot] = left

    def forget(self, left: Left) -> None:
        """It did not move, and its slot is another's."""
        with self._lock:
            self._moving.pop(left.slot, None)

    def look(self, root: int) -> list[LocalFile]:
        """Those that were written into, brought back. Raises OSError."""
        back: list[LocalFile] = []
        with self._lock:
            watched = self._load()
            if not watched:
                return []
            before = tuple(watched.values())
            for left in before:
                on, found = _look_at(root, left, self._now())
                if not on:
                    del watched[left.slot]
                if found is not None:
                    back.append(found)
            if len(watched) < len(before):
                self._save(watched)
        return back

    def _load(self) -> dict[Path, Left]:
        if self._left is None:
            self._left = {}
            with suppress(FileNotFoundError), self._journal.open(encoding="utf-8") as file:
                for line in file:
                    with suppress(ValueError, TypeError, KeyError):  # a line cut short by a kill
                        left = _left(json.loads(line))
                        self._left[left.slot] = left
        return self._left

    def _save(self, watched: dict[Path, Left]) -> None:
        temporary = self._journal.with_suffix(".new")
        lines = [_line(left) for left in (*watched.values(), *self._moving.values())]
        with temporary.open("w", encoding="utf-8") as file:
            file.write("".join(lines))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._journal)
        self._sync_folder()

    def _sync_folder(self) -> None:
        fd = os.open(self._journal.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _line(left: Left) -> str:
    return json.dumps(asdict(left)) + "\n"


def _left(said: dict[str, Any]) -> Left:
    paths = {name: tuple(said[name]) for name in ("home", "slot")}
    incoming = said.get("incoming")
    return Left(**{**said, **paths, "incoming": tuple(incoming) if incoming else None})


def _look_at(root: int, left: Left, now: datetime) -> tuple[bool, LocalFile | None]:
    """Whether it is to be watched on, and what came back."""
    try:
        with folder(root, (*TRASH, *left.slot[:-1])) as parent:
            name = left.slot[-1]
            found = exists(parent, name)
            if found is None:
                return False, None
            if left.folder and stat.S_ISDIR(found.st_mode):
                if only_ignored(parent, name):
                    return True, None
                return False, _bring_back(root, (parent, name), left.home, now)
            if left.incoming and found.st_ino == left.incoming[0] != left.inode:
                return _look_at_incoming(root, (parent, name), left, now)
            if _same(found, left):
                return _may_change(parent, left), None
            if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
                return False, None  # a symlink that the user has put in there
            return False, _bring_back(root, (parent, name), left.home, now)
    except OSError as error:
        if error.errno in ABSENT:
            return False, None  # the user has tidied up in there
        raise


def _look_at_incoming(
    root: int, slot: tuple[int, str], left: Left, now: datetime
) -> tuple[bool, LocalFile | None]:
    """It had a name in MyDrive for a moment: who opened it then may write into it still."""
    assert left.incoming is not None
    inode, size, mtime_ns = left.incoming
    came = replace(left, inode=inode, size=size, mtime_ns=mtime_ns, incoming=None)
    if not _same(see(*slot), came):
        return False, _bring_back(root, slot, left.home, now)
    if _may_change(slot[0], came):
        return True, None
    os.unlink(slot[1], dir_fd=slot[0])
    return False, None


def _same(found: Seen, left: Left) -> bool:
    """ctime is another one since it moved."""
    return stat.S_ISREG(found.st_mode) and (
        (found.st_ino, found.st_size, found.st_mtime_ns) == (left.inode, left.size, left.mtime_ns)
    )


def only_ignored(parent: int, name: str) -> bool:
    """Of a folder. Raises OSError."""
    with folder(parent, (name,)) as fd, os.scandir(fd) as entries:
        return all(ignored(entry.name) for entry in entries)


def _may_change(parent: int, left: Left) -> bool:
    """Whether a program has it open for writing; a read lease is had only where none has
    (fcntl(2)). Where no lease can be had for another reason, it may."""
    try:
        fd = open_at(parent, left.slot[-1], FILE)
    except OSError:  # such as EAGAIN: a program has a lease on it
        return True
    try:
        # A writer that comes now breaks the lease: the signal must be one that does not end us.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        try:
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError:
            return True
        same = _same(see(fd), left)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return not same
    finally:
        os.close(fd)


def _bring_back(root: int, slot: tuple[int, str], home: Path, now: datetime) -> LocalFile | None:
    """The file itself, not a copy of it: what is written from now on is seen as well."""
    parent, way = _nearest(root, home[:-1])
    try:
        names = (late_name(home[-1], now, again) for again in tries())
        for name in (home[-1], *names):
            with suppress(FileExistsError):
                rename(slot, (parent, name), Rename.NOREPLACE)
                os.fsync(parent)
                seen = see(parent, name)
                return LocalFile((*way, name), stat.S_ISDIR(seen.st_mode), stamp_of(seen))
        return None
    finally:
        os.close(parent)


def _nearest(root: int, path: Path) -> tuple[int, Path]:
    """The folder at ``path``, made anew where it is gone; the one above where it cannot be."""
    fd, way = open_folder(root, my_drive(())), 0
    for name in path:
        try:
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=fd)
            below = open_at(fd, name)
        except OSError:
            break
        os.close(fd)
        fd, way = below, way + 1
    return fd, path[:way]
