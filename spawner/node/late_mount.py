"""``python -m spawner.node.late_mount SOURCE PID CONTAINER TARGET``: one more folder for it.

Read-only, and at once. A program of its own, since only a process with a single thread may enter
another mount namespace. Needs SYS_ADMIN, SYS_PTRACE and the host's pid namespace.

Whoever is root in the container is hostile, and may change every path there while this runs. So
the mount is closed to writing before it is seen, nothing but folders is opened in the container,
one step at a time and never through a link, and once inside nothing of Python's is loaded any more.
"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from pathlib import Path

# The same numbers on every architecture (linux/mount.h, Linux 5.2).
_OPEN_TREE, _MOVE_MOUNT = 428, 429
_OPEN_TREE_CLONE = 1
_AT_FDCWD = -100
_FROM_EMPTY_PATH, _TO_EMPTY_PATH = 0x4, 0x40
_RDONLY, _NOSUID, _NODEV, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_CLONE_NEWNS = 0x20000
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def show(source: str, pid: int, container: str, target: str) -> None:
    """Mounts ``source`` read-only at ``target`` in the container of process ``pid``, and exits.

    Returns when something is mounted there already. Raises OSError for what goes wrong before the
    container is entered.
    """
    tree = _closed_tree(source)
    process = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    # By its own folder from here on: the number may be another process's in a moment.
    if container not in _read(process, "cgroup"):
        raise OSError("the container has ended")
    if any(line.split()[4] == target for line in _read(process, "mountinfo").splitlines()):
        return
    namespace = os.open("ns/mnt", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
    folder = os.open("root", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=process)
    parts = [part for part in target.split("/") if part]
    if _libc.setns(namespace, _CLONE_NEWNS) != 0:
        raise _fault("setns")
    try:
        for part in parts:
            try:  # noqa: SIM105  (contextlib may not be loaded here)
                os.mkdir(part, 0o755, dir_fd=folder)
            except FileExistsError:
                pass
            folder = os.open(part, _FOLDER, dir_fd=folder)
        moved = _libc.syscall(
            ctypes.c_long(_MOVE_MOUNT), ctypes.c_long(tree), b"", ctypes.c_long(folder), b"",
            ctypes.c_long(_FROM_EMPTY_PATH | _TO_EMPTY_PATH),
        )  # fmt: skip
        if moved == 0:
            os._exit(0)
        os.write(2, b"the engine's kernel refuses the mount")
    except BaseException:  # nothing may be loaded here, not even to tell of it
        os.write(2, b"something stands in the mount's place")
    os._exit(1)


def _closed_tree(source: str) -> int:
    """A mount of ``source`` that nobody can write: made in a namespace that only we see."""
    if _libc.unshare(_CLONE_NEWNS) != 0:
        raise _fault("unshare")
    place = tempfile.mkdtemp(dir="/tmp")
    _mount(None, "/", _REC | _PRIVATE)
    _mount(source, place, _BIND)
    _mount(None, place, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)
    tree: int = _libc.syscall(
        ctypes.c_long(_OPEN_TREE), ctypes.c_long(_AT_FDCWD), place.encode(),
        ctypes.c_long(_OPEN_TREE_CLONE | os.O_CLOEXEC),
    )  # fmt: skip
    if tree < 0:
        raise _fault("open_tree")
    if _libc.umount2(place.encode(), 2) == 0:
        Path(place).rmdir()
    return tree


def _mount(source: str | None, target: str, flags: int) -> None:
    given = None if source is None else source.encode()
    if _libc.mount(given, target.encode(), None, ctypes.c_ulong(flags), None) != 0:
        raise _fault("mount")


def _read(process: int, name: str) -> str:
    with os.fdopen(os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=process), "rb") as file:
        return file.read().decode(errors="replace")


def _fault(what: str) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code), what)


def main(arguments: list[str]) -> int:
    source, pid, container, target = arguments
    try:
        show(source, int(pid), container, target)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
