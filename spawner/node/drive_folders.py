"""The folders of a user's Drive: made for the root of sessions, whatever a student put in the way.

``drive/<user>`` is seen by session and sidecar, ``drive-state/<user>`` by the sidecar alone. Only a
folder that is new is filled: a MyDrive that a student took away is not made anew, since an empty
one would look as if all files had been deleted. The sidecar then waits, and says so.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
from collections.abc import Collection, Iterator
from pathlib import Path

from spawner.confinement import DRIVE_INSIDE, DRIVE_OWN, MY_DRIVE
from spawner.errors import CarrelError, Code
from spawner.node.config import NodeConfig
from spawner.node.homes import ensure_folder, home_faults, open_beneath

BEARER = "bearer"
POINT = Path(DRIVE_INSIDE).name
"""The name in a home that the folder is mounted over."""
MOST_ASIDE = 1000
_MODE = 0o700
_RENAME_NOREPLACE = 1  # linux/fs.h

_libc = ctypes.CDLL(None, use_errno=True)


def ensure_drive(config: NodeConfig, name: str, former: Collection[int] = frozenset()) -> None:
    """Makes what is missing of the two folders of ``name``, an escaped user name.

    Raises CarrelError: REFUSED where something else is in their place, UNAVAILABLE.
    """
    if ensure_folder(config.drive, name, config.session_uid, former):
        with home_faults(name, root=config.drive), opened(config.drive, name) as fd:
            for inner in (MY_DRIVE, DRIVE_OWN):
                # Nobody has seen the folder yet: no session and no sidecar is there before it.
                os.mkdir(inner, _MODE, dir_fd=fd)
                os.chown(inner, config.session_uid, config.session_uid, dir_fd=fd)
    ensure_folder(config.drive_state, name, config.session_uid, former)


def write_bearer(config: NodeConfig, name: str, bearer: str) -> None:
    """Puts the sidecar's bearer in the place of the one before. Raises as ``ensure_drive``."""
    with home_faults(name, root=config.drive_state), opened(config.drive_state, name) as fd:
        fresh = f".{BEARER}-{secrets.token_hex(4)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(fresh, flags, 0o400, dir_fd=fd)
        try:
            os.fchown(file, config.session_uid, config.session_uid)
            os.write(file, bearer.encode())
            os.fsync(file)
        finally:
            os.close(file)
        os.rename(fresh, BEARER, src_dir_fd=fd, dst_dir_fd=fd)


def remove_bearer(config: NodeConfig, name: str) -> None:
    """Once nobody needs it any more; harmless where there is none."""
    with contextlib.suppress(OSError), opened(config.drive_state, name) as fd:
        os.unlink(BEARER, dir_fd=fd)


def ensure_point(homes: Path, name: str, uid: int) -> str | None:
    """Makes ``drive`` in a home an empty folder to mount over.

    What is there of the student's own is kept under a free name, which is returned: a file, a
    link (which would lead the mount elsewhere), a folder that holds something. No session of that
    user runs meanwhile. Raises CarrelError(UNAVAILABLE).
    """
    with home_faults(name), opened(homes, name) as home_fd:
        if _is_empty_folder(home_fd):
            return None
        aside = _set_aside(home_fd)
        os.mkdir(POINT, _MODE, dir_fd=home_fd)
        fd = open_beneath(home_fd, POINT)
        try:
            os.fchown(fd, uid, uid)
        finally:
            os.close(fd)
        return aside


def _is_empty_folder(home_fd: int) -> bool:
    try:
        fd = open_beneath(home_fd, POINT)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR):
            return False
        raise
    try:
        with os.scandir(fd) as entries:
            return next(entries, None) is None
    finally:
        os.close(fd)


def _set_aside(home_fd: int) -> str | None:
    for number in range(1, MOST_ASIDE):
        aside = f"{POINT} (moved aside{'' if number == 1 else f' {number}'})"
        try:
            _rename(home_fd, aside)
        except FileNotFoundError:
            return None
        except FileExistsError:
            continue
        return aside
    raise CarrelError(
        Code.UNAVAILABLE,
        f"There is no room for {DRIVE_INSIDE} in the home.",
        f"Rename what is called “{POINT}” there.",
    )


def _rename(home_fd: int, aside: str) -> None:
    """Never over something that is there. Raises OSError."""
    old, new = os.fsencode(POINT), os.fsencode(aside)
    if _libc.renameat2(home_fd, old, home_fd, new, _RENAME_NOREPLACE) == 0:
        return
    code = ctypes.get_errno()
    if code != errno.EINVAL:
        raise OSError(code, os.strerror(code), aside)
    # A file system that cannot tell (NFS): nobody else is in the home.
    with contextlib.suppress(FileNotFoundError):
        os.stat(aside, dir_fd=home_fd, follow_symlinks=False)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), aside)
    os.rename(POINT, aside, src_dir_fd=home_fd, dst_dir_fd=home_fd)


@contextlib.contextmanager
def opened(root: Path, name: str) -> Iterator[int]:
    """A descriptor of the folder ``name``. Raises OSError."""
    root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fd = open_beneath(root_fd, name)
    finally:
        os.close(root_fd)
    try:
        yield fd
    finally:
        os.close(fd)
