"""An upload has the bytes of the version that was scanned, or none."""

from __future__ import annotations

import hashlib
import mmap
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from drivesync import reading
from drivesync.faults import LocalChanged, LocalGone
from drivesync.model import LocalFile

from tests.drivesync.local.conftest import Place

BODY = os.urandom(3_000_000)


@pytest.fixture
def file(here: Place) -> LocalFile:
    (here.top / "file").write_bytes(BODY)
    return here.seen("file")


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _same_size(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"other")


def _save_by_rename(path: Path) -> None:
    new = path.with_name("new")
    new.write_bytes(BODY)
    new.replace(path)


def _cut(path: Path) -> None:
    os.truncate(path, 10)


CHANGES = pytest.mark.parametrize("change", [_append, _same_size, _save_by_rename, _cut])


def test_the_bytes_and_their_md5(here: Place, file: LocalFile) -> None:
    md5 = here.disk.md5(file)
    assert md5 == hashlib.md5(BODY).hexdigest()
    source = here.disk.source(file, md5)
    assert (source.size, source.md5) == (len(BODY), md5)
    for _ in range(2):  # an attempt, and the next one
        with source.open() as opened:
            assert opened.read() == BODY


def test_a_resumed_upload_goes_on_in_the_middle(here: Place, file: LocalFile) -> None:
    with here.disk.source(file, "").open() as opened:
        assert opened.seek(1_000_000) == 1_000_000
        assert opened.read(10) == BODY[1_000_000:1_000_010]
        assert opened.tell() == 1_000_010
        assert opened.seek(-5, os.SEEK_END) == len(BODY) - 5
        assert opened.read(100) == BODY[-5:]


@CHANGES
def test_a_change_during_the_upload_keeps_back_the_last_bytes(
    here: Place, file: LocalFile, change: Callable[[Path], None]
) -> None:
    with here.disk.source(file, "").open() as opened:
        opened.read(1_000_000)
        change(here.top / "file")
        with pytest.raises(LocalChanged):
            while opened.read(1_000_000):
                pass
        assert opened.tell() <= len(BODY)


@CHANGES
def test_a_change_before_the_next_attempt_is_found_when_it_opens(
    here: Place, file: LocalFile, change: Callable[[Path], None]
) -> None:
    source = here.disk.source(file, "")
    source.open().close()
    change(here.top / "file")
    with pytest.raises(LocalChanged):
        source.open()


@CHANGES
def test_an_md5_is_of_one_version(
    here: Place, file: LocalFile, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.preadv, iter(range(100))

    def read(fd: int, buffers: list[memoryview], offset: int) -> int:
        got = real(fd, buffers, offset)
        if next(calls) == 1:
            change(here.top / "file")
        return got

    monkeypatch.setattr(os, "preadv", read)
    with pytest.raises(LocalChanged):
        here.disk.md5(file)


def test_a_file_that_is_gone_is_told_so(here: Place, file: LocalFile) -> None:
    (here.top / "file").unlink()
    with pytest.raises(LocalGone):
        here.disk.md5(file)


def test_what_stands_in_its_place_is_not_read_and_does_not_block(
    here: Place, file: LocalFile
) -> None:
    (here.top / "file").unlink()
    os.mkfifo(here.top / "file")
    with pytest.raises(LocalChanged):
        here.disk.md5(file)
    (here.top / "file").unlink()
    (here.top / "file").symlink_to("/etc/hostname")
    with pytest.raises(LocalGone):
        here.disk.md5(file)
    (here.top / "file").unlink()
    (here.top / "file").mkdir()
    with pytest.raises(LocalChanged):
        here.disk.md5(file)


def test_a_folder_swapped_while_it_is_opened_does_not_give_another_file(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Back in its place, the right file has the stamp that it had."""
    for name in ("a", "b"):
        (here.top / name).mkdir()
        (here.top / name / "file").write_text(name)
    real = reading._open

    def swap(root: int, file: LocalFile) -> int:
        for source, target in (("a", "c"), ("b", "a")):
            (here.top / source).rename(here.top / target)
        fd = real(root, file)
        for source, target in (("a", "b"), ("c", "a")):
            (here.top / source).rename(here.top / target)
        return fd

    file = here.seen("a", "file")
    monkeypatch.setattr(reading, "_open", swap)
    with pytest.raises(LocalChanged):
        here.disk.md5(file)


def test_another_folder_in_its_place_at_the_end_is_a_change(here: Place) -> None:
    """What was opened is as it was, but it is not what the path leads to any more."""
    (here.top / "a").mkdir()
    (here.top / "a" / "file").write_text("a")
    with here.disk.source(here.seen("a", "file"), "").open() as opened:
        (here.top / "a").rename(here.top / "b")
        (here.top / "a").mkdir()
        (here.top / "a" / "file").write_text("c")
        with pytest.raises(LocalChanged):
            opened.read()


def test_an_empty_file_is_read(here: Place) -> None:
    (here.top / "empty").touch()
    file = here.seen("empty")
    assert here.disk.md5(file) == hashlib.md5(b"").hexdigest()
    with here.disk.source(file, "").open() as opened:
        assert opened.read(10) == b""


def test_a_write_within_the_same_tick_of_the_clock_is_waited_out(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    (here.top / "new").write_text("")
    here.disk.md5(here.seen("new"))
    os.utime(here.top / "new", (1, 1))  # ctime is what it has now
    monkeypatch.setattr(reading.time, "time_ns", lambda: 2**62)
    here.disk.md5(here.seen("new"))
    assert len(slept) == 1 and 0 < slept[0] <= 0.02


def test_a_program_that_has_the_file_in_memory_is_noticed(here: Place) -> None:
    """The next byte in a page that is dirty changes no mtime, until the page was written out."""
    (here.top / "array.npy").write_bytes(bytes(8192))
    with (here.top / "array.npy").open("r+b") as opened, mmap.mmap(opened.fileno(), 8192) as array:
        array[0] = 1
        file = here.seen("array.npy")
        reader = here.disk.source(file, "").open()
        array[1] = 2
        with reader, pytest.raises(LocalChanged):
            reader.read()


def test_a_lease_on_a_file_does_not_hold_the_sidecar_up(here: Place, file: LocalFile) -> None:
    """A program may ask the kernel to let openers of its file wait for 45 s (F_SETLEASE)."""
    import fcntl
    import signal

    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    fd = os.open(here.top / "file", os.O_RDWR)
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        done = threading.Event()

        def read() -> None:
            with pytest.raises(Exception, match="file"):
                here.disk.md5(file)
            done.set()

        threading.Thread(target=read).start()
        assert done.wait(5)
    finally:
        os.close(fd)
        signal.signal(signal.SIGIO, before)
