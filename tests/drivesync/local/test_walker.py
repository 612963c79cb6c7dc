"""What a scan sees, what it leaves alone and says so, and when it must not be believed."""

from __future__ import annotations

import os
import socket
import time
import unicodedata
from pathlib import Path

import pytest
from drivesync import walker
from drivesync.model import Scan, Why
from drivesync.walker import Reach, Walk, walk

from tests.drivesync.local.conftest import Place


def _why(scan: Scan) -> dict[str, Why]:
    return {"/".join(one.path): one.why for one in scan.skipped}


def _walk(here: Place) -> Walk:
    fd = os.open(here.top, os.O_RDONLY)
    try:
        return walk(fd)
    finally:
        os.close(fd)


def test_folders_come_before_what_is_in_them(here: Place) -> None:
    for name in ("b/c/d", "a", "b/x"):
        (here.top / name).mkdir(parents=True, exist_ok=True)
        (here.top / name / "file").write_text("")
    paths = [file.path for file in here.disk.scan().files]
    assert len(paths) == 8
    for at, path in enumerate(paths):
        assert len(path) == 1 or path[:-1] in paths[:at]


def test_only_files_and_folders_are_synced(here: Place) -> None:
    (here.top / "link").symlink_to("/etc/hostname")
    (here.top / "loop").symlink_to(".")
    os.mkfifo(here.top / "fifo")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(here.top / "socket"))
    scan = here.disk.scan()
    assert scan.files == ()
    assert scan.complete
    assert _why(scan) == {
        "link": Why.SYMLINK,
        "loop": Why.SYMLINK,
        "fifo": Why.SPECIAL,
        "socket": Why.SPECIAL,
    }
    assert all(here.disk.look((name,)) is None for name in _why(scan))


@pytest.mark.root
def test_a_device_is_left_alone(here: Place) -> None:
    os.mknod(here.top / "null", 0o20666, os.makedev(1, 3))
    assert _why(here.disk.scan()) == {"null": Why.SPECIAL}


def test_ignored_folders_are_not_entered(here: Place) -> None:
    (here.top / "__pycache__").mkdir()
    (here.top / "__pycache__" / "a.pyc").write_text("")
    scan = here.disk.scan()
    assert scan.files == () and scan.complete
    assert _why(scan) == {"__pycache__": Why.IGNORED}
    assert here.disk.look(("__pycache__", "a.pyc")) is None


def test_a_name_that_is_no_utf8_is_told_in_letters_that_can_be_shown(here: Place) -> None:
    Path(os.fsdecode(os.fsencode(here.top) + b"/caf\xe9")).write_text("")
    scan = here.disk.scan()
    assert scan.files == () and scan.complete
    assert _why(scan) == {"caf\N{REPLACEMENT CHARACTER}": Why.NAME}
    str(scan.skipped[0].path).encode()


def test_both_forms_of_an_accent_and_both_cases_are_two_files(here: Place) -> None:
    nfc, nfd = (unicodedata.normalize(form, "café.txt") for form in ("NFC", "NFD"))
    names = {nfc, nfd, "Notes.txt", "notes.txt", "é" * 127, "x" * 255, "new\nline", "-rf"}
    for name in names:
        here.bring(name.encode(), name)
    assert {path[0] for path in here.paths()} == names
    for name in names:
        assert (here.top / name).read_text() == name


def test_hardlinks_are_two_files_and_count_once(here: Place) -> None:
    (here.top / "a").write_bytes(b"x" * 8192)
    alone = _walk(here).allocated_bytes
    (here.top / "b").hardlink_to(here.top / "a")
    both = _walk(here)
    assert {file.path for file in both.scan.files} == {("a",), ("b",)}
    assert both.allocated_bytes == alone


