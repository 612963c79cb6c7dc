"""Tells that something has changed on disk (inotify), so that the next scan need not wait.

A hint and no more: what has changed is told by scans alone, which come by a timer as well. The
kernel's watches are shared by all containers of one user id, so there may be none to have; then
``complete`` is False, and the timer should be a shorter one.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

from drivesync.beneath import open_at
from drivesync.ignores import ignored

_CLOSE_WRITE, _MOVED_FROM, _MOVED_TO = 0x008, 0x040, 0x080
_CREATE, _DELETE, _ONLY_FOLDER = 0x100, 0x200, 0x01000000
_OVERFLOW, _UNWATCHED, _IS_FOLDER = 0x4000, 0x8000, 0x40000000
_EVENTS = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _ONLY_FOLDER
_EVENT = struct.Struct("iIII")
_BUFFER_BYTES = 64 * 1024
_MOST_LEVELS = 100
_MOST_SETTLE_S = 2.0
_AGAIN_S = 60.0
_TOP = "MyDrive"
_CARREL = ".carrel"
_FLUSH = "flush"

_libc = ctypes.CDLL(None, use_errno=True)


class Hints:
    """Of one tree. One thread waits; any other may ``wake`` it."""

    def __init__(self, root: int, settle_s: float = 0.3) -> None:
        """``root``: of ``/drive``. Beside MyDrive, a request to flush is a hint as well."""
        self._root, self._settle_s = root, settle_s
        self._woken = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._inotify: int = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        self._poll = select.poll()
        self._poll.register(self._woken, select.POLLIN)
        if self._inotify >= 0:
            self._poll.register(self._inotify, select.POLLIN)
        self._beside: dict[int, tuple[str, ...]] = {}
        """Of folders beside MyDrive: which names in them are hints."""
        self._stale = False
        self._watched_at = 0.0
        self.complete = False
        """Whether every folder is watched."""
        self.watch()

    def wait(self, timeout_s: float) -> bool:
        """Until something has changed and is quiet again, or somebody wakes us; False when the time
        is over before. What is scanned afterwards has all that was told of here."""
        until = time.monotonic() + timeout_s
        while not self._happened(max(0.0, until - time.monotonic())):
            if time.monotonic() >= until:
                self._refresh()
                return False
        until = time.monotonic() + _MOST_SETTLE_S
        while not self._drain() and time.monotonic() < until:
            if not self._happened(self._settle_s):
                break
        self._refresh()
        return True

    def wake(self) -> None:
        """From any thread, and from a signal's handler."""
        os.eventfd_write(self._woken, 1)

    def close(self) -> None:
        """After the last ``wait``."""
        for fd in (self._inotify, self._woken):
            if fd >= 0:
                os.close(fd)

    def watch(self) -> None:
        """Every folder there is; harmless for those that are watched already."""
        self._watched_at, self._stale = time.monotonic(), False
        self._beside = {}
        self.complete = self._inotify >= 0 and self._watch_all()

    def _watch_all(self) -> bool:
        beside = self._add(self._root)
        self._beside[beside] = (_TOP, _CARREL)
        with suppress(OSError):
            fd = open_at(self._root, _CARREL)
            try:
                self._beside[self._add(fd)] = (_FLUSH,)
            finally:
                os.close(fd)
        try:
            # Watched before it is listed: what is made in between is either listed or told.
            return all(self._add(fd) >= 0 for fd in _folders(self._root))
        except OSError:
            return False

    def _add(self, folder: int) -> int:
        # By /proc: inotify knows no file descriptors, and a path might lead elsewhere by now.
        path = f"/proc/self/fd/{folder}".encode()
        watch: int = _libc.inotify_add_watch(self._inotify, path, _EVENTS)
        return watch

    def _refresh(self) -> None:
        old = time.monotonic() - self._watched_at > _AGAIN_S
        if self._stale or (not self.complete and old):
            self.watch()

    def _happened(self, timeout_s: float) -> bool:
        ready = [fd for fd, _ in self._poll.poll(timeout_s * 1_000)]
        told = False
        if self._inotify in ready:
            with suppress(BlockingIOError):
                told = self._read(os.read(self._inotify, _BUFFER_BYTES))
        return told or self._woken in ready

    def _drain(self) -> bool:
        """Whether we were woken; then nothing waits to be quiet."""
        try:
            os.eventfd_read(self._woken)
        except BlockingIOError:
            return False
        return True

    def _read(self, events: bytes) -> bool:
        told, at = False, 0
        while at + _EVENT.size <= len(events):
            watch, mask, _, size = _EVENT.unpack_from(events, at)
            at += _EVENT.size
            name = os.fsdecode(events[at : at + size].rstrip(b"\0"))
            at += size
            if mask & (_OVERFLOW | _UNWATCHED):
                self._stale = True
                told = True
            elif watch in self._beside:
                if name in self._beside[watch]:
                    self._stale = self._stale or bool(mask & _IS_FOLDER)
                    told = True
            elif not ignored(name):
                self._stale = self._stale or bool(mask & _IS_FOLDER)
                told = True
        return told


def _folders(root: int) -> Iterator[int]:
    """File descriptors of MyDrive and all folders in it, each closed after its turn. Those that
    are renamed meanwhile tell so themselves. Raises OSError if there is no MyDrive."""
    way: list[tuple[int, list[str]]] = []
    below: int | None = open_at(root, _TOP)
    try:
        while below is not None or way:
            if below is not None:
                way.append((below, []))
                yield below
                way[-1] = (below, _names(below) if len(way) < _MOST_LEVELS else [])
                below = None
            fd, names = way[-1]
            if names:
                with suppress(OSError):
                    below = open_at(fd, names.pop())
            else:
                way.pop()
                os.close(fd)
    finally:
        for fd, _ in way:
            os.close(fd)


def _names(folder: int) -> list[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        return [
            entry.name
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and not ignored(entry.name)
        ]
    return []
