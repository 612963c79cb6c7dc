"""The folders of Drive on disk, and the place in a home where they are seen, in hostile hands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from spawner.errors import CarrelError, Code
from spawner.node import drive_folders
from spawner.node.drive_folders import ensure_drive, ensure_point, remove_bearer, write_bearer
from spawner.node.layout import ensure_layout

UID = os.geteuid()


@pytest.fixture
def placed(config):
    """The data directory's own folders."""
    ensure_layout(config)
    return config


@pytest.fixture
def home(placed) -> Path:
    made = placed.homes / "ann"
    made.mkdir(0o700)
    return made


def test_new_folders_are_closed_to_others_and_hold_what_belongs_there(placed):
    ensure_drive(placed, "ann")
    ensure_drive(placed, "ann")
    for path in ("drive/ann", "drive/ann/MyDrive", "drive/ann/.carrel", "drive-state/ann"):
        found = (placed.data_dir / path).stat()
        assert (found.st_mode & 0o7777, found.st_uid) == (0o700, UID)


def test_a_my_drive_that_was_taken_away_is_not_made_anew(placed):
    """An empty one would look as if all files had been deleted."""
    ensure_drive(placed, "ann")
    (placed.drive / "ann/MyDrive").rmdir()
    ensure_drive(placed, "ann")
    assert not (placed.drive / "ann/MyDrive").exists()


@pytest.mark.parametrize("root", ["drive", "drive-state"])
def test_something_else_in_a_folders_place_is_refused(placed, tmp_path, root):
    (placed.data_dir / root / "ann").symlink_to(tmp_path)
    with pytest.raises(CarrelError, match=f"{root}/ann is not a folder") as caught:
        ensure_drive(placed, "ann")
    assert caught.value.code is Code.REFUSED
    assert list(tmp_path.iterdir()) == []


def test_a_bearer_never_goes_through_a_link(placed, tmp_path):
    """The sidecar has the folder too, and reads what came from outside."""
    ensure_drive(placed, "ann")
    target = tmp_path / "precious"
    target.write_text("old")
    (placed.drive_state / "ann/bearer").symlink_to(target)
    write_bearer(placed, "ann", "new")
    bearer = placed.drive_state / "ann/bearer"
    assert (target.read_text(), bearer.read_text(), bearer.is_symlink()) == ("old", "new", False)
    remove_bearer(placed, "ann")
    remove_bearer(placed, "ann")
    remove_bearer(placed, "nobody")
    assert list((placed.drive_state / "ann").iterdir()) == []


def test_the_place_in_a_home_is_made_and_an_empty_one_is_kept(placed, home):
    assert ensure_point(placed.homes, "ann", UID) is None
    before = (home / "drive").stat().st_ino
    assert ensure_point(placed.homes, "ann", UID) is None
    assert (home / "drive").stat().st_ino == before


@pytest.mark.parametrize("kind", ["file", "folder", "link", "dangling", "fifo", "loop"])
def test_what_is_called_so_already_is_moved_aside_and_not_lost(placed, home, tmp_path, kind):
    point = home / "drive"
    if kind == "file":
        point.write_text("mine")
    elif kind == "folder":
        point.mkdir()
        (point / "one.txt").write_text("mine")
    elif kind == "fifo":
        os.mkfifo(point)
    else:
        point.symlink_to({"link": tmp_path, "dangling": "/nowhere", "loop": "drive"}[kind])
    found = point.lstat()

    assert ensure_point(placed.homes, "ann", UID) == "drive (moved aside)"

    assert point.is_dir()
    assert not point.is_symlink()
    assert list(point.iterdir()) == []
    assert (home / "drive (moved aside)").lstat().st_ino == found.st_ino
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tells", [True, False])
def test_nothing_that_was_moved_aside_before_is_overwritten(placed, home, monkeypatch, tells):
    """Also where the file system cannot tell in one step."""
    if not tells:
        monkeypatch.setattr(drive_folders, "_RENAME_NOREPLACE", 1 << 30)  # EINVAL
    for text in ("first", "second", "third"):
        point = home / "drive"
        if point.exists():
            point.rmdir()
        point.write_text(text)
        ensure_point(placed.homes, "ann", UID)
    kept = {path.name: path.read_text() for path in home.iterdir() if path.is_file()}
    assert kept == {
        "drive (moved aside)": "first",
        "drive (moved aside 2)": "second",
        "drive (moved aside 3)": "third",
    }


def test_a_home_that_is_no_folder_is_left_alone(placed, tmp_path):
    (placed.homes / "ann").symlink_to(tmp_path)
    with pytest.raises(CarrelError):
        ensure_point(placed.homes, "ann", UID)
    assert list(tmp_path.iterdir()) == []


async def test_a_session_with_a_drive_gets_both_places(node):
    node.body["HostConfig"]["Binds"].append(f"{node.config.drive}/ann:/content/drive:rw")
    assert (await node.create(node.body))[0] == 201
    (_, _, _, body) = node.engine.requests[-1]
    targets = [mount["Target"] for mount in body["HostConfig"]["Mounts"]]
    assert targets == ["/content", "/content/drive"]
    assert (node.config.drive / "ann/MyDrive").is_dir()
    assert (node.config.homes / "ann/drive").is_dir()


async def test_a_home_with_no_room_for_it_still_has_its_session(node, monkeypatch):
    def full(*_: object) -> None:
        raise CarrelError(Code.UNAVAILABLE, "No space left on device.")

    monkeypatch.setattr("spawner.node.actions.ensure_point", full)
    node.body["HostConfig"]["Binds"].append(f"{node.config.drive}/ann:/content/drive:rw")
    assert (await node.create(node.body))[0] == 201
    (_, _, _, body) = node.engine.requests[-1]
    assert [mount["Target"] for mount in body["HostConfig"]["Mounts"]] == ["/content"]


async def test_the_place_is_looked_at_again_right_before_the_start(node, session):
    node.engine.containers[session["Id"]] = session | {
        "Mounts": [{"Destination": "/content"}, {"Destination": "/content/drive"}]
    }
    (node.config.homes / "ann").mkdir()
    (node.config.homes / "ann/drive").symlink_to("/opt")
    assert (await node.ask("POST", f"/containers/{session['Id']}/start"))[0] == 204
    assert not (node.config.homes / "ann/drive").is_symlink()
