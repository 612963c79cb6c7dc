"""The folder of a user, opened so that the kernel refuses every symlink on the way."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from spawner.confinement import HOMES
from spawner.errors import CarrelError, Code
from spawner.node.handover import hand_over

_OPENAT2 = 437  # the same number on every architecture (linux/openat2.h, Linux 5.6)
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_MODE = 0o700

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def open_beneath(directory_fd: int, name: str) -> int:
    """A file descriptor of the directory ``name``, which must lie under ``directory_fd``.

    Raises OSError: ELOOP for a symlink anywhere in ``name``, EXDEV for a way out, ENOTDIR for
    whatever is no directory (a FIFO does not block).
    """
    how = _OpenHow(
        flags=os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC,
        mode=0,
        resolve=_RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS,
    )
    fd: int = _libc.syscall(
        ctypes.c_long(_OPENAT2),
        ctypes.c_int(directory_fd),
        ctypes.c_char_p(os.fsencode(name)),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    if fd < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), name)
    return fd


def ensure_home(
    homes: Path, name: str, session_uid: int, former: Collection[int] = frozenset()
) -> None:
    """Makes ``homes/name`` a directory of the sessions' root, mode 0700; harmless if it is one.

    A home that belongs to one of the ``former`` roots is handed over with all that is in it.
    Raises CarrelError(REFUSED) if it is anything but a directory, and CarrelError(UNAVAILABLE)
    if the data directory does not let node.
    """
    ensure_folder(homes, name, session_uid, former, "HostConfig.Binds: ")


def ensure_folder(
    root: Path,
    name: str,
    session_uid: int,
    former: Collection[int] = frozenset(),
    field: str = "",
) -> bool:
    """``ensure_home`` for any folder that is right below ``root``; whether it is new."""
    with home_faults(name, field, root):
        root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return _ensure(root_fd, name, session_uid, former)
        finally:
            os.close(root_fd)


@contextmanager
def home_faults(name: str, field: str = "", root: Path = Path(HOMES)) -> Iterator[None]:
    """Turns OSError into CarrelError: REFUSED for what is no folder, UNAVAILABLE for the rest."""
    folder = f"{root.name}/{name}"
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EXDEV):
            raise CarrelError(
                Code.REFUSED,
                f"{field}{folder} is not a folder but something put in its place.",
                f"Look at it on the host; it must be a plain folder under {root.name}/.",
            ) from error
        raise CarrelError(
            Code.UNAVAILABLE,
            f"The folder {folder} cannot be opened: {error.strerror}.",
            "Look at the data directory's disk and its owner.",
        ) from error


def _ensure(root_fd: int, name: str, session_uid: int, former: Collection[int]) -> bool:
    new = False
    try:
        fd = open_beneath(root_fd, name)
    except FileNotFoundError:
        os.mkdir(name, _MODE, dir_fd=root_fd)
        fd, new = open_beneath(root_fd, name), True
    try:
        # Also for an old home: a crash may have come between mkdir and here, the engine's user
        # remapping may have been switched, and its user may have opened it to the host's others.
        found = os.fstat(fd)
        if (found.st_uid, found.st_gid) != (session_uid, session_uid):
            if found.st_uid in former:
                hand_over(fd, found.st_uid, session_uid)
            os.fchown(fd, session_uid, session_uid)
        if found.st_mode & 0o7777 != _MODE:
            os.fchmod(fd, _MODE)
    finally:
        os.close(fd)
    return new
