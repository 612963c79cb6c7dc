"""A file that is being brought: written where nobody sees it, published in one step.

Where the file system can, it has no name at all until then (O_TMPFILE): nobody can rename it away,
and a kill leaves nothing behind. Else it lies in ``.carrel/tmp``, which is emptied at the start.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from contextlib import suppress
from threading import Lock

from drivesync.beneath import Rename, exists, faults, folder, open_at, rename
from drivesync.births import see, stamp_of
from drivesync.faults import LocalChanged, LocalFull
from drivesync.model import Stamp
from drivesync.room import Room
from drivesync.walker import BLOCK_BYTES

TMP = (".carrel", "tmp")
_NO_TMPFILE = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)
_RESERVE_FROM_BYTES = 1 << 20
_MORE_BYTES = 1 << 20
_LAST_MS = 253_402_300_799_000  # the year 9999


class DiskIncoming:
    """Implements ``sides.Incoming``."""

    def __init__(self, root: int, room: Room, size: int) -> None:
        """Raises LocalFull when there is no room, before anything is written."""
        self._root, self._room = root, room
        self._size, self._written = max(0, size), 0
        self._lock = Lock()
        self._name = ""
        self._fd = -1
        room.promise(root, self._size)
        try:
            with faults("a file that is being brought"):
                self._create()
                if self._size >= _RESERVE_FROM_BYTES:
                    self._reserve()
        except BaseException:
            self.discard()
            raise

    def write(self, data: bytes) -> None:
        """Raises LocalFull."""
        more = self._written + len(data) - self._size
        if more > 0:  # of an export nobody tells the size
            more = max(more, _MORE_BYTES)
            self._room.promise(self._root, more)
            self._size += more
        view = memoryview(data)
        with faults("a file that is being brought"):
            while view:
                done = os.pwrite(self._fd, view, self._written)
                self._written += done
                view = view[done:]

    def restart(self) -> None:
        """Forgets what was written."""
        with faults("a file that is being brought"):
            os.ftruncate(self._fd, 0)
        self._written = 0

    def discard(self) -> None:
        """Harmless twice, and after it was placed."""
        with self._lock:
            fd, self._fd = self._fd, -1
            name, self._name = self._name, ""
            size, self._size = self._size, 0
        self._room.release(size)
        if name:
            with suppress(OSError), folder(self._root, TMP) as tmp:
                os.unlink(name, dir_fd=tmp)
        if fd >= 0:
            os.close(fd)

    @property
    def inode(self) -> int:
        return os.fstat(self._fd).st_ino

    @property
    def allocated_bytes(self) -> int:
        return os.fstat(self._fd).st_blocks * BLOCK_BYTES

    def finish(self, mode: int, modified_ms: int) -> Stamp:
        """On the disk, whatever happens to the machine; only its name is missing. Raises
        OSError."""
        os.ftruncate(self._fd, self._written)
        os.fchmod(self._fd, mode)
        modified_ns = min(max(0, modified_ms), _LAST_MS) * 1_000_000
        os.utime(self._fd, ns=(time.time_ns(), modified_ns))
        os.fsync(self._fd)
        return stamp_of(see(self._fd))

    def publish(self, parent: int, name: str) -> None:
        """Gives it a name where there is none yet. Raises OSError (EEXIST), LocalChanged."""
        if not self._name:
            # By /proc: AT_EMPTY_PATH would need a capability more (CAP_DAC_READ_SEARCH).
            os.link(f"/proc/self/fd/{self._fd}", name, dst_dir_fd=parent, follow_symlinks=True)
            return
        with folder(self._root, TMP) as tmp:
            rename((tmp, self._name), (parent, name), Rename.NOREPLACE)
        self._name = ""
        found = exists(parent, name)
        if found is None or found.st_ino != self.inode:
            raise LocalChanged(f"{name}: what was brought was taken away meanwhile.")

    def stamp(self) -> Stamp:
        """As it is now."""
        return stamp_of(see(self._fd))

    def _create(self) -> None:
        with folder(self._root, TMP) as tmp:
            try:
                self._fd = open_at(tmp, ".", os.O_TMPFILE | os.O_RDWR, 0o600)
            except OSError as error:
                if error.errno not in _NO_TMPFILE:
                    raise
                name = secrets.token_hex(16)
                self._fd = open_at(tmp, name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
                self._name = name

    def _reserve(self) -> None:
        try:
            os.posix_fallocate(self._fd, 0, self._size)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise LocalFull(f"There is no room for {self._size:,} bytes.") from error
            # Not every file system can; then it is found while writing.
