"""Opens and renames beneath a folder that somebody else rearranges at the same time.

Whoever writes there is root in a container of their own: any name may become a symlink, a FIFO or
another folder between two calls of ours. So the kernel is asked to refuse (openat2), and never to
replace anything (renameat2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import IntEnum

from drivesync.births import Seen, see
from drivesync.faults import LocalExists, LocalFull, LocalGone, LocalRefused, Unmounted

_OPENAT2 = 437  # the same number on every architecture (linux/openat2.h, Linux 5.6)
_RESOLVE_NO_XDEV = 0x01
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_RESOLVE = _RESOLVE_NO_XDEV | _RESOLVE_NO_MAGICLINKS | _RESOLVE_NO_SYMLINKS | _RESOLVE_BENEATH
_EAGAIN_TRIES = 128
_PIECE_BYTES = 3_000
"""A path longer than PATH_MAX (4,096) is opened piece by piece."""
FOLDER = os.O_RDONLY | os.O_DIRECTORY
FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
"""A FIFO that was put in a file's place does not block."""

ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""Not there, or something else is there instead."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class Rename(IntEnum):
    """How renameat2 meets what is at the new place (linux/fs.h)."""

    NOREPLACE = 1
    EXCHANGE = 2


def my_drive(path: Sequence[str]) -> tuple[str, ...]:
    """Where a path below MyDrive is, seen from the root of the mount."""
    return ("MyDrive", *path)


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def open_at(folder: int, path: str, flags: int = FOLDER, mode: int = 0) -> int:
    """A file descriptor of ``path`` beneath ``folder``, which the caller closes.

    Raises OSError: ELOOP for a symlink anywhere in ``path``, EXDEV for a way out or another file
    system, ENOENT, ENOTDIR.
    """
    how = _OpenHow(flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, _RESOLVE)
    for _ in range(_EAGAIN_TRIES):  # EAGAIN: something was renamed while the kernel looked
        fd: int = _libc.syscall(
            ctypes.c_long(_OPENAT2),
            ctypes.c_int(folder),
            ctypes.c_char_p(os.fsencode(path)),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if fd >= 0:
            return fd
        code = ctypes.get_errno()
        if code not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(code, os.strerror(code), path)


def open_folder(root: int, path: Sequence[str]) -> int:
    """A file descriptor of the folder ``path`` beneath ``root``, however long the path is."""
    fd = open_at(root, ".")
    try:
        for piece in _pieces(path):
            below = open_at(fd, piece)
            os.close(fd)
            fd = below
    except BaseException:
        os.close(fd)
        raise
    return fd


@contextmanager
def folder(root: int, path: Sequence[str]) -> Iterator[int]:
    """``open_folder``, closed at the end."""
    fd = open_folder(root, path)
    try:
        yield fd
    finally:
        os.close(fd)


def rename(source: tuple[int, str], target: tuple[int, str], how: Rename) -> None:
    """Renames one name in a folder into another name in a folder, in one step.

    Raises OSError: EEXIST (NOREPLACE and something is there), ENOENT; EINVAL also where the file
    system has no such rename.
    """
    done: int = _libc.renameat2(
        ctypes.c_int(source[0]),
        ctypes.c_char_p(os.fsencode(source[1])),
        ctypes.c_int(target[0]),
        ctypes.c_char_p(os.fsencode(target[1])),
        ctypes.c_uint(how),
    )
    if done != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), target[1])


def write_out(fd: int) -> None:
    """Sends a file's dirty pages to the disk, so that whoever has it mapped into memory changes its
    mtime again with the next byte. Not a promise that it is there: that is fsync's."""
    wait_write_wait = 1 | 2 | 4
    _libc.sync_file_range(
        ctypes.c_int(fd), ctypes.c_int64(0), ctypes.c_int64(0), ctypes.c_uint(wait_write_wait)
    )


def exists(folder_fd: int, name: str) -> Seen | None:
    """What is at ``name``, whatever it is; None if nothing is."""
    try:
        return see(folder_fd, name)
    except FileNotFoundError:
        return None


def read_small(root: int, path: Sequence[str], most_bytes: int) -> bytes | None:
    """What is in a small regular file; None if there is none, it is something else, or larger."""
    try:
        with folder(root, path[:-1]) as parent:
            fd = open_at(parent, path[-1], FILE)
    except OSError as error:
        if error.errno in ABSENT or error.errno in (errno.ENXIO, errno.EXDEV):
            return None
        raise
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        pieces, left = [], most_bytes + 1
        while left > 0 and (piece := os.read(fd, left)):
            pieces.append(piece)
            left -= len(piece)
    finally:
        os.close(fd)
    return b"".join(pieces) if left > 0 else None


def write_small(root: int, path: Sequence[str], data: bytes, mode: int = 0o644) -> None:
    """Puts a small file of ours at ``path`` in one step, over what is there (but no folder)."""
    temporary = f".{path[-1]}.{secrets.token_hex(8)}"
    with folder(root, path[:-1]) as parent:
        fd = open_at(parent, temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            try:
                os.fchmod(fd, mode)
                view = memoryview(data)
                while view:
                    view = view[os.write(fd, view) :]
            finally:
                os.close(fd)
            os.rename(temporary, path[-1], src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=parent)
            raise


@contextmanager
def faults(what: str) -> Iterator[None]:
    """Turns OSError into the engine's faults; ``what`` is named in what people read."""
    try:
        yield
    except OSError as error:
        said = f"{what}: {error.strerror or error}"
        if error.errno in ABSENT:
            raise LocalGone(said) from error
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise LocalExists(said) from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise LocalFull(said) from error
        if error.errno in (errno.ESTALE, errno.ENOTCONN, errno.ENODEV):
            raise Unmounted(said) from error
        if error.errno == errno.ENOSYS:
            raise LocalRefused(
                "This kernel has no openat2 or renameat2. Linux 5.6 or later is needed, and the"
                " sidecar's runtime must pass them on (gVisor does not)."
            ) from error
        raise LocalRefused(said) from error


def _pieces(path: Sequence[str]) -> Iterator[str]:
    piece, size = "", 0
    for name in path:
        more = len(os.fsencode(name)) + 1
        if piece and size + more > _PIECE_BYTES:
            yield piece
            piece, size = "", 0
        piece = f"{piece}/{name}" if piece else name
        size += more
    if piece:
        yield piece
