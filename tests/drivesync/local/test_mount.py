"""A disk that is not there is no deletion."""

from __future__ import annotations

import os
import shutil

import pytest
from drivesync import mount
from drivesync.beneath import Rename
from drivesync.faults import LocalRefused, Unmounted

from tests.drivesync.local.conftest import Place


def test_the_first_run_makes_what_is_missing_and_later_ones_know_it(here: Place) -> None:
    id_ = (here.drive / ".carrel" / "id").read_text()
    for _ in range(2):
        here.again().require_mounted()
        here.disk.require_mounted()
    assert (here.drive / ".carrel" / "id").read_text() == id_
    assert here.top.is_dir()


def test_an_empty_disk_in_its_place_stops_everything(here: Place) -> None:
    here.drive.rename(here.base / "away")
    here.drive.mkdir()
    for disk in (here.disk, here.again()):
        with pytest.raises(Unmounted):
            disk.require_mounted()
    assert list(here.drive.iterdir()) == []
    here.drive.rmdir()
    (here.base / "away").rename(here.drive)
    here.again().require_mounted()


def test_no_disk_in_its_place_stops_everything(here: Place) -> None:
    here.drive.rename(here.base / "away")
    for disk in (here.disk, here.again()):
        with pytest.raises(Unmounted):
            disk.require_mounted()
    with pytest.raises(Unmounted):
        here.disk.scan()
    (here.base / "away").rename(here.drive)
    here.disk.require_mounted()


def test_another_users_disk_stops_everything(here: Place) -> None:
    (here.drive / ".carrel" / "id").write_text("another")
    with pytest.raises(Unmounted):
        here.disk.require_mounted()


@pytest.mark.parametrize("instead", ["nothing", "file", "symlink"])
def test_a_missing_mydrive_is_not_an_empty_one(here: Place, instead: str) -> None:
    here.bring(b"", "file")
    here.top.rename(here.drive / "moved")
    if instead == "file":
        here.top.write_text("")
    elif instead == "symlink":
        here.top.symlink_to("moved")
    for act in (here.disk.require_mounted, here.disk.scan):
        with pytest.raises(Unmounted):
            act()
    if instead != "nothing":
        here.top.unlink()
    (here.drive / "moved").rename(here.top)
    here.disk.require_mounted()
    assert here.paths() == {("file",)}


def test_looking_for_a_file_without_mydrive_does_not_say_that_it_is_gone(here: Place) -> None:
    here.bring(b"", "file")
    here.top.rename(here.drive / "moved")
    with pytest.raises(Unmounted):
        here.disk.look(("file",))


def test_a_user_who_removes_carrels_folder_gets_it_back(here: Place) -> None:
    here.bring(b"", "file")
    shutil.rmtree(here.drive / ".carrel")
    here.disk.require_mounted()
    here.disk.trash(here.bring(b"x", "other", over=None))
    assert (here.trash / "2026-11-24" / "other").exists()
    here.again().require_mounted()


def test_a_symlink_in_place_of_carrels_folders_leads_nowhere(here: Place) -> None:
    outside = here.base / "outside"
    outside.mkdir()
    for name in ("trash", "tmp"):
        shutil.rmtree(here.drive / ".carrel" / name)
        (here.drive / ".carrel" / name).symlink_to(outside)
        with pytest.raises(LocalRefused, match=name):
            here.again().require_mounted()
        (here.drive / ".carrel" / name).unlink()
        here.again().require_mounted()
    here.bring(b"", "file")
    (here.drive / ".carrel").rename(outside / "carrel")
    (here.drive / ".carrel").symlink_to(outside / "carrel")
    with pytest.raises((LocalRefused, Unmounted)):
        here.again().require_mounted()


@pytest.mark.parametrize("kind", ["fifo", "symlink", "huge"])
def test_a_strange_id_file_is_not_read(here: Place, kind: str) -> None:
    id_ = here.drive / ".carrel" / "id"
    id_.unlink()
    if kind == "fifo":
        os.mkfifo(id_)
    elif kind == "symlink":
        id_.symlink_to("/dev/zero")
    else:
        id_.write_bytes(bytes(1 << 20))
    here.again().require_mounted()  # by the folders, which are still the same
    assert id_.stat().st_size == 32 and id_.is_file() and not id_.is_symlink()


def test_a_state_that_was_lost_or_cut_short_takes_the_disk_as_it_is(here: Place) -> None:
    id_ = (here.drive / ".carrel" / "id").read_text()
    (here.state / "mount.json").write_text('{"id": ')
    here.again().require_mounted()
    (here.state / "mount.json").unlink()
    here.again().require_mounted()
    assert (here.drive / ".carrel" / "id").read_text() == id_


def test_a_disk_that_cannot_exchange_files_is_refused_with_a_sentence(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(source: object, target: object, how: Rename) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(mount, "rename", rename)
    with pytest.raises(LocalRefused, match="NFS"):
        here.again().require_mounted()
    monkeypatch.undo()
    here.disk.require_mounted()
    assert list((here.drive / ".carrel" / "tmp").iterdir()) == []


def test_another_folder_in_the_place_of_mydrive_stops_everything(here: Place) -> None:
    """docs/drive.md: "MyDrive or .carrel was moved, replaced or is not there"."""
    (here.top / "a").write_bytes(b"1")
    here.top.rename(here.drive / "old")
    here.top.mkdir()
    with pytest.raises(Unmounted):
        here.again().require_mounted()


def test_a_disk_that_was_restored_from_a_backup_is_taken_unless_it_is_empty(here: Place) -> None:
    here.bring(b"1", "a")
    here.drive.rename(here.base / "backup")
    shutil.copytree(here.base / "backup", here.drive)
    (here.top / "a").unlink()
    with pytest.raises(Unmounted):
        here.again().require_mounted()
    (here.top / "a").write_bytes(b"1")
    for _ in range(2):
        here.again().require_mounted()
    assert here.paths() == {("a",)}
