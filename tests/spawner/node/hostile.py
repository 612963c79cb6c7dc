"""Trees that a student may leave behind: for whatever has to walk them."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def deep(root: Path, levels: int, name: str = "d") -> None:
    """A chain of folders, one in the other, with a file at its end."""
    fd = os.open(root, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=fd)
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    end = os.open("end", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=fd)
    os.write(end, b"the end")
    os.close(end)
    os.close(fd)


def hostile(home: Path, outside: Path) -> None:
    """All that is odd in one home."""
    (home / "note.txt").write_text("mine")
    (home / "etc").symlink_to("/etc")
    (home / "secret").symlink_to(outside)
    (home / "broken").symlink_to("nowhere")
    os.mkfifo(home / "fifo")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(home / "socket"))
    (home / "su").write_bytes(b"#!")
    (home / "su").chmod(0o6755)
    (home / "closed").mkdir(mode=0)
    Path(os.fsdecode(bytes(home) + b"/caf\xe9")).write_text("latin")
    (home / "one\nline").write_text("two")
    (home / ("n" * 255)).write_text("long")
    with (home / "sparse").open("wb") as sparse:
        sparse.truncate(2**40)
        sparse.seek(2**39)
        sparse.write(b"in the middle")
    (home / "first").write_bytes(b"x" * 8192)
    os.link(home / "first", home / "second")
    deep(home, 2000)