def test_a_sparse_file_counts_what_it_takes_and_reads_as_it_is(here: Place) -> None:
    with (here.top / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    (here.top / "small").write_bytes(b"")
    os.truncate(here.top / "small", 5)
    walked = _walk(here)
    assert walked.allocated_bytes < 1 << 20
    assert here.seen("sparse").stamp.size == 1 << 30
    small = here.seen("small")
    assert here.disk.source(small, here.disk.md5(small)).open().read() == bytes(5)


def test_a_tree_of_2000_levels_is_read_to_its_limit_and_deletes_nothing(here: Place) -> None:
    fd = os.open(here.top, os.O_RDONLY)
    for _ in range(2_000):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    scan = here.disk.scan()
    assert len(scan.files) == 99
    assert [one.why for one in scan.skipped] == [Why.TOO_DEEP]
    assert not scan.complete
    assert here.disk.look(("d",) * 100) is None
    # the folders go away with the test, by other means than pytest's recursion
    here.top.rename(here.trash / "2026-01-01")
    here.disk.purge_trash()
    assert not list(here.trash.iterdir())


def test_too_many_files_end_the_scan_and_it_is_not_believed(here: Place) -> None:
    here.limit(reach=Reach(most_entries=50))
    for at in range(51):
        (here.top / f"f{at}").write_text("")
    scan = here.disk.scan()
    assert len(scan.files) == 50
    assert not scan.complete
    assert [one.why for one in scan.skipped] == [Why.TOO_MANY]


def test_an_unreadable_folder_makes_the_scan_incomplete(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here.top / "closed").mkdir()
    (here.top / "open").mkdir()
    real = walker.open_at

    def refuse(folder: int, path: str, *more: int) -> int:
        if path == "closed":
            raise PermissionError(13, "Permission denied")
        return real(folder, path, *more)

    monkeypatch.setattr(walker, "open_at", refuse)
    scan = here.disk.scan()
    assert [file.path for file in scan.files] == [("open",)]
    assert _why(scan) == {"closed": Why.UNREADABLE}
    assert not scan.complete


def test_a_file_moved_behind_the_walks_back_is_found_by_walking_again(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (here.top / name).mkdir()
    (here.top / "a" / "file").write_text("")
    (here.top / "b" / "file2").write_text("")
    moved: list[str] = []
    real = walker.open_at

    def move_first(folder: int, path: str, *more: int) -> int:
        if path in ("a", "b"):
            moved.append(path)
        if len(moved) == 2 and path == moved[1]:  # the first is read; the second not yet
            name = "file" if path == "a" else "file2"
            (here.top / path / name).rename(here.top / moved[0] / "moved")
            moved.append("")
        return real(folder, path, *more)

    monkeypatch.setattr(walker, "open_at", move_first)
    scan = here.disk.scan()
    assert scan.complete
    assert "moved" in {file.path[-1] for file in scan.files}


def test_a_tree_that_never_keeps_still_is_told_as_incomplete(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here.top / "a").mkdir()
    at = iter(range(100))
    real = walker.open_at

    def write_first(folder: int, path: str, *more: int) -> int:
        fd = real(folder, path, *more)
        if path == "a":
            (here.top / f"{next(at)}").write_text("")
        return fd

    monkeypatch.setattr(walker, "open_at", write_first)
    assert not here.disk.scan().complete


def test_a_program_that_writes_into_a_file_does_not_tear_the_scan(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here.top / "log").write_text("")
    (here.top / "a").mkdir()
    real = walker.open_at

    def write_first(folder: int, path: str, *more: int) -> int:
        with (here.top / "log").open("a") as log:
            log.write("line\n")
        return real(folder, path, *more)

    monkeypatch.setattr(walker, "open_at", write_first)
    assert here.disk.scan().complete


def test_10000_files_take_well_under_half_a_second(here: Place) -> None:
    for folder in range(100):
        (here.top / f"d{folder}").mkdir()
        for file in range(100):
            (here.top / f"d{folder}" / f"f{file}").touch()
    took = []
    for _ in range(3):
        began = time.process_time()
        assert len(here.disk.scan().files) == 10_100
        took.append(time.process_time() - began)
    assert min(took) < 0.4
