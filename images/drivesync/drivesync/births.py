"""What the kernel tells of a file, its birth among it, which Python does not tell."""

from __future__ import annotations

import ctypes
import os
import struct
from typing import NamedTuple

from drivesync.model import Stamp

_AT_SYMLINK_NOFOLLOW, _AT_EMPTY_PATH = 0x100, 0x1000
_BASIC, _BIRTH = 0x7FF, 0x800
_LAYOUT = struct.Struct("=I12xI8xH2xQQQ8x16xqI4xqI4xqI4x8xII")
"""Of struct statx (linux/stat.h, Linux 4.11), as much as is read of it."""
_BYTES = 256

_libc = ctypes.CDLL(None, use_errno=True)


class Seen(NamedTuple):
    """Named as in os.stat_result."""

    st_mode: int
    st_ino: int
    st_dev: tuple[int, int]
    st_nlink: int
    st_size: int
    st_blocks: int
    st_mtime_ns: int
    st_ctime_ns: int
    st_birthtime_ns: int
    """0 where the file system has none."""


def see(fd: int, name: str = "") -> Seen:
    """What is at ``name`` in the folder ``fd``, no symlink followed; without a name, ``fd`` itself.
    Raises OSError."""
    buffer = ctypes.create_string_buffer(_BYTES)
    done: int = _libc.statx(
        ctypes.c_int(fd),
        ctypes.c_char_p(os.fsencode(name)),
        ctypes.c_int(_AT_SYMLINK_NOFOLLOW if name else _AT_EMPTY_PATH),
        ctypes.c_uint(_BASIC | _BIRTH),
        buffer,
    )
    if done != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), name)
    mask, links, mode, inode, size, blocks, *times, major, minor = _LAYOUT.unpack_from(buffer)
    born, changed, modified = (
        seconds * 10**9 + ns for seconds, ns in zip(times[::2], times[1::2], strict=True)
    )
    born = born if mask & _BIRTH else 0
    return Seen(mode, inode, (major, minor), links, size, blocks, modified, changed, born)


def stamp_of(seen: Seen) -> Stamp:
    """The stamp of what ``see`` has told."""
    return Stamp(
        seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_birthtime_ns
    )
