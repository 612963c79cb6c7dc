"""Does one thing on a disk's side, and is killed (-9) at its nth boundary: before or after a call
that leaves a trace. Prints one line for each n until the thing is done without being killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drivesync import beneath, incoming
from drivesync.late import LateWriters
from drivesync.local import Disk, Limits

CALLS = ("ftruncate", "fchmod", "utime", "fsync", "link", "unlink", "mkdir", "rmdir", "pwrite")


class Killer:
    """Counts boundaries; ends this process at one of them."""

    def __init__(self, at: int) -> None:
        self.left = at

    def boundary(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.boundary()
            result = call(*arguments, **named)
            number = ctypes.get_errno()
            self.boundary()
            ctypes.set_errno(number)
            return result

        return counted


def arm(killer: Killer, named: bool) -> None:
    for name in CALLS:
        setattr(os, name, killer.around(getattr(os, name)))
    beneath._libc.renameat2 = killer.around(beneath._libc.renameat2)
    LateWriters.note = killer.around(LateWriters.note)  # type: ignore[method-assign]
    if named:
        real = incoming.open_at

        def open_at(folder: int, path: str, flags: int, mode: int) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(95, "Operation not supported")
            return real(folder, path, flags, mode)

        incoming.open_at = open_at  # type: ignore[assignment]


def act(disk: Disk, what: str) -> None:
    old = disk.look(("a", "file"))
    if what == "trash":
        assert old is not None
        disk.trash(old)
    elif what == "move":
        assert old is not None
        disk.move(old, ("moved",))
    else:
        coming = disk.incoming(3)
        coming.write(b"new")
        where = ("a", "file") if what.startswith("over") else ("a", "other")
        disk.place(coming, where, old if what.startswith("over") else None, 0)


def main(base: Path, what: str) -> None:
    at = 0
    while True:
        at += 1
        here = base / str(at)
        for folder in ("drive", "state"):
            (here / folder).mkdir(parents=True)
        disk = Disk(here / "drive", here / "state", Limits(spare_bytes=0))
        disk.require_mounted()
        (here / "drive" / "MyDrive" / "a").mkdir()
        (here / "drive" / "MyDrive" / "a" / "file").write_bytes(b"old")
        child = os.fork()
        if child == 0:
            arm(Killer(at), named=what.endswith("named"))
            act(disk, what)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(at, "killed" if killed else f"done {os.waitstatus_to_exitcode(status)}", flush=True)
        if not killed:
            break


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
