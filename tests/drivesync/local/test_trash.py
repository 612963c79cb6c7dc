"""What leaves MyDrive is kept for its days, and comes back when somebody still writes into it."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest
from drivesync import late, placing
from drivesync.faults import LocalChanged, LocalExists, LocalGone

from tests.drivesync.local.conftest import Place


def test_a_file_goes_to_the_trash_with_its_path(here: Place) -> None:
    here.disk.make_folder(("a",))
    here.disk.trash(here.bring(b"body", "a", "file"))
    assert (here.trash / "2026-11-24" / "a" / "file").read_bytes() == b"body"
    assert here.paths() == {("a",)}


def test_a_file_and_a_folder_of_one_name_both_find_room_in_the_trash(here: Place) -> None:
    here.disk.trash(here.bring(b"1", "a"))
    here.disk.make_folder(("a",))
    here.disk.trash(here.bring(b"2", "a", "file"))
    assert (here.trash / "2026-11-24" / "a (2)" / "file").read_bytes() == b"2"


def test_an_empty_folder_goes_one_with_something_in_it_stays(here: Place) -> None:
    folder = here.disk.make_folder(("a",))
    here.bring(b"", "a", "file")
    with pytest.raises(LocalExists):
        here.disk.trash(folder)
    here.disk.trash(here.seen("a", "file"))
    here.disk.trash(folder)
    assert here.paths() == set()
    with pytest.raises(LocalGone):
        here.disk.trash(folder)


def test_what_is_never_synced_does_not_keep_a_folder_but_is_kept(here: Place) -> None:
    folder = here.disk.make_folder(("a",))
    (here.top / "a" / ".ipynb_checkpoints").mkdir()
    (here.top / "a" / ".ipynb_checkpoints" / "old.ipynb").write_text("mine")
    here.disk.trash(folder)
    assert here.paths() == set()
    assert list(here.trash.rglob("old.ipynb"))
    other = here.disk.make_folder(("a",))
    (here.top / "a" / "link").symlink_to("x")
    with pytest.raises(LocalExists):
        here.disk.trash(other)


def test_a_file_that_comes_into_a_folder_in_the_last_moment_keeps_it(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = here.disk.make_folder(("a",))
    (here.top / "a" / "x.tmp").write_text("")
    real, left = placing.rename, [1]

    def rename(*arguments: object) -> None:
        if left:
            left.pop()
            (here.top / "a" / "new").write_text("mine")
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(placing, "rename", rename)
    with pytest.raises(LocalExists):
        here.disk.trash(folder)
    assert (here.top / "a" / "new").read_text() == "mine"


def test_what_was_saved_meanwhile_does_not_go(here: Place) -> None:
    file = here.bring(b"old", "file")
    (here.top / "file").write_bytes(b"saved")
    with pytest.raises(LocalChanged):
        here.disk.trash(file)
    assert (here.top / "file").read_bytes() == b"saved"


def test_a_save_in_the_last_moment_comes_back(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    file = here.bring(b"old", "file")
    real, left = placing.rename, [1]

    def rename(*arguments: object) -> None:
        if left:
            left.pop()
            (here.top / "saving").write_text("saved")
            (here.top / "saving").replace(here.top / "file")
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(placing, "rename", rename)
    with pytest.raises(LocalChanged):
        here.disk.trash(file)
    assert (here.top / "file").read_text() == "saved"
    assert here.disk.late() == []


@pytest.mark.parametrize("restart", [False, True])
def test_a_program_that_holds_the_replaced_file_open_loses_nothing(
    here: Place, restart: bool
) -> None:
    old = here.bring(b"old\n", "log.txt")
    with (here.top / "log.txt").open("ab", buffering=0) as log:
        here.bring(b"from Drive", "log.txt", over=old)
        assert here.disk.late() == []
        log.write(b"late\n")
        if restart:
            here.again()
        (back,) = here.disk.late()
        assert back.path == ("log (written late, 2026-11-24 19.05).txt",)
        assert back == here.seen(*back.path)
        log.write(b"later\n")  # into a file that is seen now
        assert here.disk.late() == []
    assert (here.top / back.path[0]).read_bytes() == b"old\nlate\nlater\n"
    assert (here.top / "log.txt").read_bytes() == b"from Drive"


def test_a_file_that_was_trashed_while_it_is_written_comes_back_to_its_place(here: Place) -> None:
    here.disk.make_folder(("a",))
    file = here.bring(b"old", "a", "file")
    with (here.top / "a" / "file").open("ab", buffering=0) as opened:
        here.disk.trash(file)
        here.disk.trash(here.seen("a"))
        opened.write(b" and new")
        assert [file.path for file in here.disk.late()] == [("a", "file")]
    assert (here.top / "a" / "file").read_bytes() == b"old and new"


def test_a_file_that_nobody_has_open_is_not_watched_for_ever(here: Place) -> None:
    file = here.bring(b"old", "file")
    with (here.top / "file").open("ab"):
        here.disk.trash(file)
        assert here.disk.late() == []
        assert (here.state / "late.jsonl").read_text()
    assert here.disk.late() == []
    assert not (here.state / "late.jsonl").read_text()


def test_a_program_that_opens_a_watched_file_does_not_end_the_sidecar(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever breaks a lease sends its holder a signal that ends it by default (SIGIO)."""
    ends: list[int] = []
    before = signal.signal(signal.SIGIO, lambda number, _: ends.append(number))
    here.disk.trash(here.bring(b"old", "file"))
    real, looks = late._same, []

    def same(found: os.stat_result, left: late.Left) -> bool:
        looks.append(found)
        if len(looks) == 2:  # now it is leased
            with pytest.raises(BlockingIOError):
                os.open(here.trash / "2026-11-24" / "file", os.O_WRONLY | os.O_NONBLOCK)
        return real(found, left)

    monkeypatch.setattr(late, "_same", same)
    try:
        assert here.disk.late() == []
    finally:
        signal.signal(signal.SIGIO, before)
    assert len(looks) == 2
    assert ends == []


