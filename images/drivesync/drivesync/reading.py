"""The bytes of a local file, of exactly the version that was scanned."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import time
from typing import BinaryIO, cast

from drivesync.beneath import FILE, faults, folder, my_drive, open_at, write_out
from drivesync.births import Seen, see, stamp_of
from drivesync.faults import LocalChanged
from drivesync.model import LocalFile, Stamp

_PIECE_BYTES = 1 << 20
_TICK_NS = 20_000_000
"""Two writes within one tick of the kernel's clock (at most 10 ms) may leave the same mtime."""


class Reader(io.RawIOBase):
    """Reads one version of a file from its start; raises LocalChanged instead of giving the last
    bytes, or bytes beyond them, when it has become another one."""

    def __init__(self, root: int, file: LocalFile) -> None:
        super().__init__()
        self._root, self._file, self._at = root, file, 0
        self._fd = -1
        _let_the_clock_pass(file.stamp)
        with faults(_said(file)):
            self._fd = _open(root, file)
        try:
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):
                raise LocalChanged(_said(file))
            write_out(self._fd)
            self._require_same()
        except BaseException:
            self.close()
            raise

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._file.stamp.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        left = max(0, self._file.stamp.size - self._at)
        got = 0
        with faults(_said(self._file)):
            if want := min(len(view), left):
                got = os.preadv(self._fd, [view[:want]], self._at)
                if got == 0:
                    raise LocalChanged(_said(self._file))
        self._at += got
        if self._at >= self._file.stamp.size:
            self._require_same()
        return got

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        super().close()

    def _require_same(self) -> None:
        """By what was opened, and by name: a program that saves by renaming leaves the old one as
        it was."""
        with faults(_said(self._file)):
            if stamp_of(see(self._fd)) != self._file.stamp:
                raise LocalChanged(_said(self._file))
            named = _stat(self._root, self._file)
        if stamp_of(named) != self._file.stamp:
            raise LocalChanged(_said(self._file))


class DiskSource:
    """Implements ``sides.Source``."""

    def __init__(self, root: int, file: LocalFile, md5: str) -> None:
        self._root, self._file = root, file
        self.size, self.md5 = file.stamp.size, md5

    def open(self) -> BinaryIO:
        return cast(BinaryIO, Reader(self._root, self._file))


def md5_of(root: int, file: LocalFile) -> str:
    """In hex. Raises LocalChanged when it is another file by the end, LocalGone."""
    digest = hashlib.md5(usedforsecurity=False)
    buffer = bytearray(min(_PIECE_BYTES, max(1, file.stamp.size)))
    view = memoryview(buffer)
    with Reader(root, file) as reader:
        while got := reader.readinto(buffer):
            digest.update(view[:got])
    return digest.hexdigest()


def _let_the_clock_pass(stamp: Stamp) -> None:
    """Until a further write must leave another stamp than this one."""
    left_ns = _TICK_NS - (time.time_ns() - max(stamp.mtime_ns, stamp.ctime_ns))
    if 0 < left_ns <= _TICK_NS:
        time.sleep(left_ns / 1e9)


def _open(root: int, file: LocalFile) -> int:
    with folder(root, my_drive(file.path[:-1])) as parent:
        return open_at(parent, file.path[-1], FILE)


def _stat(root: int, file: LocalFile) -> Seen:
    with folder(root, my_drive(file.path[:-1])) as parent:
        return see(parent, file.path[-1])


def _said(file: LocalFile) -> str:
    return "/".join(file.path)
