"""What the kernel tells by statx is what it tells by stat, and the birth of a file."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from drivesync.births import see, stamp_of


@pytest.mark.parametrize("kind", ["file", "folder", "symlink", "fifo"])
def test_it_is_what_stat_tells(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    match kind:
        case "file":
            path.write_bytes(b"x" * 10_000)
            os.link(path, tmp_path / "other")
        case "folder":
            path.mkdir()
        case "symlink":
            path.symlink_to("/")
        case "fifo":
            os.mkfifo(path)
    folder = os.open(tmp_path, os.O_RDONLY)
    seen, told = see(folder, kind), path.lstat()
    os.close(folder)
    for name in ("mode", "ino", "nlink", "size", "blocks", "mtime_ns", "ctime_ns"):
        assert getattr(seen, f"st_{name}") == getattr(told, f"st_{name}")
    assert seen.st_dev == (os.major(told.st_dev), os.minor(told.st_dev))


def test_a_birth_stays_whatever_is_done_to_a_file(tmp_path: Path) -> None:
    before = time.time_ns()
    path = tmp_path / "file"
    path.write_bytes(b"1")
    fd = os.open(path, os.O_RDWR)
    first = see(fd)
    os.write(fd, b"more")
    os.utime(fd, ns=(1, 1))
    path.rename(tmp_path / "moved")
    assert stamp_of(see(fd)).identity == stamp_of(first).identity is not None
    assert abs(first.st_birthtime_ns - before) < 60 * 10**9
    os.close(fd)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(FileNotFoundError):
        see(folder, "none")
    os.close(folder)
