"""Nothing is begun that has no room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from drivesync.faults import LocalFull
from drivesync.model import Why

from tests.drivesync.local.conftest import LIMITS, Place

MIB = 1 << 20


def test_the_cap_is_what_mydrive_may_take(here: Place) -> None:
    here.limit(cap_bytes=MIB)
    assert here.disk.free_bytes() == MIB
    with pytest.raises(LocalFull):
        here.disk.incoming(MIB + 1)
    here.bring(b"x" * 500_000, "file")
    assert here.disk.free_bytes() < MIB - 500_000 + 1
    here.disk.scan()
    assert MIB - 600_000 < here.disk.free_bytes() < MIB - 500_000 + 1
    here.disk.trash(here.seen("file"))
    here.disk.scan()
    assert here.disk.free_bytes() == MIB


def test_downloads_under_way_share_the_room(here: Place) -> None:
    here.limit(cap_bytes=MIB)
    one = here.disk.incoming(600_000)
    with pytest.raises(LocalFull):
        here.disk.incoming(600_000)
    one.discard()
    one.discard()
    two = here.disk.incoming(600_000)
    two.discard()
    assert here.disk.free_bytes() == MIB


def test_a_download_of_a_size_nobody_knew_stays_within_the_cap(here: Place) -> None:
    here.limit(cap_bytes=3 * MIB)
    incoming = here.disk.incoming(0)
    with pytest.raises(LocalFull):
        for _ in range(4):
            incoming.write(bytes(MIB))
    incoming.discard()
    assert here.disk.free_bytes() == 3 * MIB


def test_there_may_be_no_cap_and_it_may_come_later(here: Place) -> None:
    assert here.disk.free_bytes() > MIB
    here.disk.set_limits(MIB, 30)
    assert here.disk.free_bytes() == MIB


def test_room_is_left_to_others_on_the_disk(here: Place) -> None:
    here.limit(spare_bytes=1 << 60)
    assert here.disk.free_bytes() == 0
    with pytest.raises(LocalFull):
        here.disk.incoming(1)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Place]:
    """A disk of 4 MiB."""
    drive = tmp_path / "drive"
    drive.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", drive], check=True)
    try:
        yield Place(tmp_path, LIMITS)
    finally:
        subprocess.run(["umount", "-l", drive], check=True)


@pytest.mark.root
def test_a_disk_that_is_full_is_told_before_anything_is_written(small: Place) -> None:
    with pytest.raises(LocalFull):
        small.disk.incoming(5 * MIB)
    incoming = small.disk.incoming(3 * MIB)
    with pytest.raises(LocalFull):
        small.disk.incoming(3 * MIB)
    incoming.discard()
    small.bring(bytes(3 * MIB), "file")
    assert small.seen("file").stamp.size == 3 * MIB


@pytest.mark.root
def test_a_disk_that_fills_up_meanwhile_keeps_what_there_was(small: Place) -> None:
    old = small.bring(b"old", "file")
    incoming = small.disk.incoming(0)
    small.disk._room.promise = lambda root, bytes_: None  # type: ignore[method-assign]
    with pytest.raises(LocalFull):
        for _ in range(8):
            incoming.write(b"x" * MIB)
    incoming.discard()
    assert (small.top / "file").read_bytes() == b"old"
    small.bring(b"new", "file", over=old)


@pytest.mark.root
def test_room_for_a_large_file_is_taken_at_once(small: Place) -> None:
    small.disk._room.promise = lambda root, bytes_: None  # type: ignore[method-assign]
    with pytest.raises(LocalFull):
        small.disk.incoming(6 * MIB)
    assert os.statvfs(small.drive).f_bavail * 4096 > 3 * MIB


@pytest.mark.root
def test_a_disk_mounted_within_mydrive_is_left_alone(here: Place) -> None:
    (here.top / "other").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", here.top / "other"], check=True)
    try:
        (here.top / "other" / "file").write_text("")
        scan = here.disk.scan()
        assert scan.files == () and not scan.complete
        assert [one.why for one in scan.skipped] == [Why.SPECIAL]
    finally:
        subprocess.run(["umount", "-l", here.top / "other"], check=True)
    (here.top / "same").mkdir()
    (here.top / "bound").mkdir()
    subprocess.run(["mount", "--bind", here.top / "same", here.top / "bound"], check=True)
    try:
        scan = here.disk.scan()
        assert {file.path for file in scan.files} == {("other",), ("same",)}
        assert not scan.complete
    finally:
        subprocess.run(["umount", "-l", here.top / "bound"], check=True)
