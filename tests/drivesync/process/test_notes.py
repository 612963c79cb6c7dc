"""Whatever stands in the place of a note, nothing outside of the drive is read or written."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from drivesync import notes

NAME = "note"


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    file = tmp_path / "canary"
    file.write_text('{"at": 1}')
    return file


def test_a_note_is_read_and_written(drive: Path) -> None:
    assert notes.read(drive, NAME, 100) is None
    assert notes.write(drive, NAME, b'{"a": 1}')
    assert notes.read_json(drive, NAME, 100) == {"a": 1}
    assert notes.write(drive, NAME, b"{}")
    assert [file.name for file in (drive / ".carrel").iterdir()] == [NAME]
    assert (drive / ".carrel" / NAME).stat().st_mode & 0o777 == 0o644


def test_a_symlink_is_not_read(drive: Path, canary: Path) -> None:
    (drive / ".carrel" / NAME).symlink_to(canary)
    assert notes.read(drive, NAME, 100) is None


def test_a_symlink_is_replaced_and_not_followed(drive: Path, canary: Path) -> None:
    (drive / ".carrel" / NAME).symlink_to(canary)
    assert notes.write(drive, NAME, b"told")
    assert canary.read_text() == '{"at": 1}'
    assert not (drive / ".carrel" / NAME).is_symlink()
    assert (drive / ".carrel" / NAME).read_bytes() == b"told"


def test_a_folder_that_is_a_symlink_is_not_entered(drive: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / NAME).write_text("{}")
    (drive / ".carrel").rmdir()
    (drive / ".carrel").symlink_to(elsewhere)
    assert notes.read(drive, NAME, 100) is None
    assert not notes.write(drive, NAME, b"told")
    assert [file.name for file in elsewhere.iterdir()] == [NAME]


def test_a_hardlink_is_replaced_and_not_written_through(drive: Path, canary: Path) -> None:
    os.link(canary, drive / ".carrel" / NAME)
    assert notes.write(drive, NAME, b"told")
    assert canary.read_text() == '{"at": 1}'


def test_a_fifo_holds_nobody_up(drive: Path) -> None:
    os.mkfifo(drive / ".carrel" / NAME)
    assert notes.read(drive, NAME, 100) is None
    assert notes.write(drive, NAME, b"told")
    assert notes.read(drive, NAME, 100) == b"told"


def test_a_huge_sparse_file_is_not_read(drive: Path) -> None:
    with (drive / ".carrel" / NAME).open("wb") as file:
        file.truncate(1 << 30)
    assert notes.read(drive, NAME, 100) is None
    assert notes.write(drive, NAME, b"told")


def test_a_folder_in_its_place_is_moved_aside(drive: Path) -> None:
    (drive / ".carrel" / NAME).mkdir()
    (drive / ".carrel" / NAME / "kept").write_text("kept")
    assert notes.read(drive, NAME, 100) is None
    assert notes.write(drive, NAME, b"told")
    assert notes.read(drive, NAME, 100) == b"told"
    assert len(list((drive / ".carrel").glob("note.folder.*/kept"))) == 1


def test_a_file_that_grows_while_it_is_read_is_bounded(drive: Path) -> None:
    file = drive / ".carrel" / NAME
    file.write_bytes(b"x" * 90)
    over = threading.Event()

    def grow() -> None:
        with file.open("ab") as more:
            while not over.is_set():
                more.write(b"x" * 10)
                more.flush()
                more.truncate(90)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        for _ in range(200):
            read = notes.read(drive, NAME, 100)
            assert read is None or len(read) <= 100
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff{}", b"[" * 100_000, b'{"a": 1} x'])
def test_what_is_no_json_object_is_nothing(drive: Path, data: bytes) -> None:
    (drive / ".carrel" / NAME).write_bytes(data)
    assert notes.read_json(drive, NAME, 1 << 20) is None


def test_no_drive_is_no_error(tmp_path: Path) -> None:
    assert notes.read(tmp_path / "none", NAME, 100) is None
    assert not notes.write(tmp_path / "none", NAME, b"")