def test_users_may_tidy_up_in_the_trash(here: Place) -> None:
    file = here.bring(b"old", "file")
    with (here.top / "file").open("ab", buffering=0) as opened:
        here.disk.trash(file)
        opened.write(b"late")
        (here.trash / "2026-11-24").rename(here.trash / "mine")
        assert here.disk.late() == []
        (here.trash / "2026-11-24").symlink_to("/etc")
        assert here.disk.late() == []


def test_a_list_that_was_cut_short_or_is_no_list_is_no_obstacle(here: Place) -> None:
    file = here.bring(b"old", "file")
    with (here.top / "file").open("ab", buffering=0) as opened:
        here.disk.trash(file)
        opened.write(b"late")
        with (here.state / "late.jsonl").open("a") as journal:
            journal.write('7\n{"home": [')
        assert len(here.again().late()) == 1


def test_what_was_meant_to_go_to_a_slot_does_not_bring_back_what_went_there(here: Place) -> None:
    """A kill came after the note and before the move."""
    file = here.bring(b"old", "file")
    here.disk.trash(file)
    noted = (here.state / "late.jsonl").read_text()
    (here.trash / "2026-11-24" / "file").unlink()
    other = here.bring(b"other", "file")
    (here.state / "late.jsonl").write_text(noted)
    here.again().trash(other)
    assert here.disk.late() == []
    assert here.paths() == set()


def test_the_trash_is_kept_for_its_days(here: Place) -> None:
    here.disk.trash(here.bring(b"1", "a"))
    here.now += timedelta(days=10)
    here.disk.trash(here.bring(b"2", "b"))
    here.disk.make_folder(("c",))
    here.disk.trash(here.bring(b"3", "c", "d"))
    (here.trash / "notes").mkdir()
    here.disk.purge_trash()
    assert {path.name for path in here.trash.iterdir()} == {"2026-11-24", "2026-12-04", "notes"}
    here.disk.set_limits(0, 5)
    here.disk.purge_trash()
    assert {path.name for path in here.trash.iterdir()} == {"2026-12-04", "notes"}
    here.now += timedelta(days=6)
    here.disk.purge_trash()
    assert {path.name for path in here.trash.iterdir()} == {"notes"}


def test_emptying_the_trash_follows_no_symlink(here: Place, tmp_path: os.PathLike[str]) -> None:
    outside = here.base / "outside"
    outside.mkdir()
    (outside / "canary").write_text("secret")
    (here.trash / "2026-01-01").symlink_to(outside)
    (here.trash / "2026-01-02" / "a").mkdir(parents=True)
    (here.trash / "2026-01-02" / "a" / "b").symlink_to(outside)
    (here.trash / "2026-01-02" / "c").symlink_to(outside)
    here.disk.purge_trash()
    assert (outside / "canary").read_text() == "secret"
    assert not (here.trash / "2026-01-02").exists()


def test_what_a_program_makes_in_a_folder_that_went_to_the_trash_comes_back(here: Place) -> None:
    """A script or a kernel whose working directory it is, writing by relative paths."""
    (here.top / "f" / ".ipynb_checkpoints").mkdir(parents=True)
    inside = os.open(here.top / "f", os.O_RDONLY)
    here.disk.trash(here.seen("f"))
    file = os.open("result.csv", os.O_CREAT | os.O_WRONLY, dir_fd=inside)
    os.write(file, b"result")
    os.close(file)
    here.disk.late()
    assert any(path[-1] == "result.csv" for path in here.paths()), here.contents()


def test_what_was_trashed_while_the_clock_was_wrong_is_kept_as_long_as_anything(
    here: Place,
) -> None:
    (here.top / "a").write_bytes(b"mine")
    here.now = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    here.disk.trash(here.seen("a"))
    here.now = datetime(2026, 11, 24, 19, 5, tzinfo=UTC)
    here.disk.purge_trash()
    assert b"mine" in here.contents().values()
