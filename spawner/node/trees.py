"""Walks a tree that somebody hostile may be changing: any depth, any number, no way out of it.

Everything is opened relative to its folder and never through a symlink. Nothing but folders is
opened here. Few file descriptors are held at once: the way back from a deep folder is its own
``..``, taken only if that is the folder that we came from.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from spawner.errors import CarrelError, Code

OPEN_LEVELS = 32
"""Folders of one way down that are held open."""
MOST_DEPTH = 10_000
MOST_WAITING = 250_000
"""Names of folders still to be visited, all levels together: some 70 MB at the worst."""
_EVERY, _PAUSE_S = 500, 0.001
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Whatever else goes wrong (no descriptors, no memory) is node's own trouble and is raised.
_PASSED_OVER = frozenset(
    {errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENOTDIR, errno.EIO, errno.ESTALE}
)


class Step(Enum):
    """What happens at one step of a walk."""

    ENTRY = "anything that is no folder"
    ENTER = "a folder, before what is in it"
    LEAVE = "a folder, after what is in it"
    LOST = "a folder of the way back, which was moved; left without a descriptor"
    PASSED = "passed over"


class Why(Enum):
    """Why something was passed over."""

    CHANGED = "it was changed while it was read"
    UNREADABLE = "it could not be read"
    TOO_DEEP = "it lies too deep"
    TOO_MANY = "there are too many folders"


class Found(NamedTuple):
    """One step. ``folder_fd`` (where ``name`` is) is open until the next step is asked for."""

    step: Step
    folder_fd: int
    name: str
    stat: os.stat_result | None = None
    why: Why | None = None


class Pace:
    """Lets the rest of node breathe between entries, and ends a walk that nobody wants any more.

    Pauses, and not a lower priority of the thread: on a busy machine that thread would hold
    Python's lock while it waits for the processor, and the whole of node with it.
    """

    def __init__(self) -> None:
        self._count = 0
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def __call__(self) -> None:
        """Raises CarrelError(UNAVAILABLE) once stopped."""
        self._count += 1
        if self._count % _EVERY == 0:
            time.sleep(_PAUSE_S)
        if self._stopped.is_set():
            raise CarrelError(Code.UNAVAILABLE, "This was cut short.", "Ask again.")


@dataclass(slots=True)
class _Level:
    name: str
    fd: int  # -1 while it is closed
    device: int
    inode: int
    waiting: list[str] = field(default_factory=list)


def walk(root_fd: int, pace: Pace, most_depth: int = MOST_DEPTH) -> Iterator[Found]:
    """Every entry below ``root_fd``, each once; what vanishes meanwhile is not told.

    The root itself is neither entered nor left. Raises OSError for node's own trouble.
    """
    walking = _Walk(pace, most_depth)
    try:
        yield from walking.run(os.open(".", _OPEN, dir_fd=root_fd))
    finally:
        walking.close()


class _Walk:
    def __init__(self, pace: Pace, most_depth: int) -> None:
        self._pace = pace
        self._most_depth = most_depth
        self._levels: list[_Level] = []
        self._waiting = 0

    def close(self) -> None:
        for level in self._levels:
            if level.fd >= 0:
                os.close(level.fd)

    def run(self, root_fd: int) -> Iterator[Found]:
        self._push("", root_fd)
        yield from self._entries(self._levels[-1])
        while self._levels:
            level = self._levels[-1]
            if level.waiting:
                self._waiting -= 1
                yield from self._enter(level, level.waiting.pop())
            else:
                yield from self._leave()

    def _entries(self, level: _Level) -> Iterator[Found]:
        with os.scandir(level.fd) as entries:
            for entry in entries:
                self._pace()
                try:
                    found = os.stat(entry.name, dir_fd=level.fd, follow_symlinks=False)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    yield _passed(level.fd, entry.name, error)
                    continue
                if not stat.S_ISDIR(found.st_mode):
                    yield Found(Step.ENTRY, level.fd, entry.name, found)
                elif self._waiting >= MOST_WAITING:
                    yield Found(Step.PASSED, level.fd, entry.name, found, Why.TOO_MANY)
                elif len(self._levels) > self._most_depth:
                    yield Found(Step.PASSED, level.fd, entry.name, found, Why.TOO_DEEP)
                else:
                    level.waiting.append(entry.name)
                    self._waiting += 1

    def _enter(self, level: _Level, name: str) -> Iterator[Found]:
        self._pace()
        try:
            fd = os.open(name, _OPEN, dir_fd=level.fd)
        except FileNotFoundError:
            return
        except OSError as error:
            yield _passed(level.fd, name, error)
            return
        self._push(name, fd)
        yield Found(Step.ENTER, level.fd, name, os.fstat(fd))
        # Only now: while a step is told, the folder that it speaks of is open.
        far = len(self._levels) - 1 - OPEN_LEVELS
        if far > 0:
            os.close(self._levels[far].fd)
            self._levels[far].fd = -1
        yield from self._entries(self._levels[-1])

    def _leave(self) -> Iterator[Found]:
        left = self._levels.pop()
        if not self._levels:
            os.close(left.fd)
            return
        above = self._levels[-1]
        try:
            if above.fd < 0:
                above.fd = _way_back(left, above)
        finally:
            os.close(left.fd)
        if above.fd >= 0:
            yield Found(Step.LEAVE, above.fd, left.name)
            return
        yield Found(Step.LOST, -1, left.name, why=Why.CHANGED)
        while self._levels[-1].fd < 0:  # the root's is always open
            lost = self._levels.pop()
            self._waiting -= len(lost.waiting)
            yield Found(Step.LOST, -1, lost.name, why=Why.CHANGED)

    def _push(self, name: str, fd: int) -> None:
        found = os.fstat(fd)
        self._levels.append(_Level(name, fd, found.st_dev, found.st_ino))


def _way_back(left: _Level, above: _Level) -> int:
    """The folder above, by ``..``; -1 if that is another one by now."""
    try:
        fd = os.open("..", _OPEN, dir_fd=left.fd)
    except OSError as error:
        if error.errno in _PASSED_OVER or error.errno == errno.ENOENT:
            return -1
        raise
    found = os.fstat(fd)
    if (found.st_dev, found.st_ino) == (above.device, above.inode):
        return fd
    os.close(fd)
    return -1


def _passed(folder_fd: int, name: str, error: OSError) -> Found:
    if error.errno not in _PASSED_OVER:
        raise error
    changed = error.errno in (errno.ELOOP, errno.ENOTDIR)
    why = Why.CHANGED if changed else Why.UNREADABLE
    return Found(Step.PASSED, folder_fd, name, why=why)
