"""What comes from Drive gets its place in one step, and nothing that was there is lost."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from drivesync import beneath, placing
from drivesync.beneath import Rename
from drivesync.faults import LocalChanged, LocalExists, LocalGone, LocalRefused
from drivesync.model import LocalFile

from tests.drivesync.local.conftest import Place


def test_a_new_file_has_its_bytes_time_and_mode(here: Place) -> None:
    placed = here.bring(b"body", "notes.txt")
    seen = (here.top / "notes.txt").stat()
    assert placed == here.seen("notes.txt")
    assert (here.top / "notes.txt").read_bytes() == b"body"
    assert stat.S_IMODE(seen.st_mode) == 0o644
    assert seen.st_mtime_ns == 1_700_000_000_123 * 1_000_000
    assert seen.st_uid == os.geteuid()
    assert list((here.drive / ".carrel" / "tmp").iterdir()) == []


@pytest.mark.parametrize("time_ms", [-5, 0, 2**62])
def test_a_time_that_no_disk_has_is_no_obstacle(here: Place, time_ms: int) -> None:
    incoming = here.disk.incoming(0)
    here.disk.place(incoming, ("file",), None, time_ms)
    assert here.seen("file").stamp.mtime_ns >= 0


def test_nothing_is_seen_before_it_is_placed_or_after_it_was_discarded(here: Place) -> None:
    incoming = here.disk.incoming(3)
    incoming.write(b"abc")
    assert here.contents().keys() == {".carrel/id"}
    incoming.discard()
    incoming.discard()
    assert here.contents().keys() == {".carrel/id"}


def test_a_download_that_begins_anew_has_nothing_of_the_first_try(here: Place) -> None:
    incoming = here.disk.incoming(10)
    incoming.write(b"0123456789")
    incoming.restart()
    incoming.write(b"abc")
    here.disk.place(incoming, ("file",), None, 0)
    assert (here.top / "file").read_bytes() == b"abc"


def test_a_large_file_is_as_long_as_what_came(here: Place) -> None:
    """Its room is taken beforehand."""
    incoming = here.disk.incoming(5_000_000)
    incoming.write(b"short")
    here.disk.place(incoming, ("file",), None, 0)
    assert (here.top / "file").read_bytes() == b"short"


@pytest.mark.parametrize("kind", ["file", "folder", "symlink", "fifo", "dangling"])
def test_a_new_file_replaces_nothing(here: Place, kind: str) -> None:
    there = here.top / "there"
    make = {
        "file": lambda: there.write_text("mine"),
        "folder": there.mkdir,
        "symlink": lambda: there.symlink_to("/etc/hostname"),
        "dangling": lambda: there.symlink_to("nothing"),
        "fifo": lambda: os.mkfifo(there),
    }
    make[kind]()
    before = there.lstat()
    with pytest.raises(LocalExists):
        here.bring(b"theirs", "there")
    assert there.lstat() == before


def test_a_file_that_appears_in_the_last_moment_is_not_replaced(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def appear(fd: int) -> None:
        (here.top / "there").write_text("mine")

    monkeypatch.setattr(os, "fsync", appear)
    with pytest.raises(LocalExists):
        here.bring(b"theirs", "there")
    assert (here.top / "there").read_text() == "mine"


def test_the_old_one_goes_to_the_trash_under_its_day_and_path(here: Place) -> None:
    here.disk.make_folder(("a",))
    old = here.bring(b"old", "a", "file.txt")
    new = here.bring(b"new", "a", "file.txt", over=old)
    assert new == here.seen("a", "file.txt")
    again = here.bring(b"newer", "a", "file.txt", over=new)
    assert again.stamp.size == 5
    contents = here.contents()
    contents.pop(".carrel/id")
    assert contents == {
        "MyDrive/a/file.txt": b"newer",
        ".carrel/trash/2026-11-24/a/file.txt": b"old",
        ".carrel/trash/2026-11-24/a/file (2).txt": b"new",
    }
    assert here.disk.late() == []
    assert here.disk.late() == []


def test_a_script_stays_a_program(here: Place) -> None:
    old = here.bring(b"#!/bin/sh", "run.sh")
    (here.top / "run.sh").chmod(0o6755)
    here.bring(b"#!/bin/bash", "run.sh", over=here.seen("run.sh"))
    assert old.path == ("run.sh",)
    assert stat.S_IMODE((here.top / "run.sh").stat().st_mode) == 0o755


def test_a_file_that_was_saved_meanwhile_is_not_replaced(here: Place) -> None:
    old = here.bring(b"old", "file")
    (here.top / "file").write_bytes(b"saved")
    with pytest.raises(LocalChanged):
        here.bring(b"new", "file", over=old)
    assert here.disk.late() == []
    assert set(here.contents().values()) - {(here.drive / ".carrel/id").read_bytes()} == {b"saved"}


def test_a_file_that_is_gone_is_not_brought_back(here: Place) -> None:
    old = here.bring(b"old", "file")
    (here.top / "file").unlink()
    with pytest.raises(LocalGone):
        here.bring(b"new", "file", over=old)
    with pytest.raises(LocalGone):
        here.bring(b"new", "no", "file")
    assert here.paths() == set()


def _edit_unseen(here: Place) -> None:
    """As many bytes, and the mtime is put back: only ctime tells."""
    before = (here.top / "file").stat()
    (here.top / "file").write_bytes(b"own")
    os.utime(here.top / "file", ns=(before.st_atime_ns, before.st_mtime_ns))


def test_an_edit_that_hides_its_time_is_not_replaced(here: Place) -> None:
    old = here.bring(b"old", "file")
    _edit_unseen(here)
    for act in (
        lambda: here.bring(b"new", "file", over=old),
        lambda: here.disk.trash(old),
        lambda: here.disk.move(old, ("moved",)),
    ):
        with pytest.raises(LocalChanged):
            act()
    assert (here.top / "file").read_bytes() == b"own"


def test_an_edit_while_the_new_bytes_go_to_the_disk_is_not_replaced(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = here.bring(b"old", "file")
    monkeypatch.setattr(os, "fsync", lambda fd: _edit_unseen(here))
    with pytest.raises(LocalChanged):
        here.bring(b"new", "file", over=old)
    assert (here.top / "file").read_bytes() == b"own"


def _before_exchange(monkeypatch: pytest.MonkeyPatch, *acts: object) -> None:
    """Each act comes right before an exchange, after the last look."""
    real, left = placing.rename, list(acts)

    def rename(source: tuple[int, str], target: tuple[int, str], how: beneath.Rename) -> None:
        if how is beneath.Rename.EXCHANGE and left:
            left.pop(0)()  # type: ignore[operator]
        real(source, target, how)

    monkeypatch.setattr(placing, "rename", rename)


def _save(here: Place, text: str) -> None:
    (here.top / "saving").write_text(text)
    (here.top / "saving").replace(here.top / "file")


def test_a_save_in_the_last_moment_is_put_back(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = here.bring(b"old", "file")
    _before_exchange(monkeypatch, lambda: _save(here, "saved"))
    with pytest.raises(LocalChanged):
        here.bring(b"new", "file", over=old)
    assert (here.top / "file").read_text() == "saved"
    assert here.disk.late() == []
    assert b"new" not in here.contents().values()


def test_two_saves_in_the_last_moments_are_both_kept(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = here.bring(b"old", "file")
    _before_exchange(
        monkeypatch, lambda: _save(here, "first save"), lambda: _save(here, "second save")
    )
    with pytest.raises(LocalChanged):
        here.bring(b"new", "file", over=old)
    late = here.disk.late()
    assert [file.path[0] for file in late] == ["file (written late, 2026-11-24 19.05)"]
    kept = {path.read_text() for path in here.top.iterdir()}
    assert kept == {"first save", "second save"}


def test_a_deletion_in_the_last_moment_is_kept(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = here.bring(b"old", "file")
    _before_exchange(monkeypatch, (here.top / "file").unlink)
    with pytest.raises(LocalChanged):
        here.bring(b"new", "file", over=old)
    assert here.disk.late() == []
    assert here.paths() == set()


def test_a_folder_put_in_the_files_place_in_the_last_moment_is_put_back(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = here.bring(b"old", "file")

    def swap() -> None:
        (here.top / "file").unlink()
        (here.top / "file").mkdir()
        (here.top / "file" / "inside").write_text("mine")

    _before_exchange(monkeypatch, swap)
    with pytest.raises(LocalChanged):
        here.bring(b"new", "file", over=old)
    assert (here.top / "file" / "inside").read_text() == "mine"


def test_after_a_failure_the_same_bytes_can_be_placed_elsewhere(here: Place) -> None:
    old = here.bring(b"old", "file")
    incoming = here.disk.incoming(3)
    incoming.write(b"new")
    for name in ("file", "file"):
        with pytest.raises(LocalExists):
            here.disk.place(incoming, (name,), None, 0)
    _save(here, "saved")
    with pytest.raises(LocalChanged):
        here.disk.place(incoming, ("file",), old, 0)
    here.disk.place(incoming, ("copy",), None, 0)
    incoming.discard()
    assert (here.top / "copy").read_bytes() == b"new"


def test_a_change_right_after_it_was_placed_is_seen_by_the_next_scan(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def link(*arguments: object, **named: object) -> None:
        real(*arguments, **named)  # type: ignore[arg-type]
        (here.top / "file").write_bytes(b"edit")

    monkeypatch.setattr(os, "link", link)
    placed = here.bring(b"body", "file")
    assert here.disk.scan().files[0].stamp != placed.stamp


def test_bytes_are_on_the_disk_before_their_name_and_the_name_before_it_is_told(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = here.bring(b"old", "file")
    events: list[tuple[str, int]] = []
    fsync, link, rename = os.fsync, os.link, placing.rename

    def seen_fsync(fd: int) -> None:
        events.append(("fsync", os.fstat(fd).st_ino))
        fsync(fd)

    def seen_link(*arguments: object, **named: object) -> None:
        events.append(("link", 0))
        link(*arguments, **named)  # type: ignore[arg-type]

    def seen_rename(*arguments: object) -> None:
        events.append(("rename", 0))
        rename(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "link", seen_link)
    monkeypatch.setattr(placing, "rename", seen_rename)
    top, trash = here.top.stat().st_ino, (here.trash / "2026-11-24")

    new = here.bring(b"new", "new")
    assert events == [("fsync", new.stamp.inode), ("link", 0), ("fsync", top)]

    events.clear()
    new = here.bring(b"new", "file", over=old)
    day = trash.stat().st_ino
    assert events.index(("fsync", here.trash.stat().st_ino)) < events.index(("rename", 0))
    journal = (here.state / "late.jsonl").stat().st_ino
    assert events.index(("fsync", journal)) < events.index(("rename", 0))
    mine = [event for event in events if event[1] in (0, new.stamp.inode, top, day)]
    assert mine == [
        ("fsync", new.stamp.inode),
        ("link", 0),
        ("rename", 0),
        ("fsync", day),
        ("fsync", top),
    ]

    events.clear()
    here.disk.trash(new)
    assert events == [("fsync", journal), ("rename", 0), ("fsync", day), ("fsync", top)]

    here.disk.make_folder(("folder",))
    events.clear()
    here.disk.move(here.seen("new"), ("folder", "new"))
    folder = (here.top / "folder").stat().st_ino
    assert events == [("rename", 0), ("fsync", folder), ("fsync", top)]


def test_a_folder_is_made_once_and_only_where_there_is_room_for_it(here: Place) -> None:
    made = here.disk.make_folder(("a",))
    assert made.folder and made.path == ("a",)
    assert stat.S_IMODE((here.top / "a").stat().st_mode) == 0o755
    with pytest.raises(LocalExists):
        here.disk.make_folder(("a",))
    with pytest.raises(LocalGone):
        here.disk.make_folder(("b", "c"))


def test_a_move_takes_a_folder_with_all_in_it(here: Place) -> None:
    folder = here.disk.make_folder(("a",))
    file = here.bring(b"body", "a", "file")
    moved = here.disk.move(folder, ("b",))
    assert moved.stamp.inode == folder.stamp.inode
    assert here.seen("b", "file").stamp == file.stamp
    assert here.paths() == {("b",), ("b", "file")}


def test_a_move_replaces_nothing_and_takes_nothing_else(here: Place) -> None:
    one, two = here.bring(b"one", "one"), here.bring(b"two", "two")
    with pytest.raises(LocalExists):
        here.disk.move(one, ("two",))
    _save_as(here, "one", "saved")
    with pytest.raises(LocalChanged):
        here.disk.move(one, ("three",))
    with pytest.raises(LocalGone):
        here.disk.move(two, ("no", "folder"))
    assert {path.name: path.read_text() for path in here.top.iterdir()} == {
        "one": "saved",
        "two": "two",
    }


def _save_as(here: Place, name: str, text: str) -> None:
    (here.top / "saving").write_text(text)
    (here.top / "saving").replace(here.top / name)


def test_a_save_right_before_a_move_stays_where_it_was_saved(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = here.bring(b"old", "file")
    real, left = placing.rename, [1]

    def rename(*arguments: object) -> None:
        if left:
            left.pop()
            _save(here, "saved")
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(placing, "rename", rename)
    with pytest.raises(LocalChanged):
        here.disk.move(file, ("other",))
    assert {path.name: path.read_text() for path in here.top.iterdir()} == {"file": "saved"}


def test_a_folder_does_not_go_into_itself(here: Place) -> None:
    folder = here.disk.make_folder(("a",))
    with pytest.raises(LocalRefused):
        here.disk.move(folder, ("a", "b"))


@pytest.mark.parametrize(
    "path",
    [(), ("",), (".",), ("..", "x"), ("a/b",), ("nul\0",), ("\udcff",), ("x" * 256,), (".carrel",),
     ("draft.tmp",), ("__pycache__", "x"), ("d",) * 101],
)  # fmt: skip
def test_nothing_is_brought_to_where_no_scan_would_see_it(
    here: Place, path: tuple[str, ...]
) -> None:
    """It would look deleted, and go to Drive's trash."""
    there = here.bring(b"", "there")
    for act in (
        lambda: here.bring(b"", *path),
        lambda: here.disk.make_folder(path),
        lambda: here.disk.move(there, path),
    ):
        with pytest.raises(LocalRefused):
            act()
    assert here.paths() == {("there",)}
    if path and path != ("x" * 256,):
        assert here.disk.look(path) is None


