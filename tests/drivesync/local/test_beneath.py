"""The kernel refuses every way out of the folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from drivesync.beneath import (
    FILE,
    Rename,
    faults,
    folder,
    open_at,
    open_folder,
    read_small,
    rename,
    write_small,
)
from drivesync.faults import LocalExists, LocalFull, LocalGone, LocalRefused, Unmounted


@pytest.fixture
def root(tmp_path: Path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "canary").write_text("secret")
    (tmp_path / "in").mkdir()
    fd = os.open(tmp_path / "in", os.O_RDONLY)
    yield fd
    os.close(fd)


def _fails(root: int, path: str, flags: int = FILE) -> int:
    with pytest.raises(OSError) as raised:
        os.close(open_at(root, path, flags))
    assert raised.value.errno is not None
    return raised.value.errno


def test_no_symlink_is_followed_whereever_it_stands(root: int, tmp_path: Path) -> None:
    (tmp_path / "in" / "folder").symlink_to("../outside")
    (tmp_path / "in" / "file").symlink_to("../outside/canary")
    (tmp_path / "in" / "inner").symlink_to(".")
    assert _fails(root, "folder/canary") == errno.ELOOP
    assert _fails(root, "file") == errno.ELOOP
    assert _fails(root, "inner/inner") == errno.ELOOP


def test_there_is_no_way_up_and_none_from_the_top(root: int) -> None:
    assert _fails(root, "../outside/canary") == errno.EXDEV
    assert _fails(root, "/etc/hostname") == errno.EXDEV


def test_a_path_longer_than_the_kernel_takes_is_opened(root: int, tmp_path: Path) -> None:
    names = ["x" * 250 for _ in range(40)]  # 10,000 bytes
    fd = os.dup(root)
    for name in names:
        os.mkdir(name, dir_fd=fd)
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    with folder(root, names) as found:
        assert os.path.sameopenfile(found, fd)
    os.close(fd)


def test_a_long_path_leads_through_no_symlink_either(root: int, tmp_path: Path) -> None:
    (tmp_path / "in" / "out").symlink_to("../outside")
    with pytest.raises(OSError, match="symbolic"):
        os.close(open_folder(root, ["out", *["x" * 250 for _ in range(40)]]))


def test_a_rename_replaces_nothing(root: int, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / "in" / name).write_text(name)
    with pytest.raises(FileExistsError):
        rename((root, "a"), (root, "b"), Rename.NOREPLACE)
    rename((root, "a"), (root, "b"), Rename.EXCHANGE)
    assert (tmp_path / "in" / "a").read_text() == "b"
    assert (tmp_path / "in" / "b").read_text() == "a"


def test_small_files_come_whole_or_not_at_all(root: int, tmp_path: Path) -> None:
    write_small(root, ("status.json",), b"12345")
    assert read_small(root, ("status.json",), 5) == b"12345"
    assert read_small(root, ("status.json",), 4) is None
    assert read_small(root, ("nothing",), 4) is None
    assert read_small(root, ("no", "thing"), 4) is None


def test_what_somebody_puts_in_a_small_files_place_is_not_read(root: int, tmp_path: Path) -> None:
    inside = tmp_path / "in"
    (inside / "link").symlink_to("../outside/canary")
    os.mkfifo(inside / "fifo")
    (inside / "folder").mkdir()
    for name in ("link", "fifo", "folder"):
        assert read_small(root, (name,), 100) is None


def test_a_small_file_replaces_a_symlink_and_follows_none(root: int, tmp_path: Path) -> None:
    (tmp_path / "in" / "status.json").symlink_to("../outside/canary")
    write_small(root, ("status.json",), b"{}")
    assert (tmp_path / "outside" / "canary").read_text() == "secret"
    assert read_small(root, ("status.json",), 10) == b"{}"
    assert os.listdir(root) == ["status.json"]


def test_a_small_file_that_cannot_be_put_leaves_nothing(root: int, tmp_path: Path) -> None:
    (tmp_path / "in" / "status.json").mkdir()
    with pytest.raises(OSError):
        write_small(root, ("status.json",), b"{}")
    assert os.listdir(root) == ["status.json"]


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (errno.ENOENT, LocalGone),
        (errno.ELOOP, LocalGone),
        (errno.EEXIST, LocalExists),
        (errno.ENOSPC, LocalFull),
        (errno.EDQUOT, LocalFull),
        (errno.ENAMETOOLONG, LocalRefused),
        (errno.EIO, LocalRefused),
        (errno.ESTALE, Unmounted),
    ],
)
def test_the_engine_hears_faults_alone(code: int, fault: type[Exception]) -> None:
    with pytest.raises(fault, match="notes"), faults("notes"):
        raise OSError(code, os.strerror(code))


def test_a_kernel_that_lacks_the_call_is_named() -> None:
    with pytest.raises(LocalRefused, match="openat2"), faults("MyDrive"):
        raise OSError(errno.ENOSYS, "Function not implemented")
