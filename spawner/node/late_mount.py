"""``python -m spawner.node.late_mount SOURCE PID TARGET``: shows a container one more folder.

Read-only, and at once. A program of its own, since only a process with a single thread may enter
another mount namespace. Needs SYS_ADMIN, SYS_CHROOT, SYS_PTRACE and the host's pid namespace.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

# The same numbers on every architecture (linux/mount.h, Linux 5.2 and 5.12).
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_AT_FDCWD, _AT_EMPTY_PATH = -100, 0x1000
_MOVE_FROM_EMPTY_PATH = 4
_RDONLY, _NOSUID, _NODEV = 1, 2, 4  # as attributes and, alike, as flags of mount(2)
_REMOUNT, _BIND = 32, 4096
_CLONE_NEWNS = 0x20000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class _Attributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("user_namespace", ctypes.c_uint64),
    )


def show(source: str, pid: int, target: str) -> None:
    """Mounts ``source`` read-only at ``target`` in the container of process ``pid``.

    Harmless when something is mounted there already. Raises OSError.
    """
    tree = _call(_OPEN_TREE, _AT_FDCWD, source.encode(), _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC)
    closed = _close_to_writing(tree)
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    root = os.open(f"/proc/{pid}/root", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    if _libc.setns(namespace, _CLONE_NEWNS) != 0:
        raise _fault("setns")
    os.fchdir(root)
    os.chroot(".")
    # From here on every path is the container's own: whatever its root made of it hits itself.
    Path(target).mkdir(parents=True, exist_ok=True)
    if os.path.ismount(target):
        return
    _call(_MOVE_MOUNT, tree, b"", _AT_FDCWD, target.encode(), _MOVE_FROM_EMPTY_PATH)
    if not closed:
        flags = _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV
        if _libc.mount(None, target.encode(), None, ctypes.c_ulong(flags), None) != 0:
            raise _fault("remount")


def _close_to_writing(tree: int) -> bool:
    """Whether it could be done before anybody sees it: older engines' filters forbid the call.

    What is shown belongs to the hub's account and nobody else may write it, so that the moment
    until it is remounted gives nothing away.
    """
    attributes = _Attributes(_RDONLY | _NOSUID | _NODEV, 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    try:
        _call(_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, ctypes.byref(attributes), size)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):
            return False
        raise
    return True


def _call(number: int, *arguments: object) -> int:
    plain = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result: int = _libc.syscall(ctypes.c_long(number), *plain)
    if result < 0:
        raise _fault(str(number))
    return result


def _fault(what: str) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code), what)


def main(arguments: list[str]) -> int:
    source, pid, target = arguments
    try:
        show(source, int(pid), target)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