def test_names_of_255_bytes_go_to_the_trash_twice(here: Place) -> None:
    name = "é" * 125 + ".ipynb"[:5]
    for _ in range(3):
        here.disk.trash(here.bring(b"body", name))
    assert len(list((here.trash / "2026-11-24").iterdir())) == 3


def test_without_files_that_have_no_name_it_works_the_same(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_tmpfile(monkeypatch)
    old = here.bring(b"old", "file")
    new = here.bring(b"new", "file", over=old)
    assert new == here.seen("file")
    with pytest.raises(LocalExists):
        here.bring(b"x", "file")
    assert list((here.drive / ".carrel" / "tmp").iterdir()) == []
    left = here.disk.incoming(1)
    left.write(b"x")
    assert len(list((here.drive / ".carrel" / "tmp").iterdir())) == 1
    here.again().require_mounted()  # as after a kill
    assert list((here.drive / ".carrel" / "tmp").iterdir()) == []
    left.discard()


def test_a_download_that_somebody_swaps_away_is_not_taken_for_it(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_tmpfile(monkeypatch)
    incoming = here.disk.incoming(4)
    incoming.write(b"body")
    tmp = next((here.drive / ".carrel" / "tmp").iterdir())
    tmp.unlink()
    tmp.symlink_to("/etc/hostname")
    with pytest.raises(LocalChanged):
        here.disk.place(incoming, ("file",), None, 0)
    incoming.discard()
    assert here.disk.look(("file",)) is None


def no_tmpfile(monkeypatch: pytest.MonkeyPatch) -> None:
    from drivesync import incoming

    real = incoming.open_at

    def open_at(folder: int, path: str, flags: int = beneath.FOLDER, mode: int = 0) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(95, "Operation not supported")
        return real(folder, path, flags, mode)

    monkeypatch.setattr(incoming, "open_at", open_at)


def test_look_tells_files_and_folders(here: Place, tmp_path: Path) -> None:
    folder = here.disk.make_folder(("a",))
    file = here.bring(b"", "a", "file")
    assert here.disk.look(("a",)) == LocalFile(("a",), True, here.seen("a").stamp)
    assert here.seen("a").stamp.inode == folder.stamp.inode
    assert here.disk.look(("a", "file")) == file
    assert here.disk.look(("a", "file", "below")) is None
    assert here.disk.look(("b",)) is None
    (here.top / "link").symlink_to("a")
    assert here.disk.look(("link", "file")) is None


def test_what_stands_for_a_document_of_drives_is_read_only(here: Place) -> None:
    for over, data in ((None, b"{1}"), (("Essay.gdoc",), b"{2}")):
        incoming = here.disk.incoming(3)
        incoming.write(data)
        file = here.seen(*over) if over else None
        here.disk.place(incoming, ("Essay.gdoc",), file, 0, read_only=True)
        essay = here.top / "Essay.gdoc"
        assert essay.read_bytes() == data and essay.stat().st_mode & 0o777 == 0o444
    here.bring(b"file", "Essay.gdoc", over=here.seen("Essay.gdoc"))
    assert essay.stat().st_mode & 0o777 == 0o644


def test_a_write_into_the_new_file_in_the_moment_before_it_is_taken_back_is_kept(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here.top / "a").write_bytes(b"old")
    over, real, exchanges = here.seen("a"), placing.rename, 0

    def rename(source, target, how):
        nonlocal exchanges
        if how is Rename.EXCHANGE:
            exchanges += 1
            if exchanges == 1:
                (here.top / "saved").write_bytes(b"saved")
                (here.top / "saved").rename(here.top / "a")
            else:
                with (here.top / "a").open("ab") as file:
                    file.write(b", and more")
        real(source, target, how)

    monkeypatch.setattr(placing, "rename", rename)
    with pytest.raises(LocalChanged):
        here.bring(b"from Drive", "a", over=over)
    monkeypatch.undo()
    here.again().late()
    assert any(b"and more" in data for data in here.contents().values()), here.contents()


def test_a_file_can_be_replaced_a_thousand_times_a_day(here: Place) -> None:
    """Colab saves as often, and the sync looks every five seconds."""
    (here.top / "a").write_bytes(b"old")
    day = here.trash / f"{here.now:%Y-%m-%d}"
    day.mkdir(parents=True)
    for number in range(1, 1000):
        (day / ("a" if number == 1 else f"a ({number})")).write_bytes(b"")
    here.bring(b"new", "a", over=here.seen("a"))
