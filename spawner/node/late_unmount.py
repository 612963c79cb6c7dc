"""``python -m spawner.node.late_unmount DEVICE PATH PID CONTAINER``: one folder less for it.

The counterpart of ``late_mount``, a program of its own for the same reason, with the same
capabilities. It takes away every mount of PATH (on DEVICE, both as mountinfo has them) from the
container of process PID, at once: what is open stays open, nothing new can be opened.

Whoever is root in the container is hostile, and may rename the folders above a mount while this
runs. So a mount is found by the kernel's list, its path is only the way to it, and what is opened
on that way must be the very mount. It is undone as ``.``, which nobody can put something else for.
Once inside nothing of Python's is loaded any more.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time

from spawner.node import late_seen
from spawner.node.homes import open_beneath
from spawner.node.late_seen import Folder, Mount

STUBBORN = 2
"""Exit code: the container's root moves folders about faster than they can be opened."""
TRY_FOR_S = 5.0
_CLONE_NEWNS = 0x20000
_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def hide(folder: Folder, pid: int, container: str) -> None:
    """Returns when nothing of it is mounted there (any more), else exits, with the reason.

    Raises OSError for what goes wrong before the container is entered.
    """
    process = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    # By its own folder from here on: the number may be another process's in a moment.
    if container not in _read(process, "cgroup"):
        raise OSError("the container has ended")
    if not _mounted(process, folder):
        return
    namespace = os.open("ns/mnt", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
    root = os.open("root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=process)
    own = os.open("/proc/self/fdinfo", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    if _libc.setns(namespace, _CLONE_NEWNS) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "setns")
    try:
        until = time.monotonic() + TRY_FOR_S
        while found := _mounted(process, folder):
            if time.monotonic() > until:
                os.write(2, b"the session does not let go of it")
                os._exit(STUBBORN)
            for mount in found:
                _undo(root, own, mount)
        os._exit(0)
    except BaseException:  # nothing may be loaded here, not even to tell of it
        os.write(2, b"what it sees cannot be read")
    os._exit(1)


def _undo(root: int, own: int, mount: Mount) -> None:
    """If its path still leads to it; else the next look finds another path."""
    try:
        fd = open_beneath(root, mount.point.lstrip("/"))
    except OSError:
        return
    try:
        if f"{late_seen.MNT_ID}\t{mount.id}\n" in _read(own, str(fd)):
            os.fchdir(fd)
            _libc.umount2(b".", _DETACH)
    finally:
        os.close(fd)


def _mounted(process: int, folder: Folder) -> list[Mount]:
    return late_seen.of(folder, late_seen.mounts(_read(process, "mountinfo")))


def _read(directory: int, name: str) -> str:
    fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        parts = []
        while part := os.read(fd, 65536):
            parts.append(part)
    finally:
        os.close(fd)
    return b"".join(parts).decode(errors="surrogateescape")


def main(arguments: list[str]) -> int:
    device, path, pid, container = arguments
    try:
        hide(Folder(device, path), int(pid), container)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
