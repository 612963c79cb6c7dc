"""What went wrong: lost, doubled, in the wrong place, or told as synced and was not."""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from drivesync import faults, flush, placing
from drivesync.beneath import Rename
from drivesync.model import Kind
from drivesync.report import Pause
from drivesync.state import State

from tests.drivesync.engine.test_edits import equal
from tests.drivesync.engine.test_faults import copies, do, fail
from tests.drivesync.local.conftest import Place
from tests.drivesync.sim.remote import ROOT, Node
from tests.drivesync.sim.rig import Rig
from tests.drivesync.sim.world import Crash


def flushed(rig: Rig) -> flush.Stage:
    """What ``carrel-drive flush`` says after this cycle."""
    report = rig.engine.report()
    return flush.decide("wish", flush.Progress(1, 1.0, None, report)).stage


# told as synced, and is not


def test_a_rename_that_drive_did_not_take_is_not_told_as_synced() -> None:
    rig = equal("a")
    rig.local.rename(("a",), ("b",))
    fail(rig, "before move", faults.NotAllowed())
    rig.cycle()
    assert flushed(rig) is not flush.Stage.CLEAN


@pytest.mark.parametrize("error", [faults.Lost(), faults.NotAllowed()])
def test_what_is_in_a_folder_that_drive_did_not_take_is_not_told_as_synced(error) -> None:
    rig = Rig()
    rig.local.folder(("f",))
    rig.local.write(("f", "a"), b"1")
    fail(rig, "before create_folder", error)
    rig.cycle()
    assert rig.there() == {}
    assert flushed(rig) is not flush.Stage.CLEAN


def test_what_drive_refuses_to_give_is_told() -> None:
    rig = equal("a")
    rig.remote.put("b", b"b")
    for _ in range(4):
        fail(rig, "before download", faults.NotAllowed("abusive"))
        rig.cycle()
    assert rig.here() == {"a": b"a"}
    report = rig.engine.report()
    assert report.unsynced_count or report.skipped_count


def test_a_scan_that_is_not_complete_keeps_nothing_new_from_coming_or_says_so() -> None:
    rig = equal("a")
    rig.local.complete = False
    rig.remote.put("new", b"new")
    for _ in range(3):
        rig.cycle()
    report = rig.engine.report()
    told = report.down.files or report.unsynced_count or report.skipped_count
    assert "new" in rig.here() or told


# the guard


# taken for another


def test_a_new_file_that_is_renamed_after_its_create_was_lost_is_one_file() -> None:
    rig = Rig()
    rig.local.write(("Untitled.ipynb",), b"1")
    fail(rig, "after create", Crash())
    rig.cycle()
    rig.local.rename(("Untitled.ipynb",), ("thesis.ipynb",))
    rig.settle()
    assert rig.here() == {"thesis.ipynb": b"1"}


def test_a_new_folder_that_is_renamed_after_its_create_was_lost_is_one_folder() -> None:
    rig = Rig()
    rig.local.folder(("Untitled Folder",))
    fail(rig, "after create_folder", Crash())
    rig.cycle()
    rig.local.rename(("Untitled Folder",), ("data",))
    rig.settle()
    assert rig.here() == {"data": None}


def test_a_lost_memory_makes_no_conflicts_of_files_of_one_title() -> None:
    rig = equal("a.txt")
    rig.remote.put("a.txt", b"second")
    rig.settle()
    rig.remote.put("0", b"")
    rig.settle()
    # Their ids are in another order than they came in.
    first = next(n for n in rig.remote.nodes.values() if n.data == b"a.txt")
    second = next(n for n in rig.remote.nodes.values() if n.data == b"second")
    first.data, second.data = second.data, first.data
    rig.lose_state()
    rig.settle()
    assert not copies(rig)


def test_a_lost_memory_doubles_no_file_whose_name_here_is_in_nfd() -> None:
    rig = Rig()
    rig.local.write((unicodedata.normalize("NFD", "é"),), b"1")
    rig.settle()
    rig.lose_state()
    rig.settle()
    assert len(rig.here()) == 1


def test_two_folders_that_swapped_names_here_and_may_not_get_their_names_back() -> None:
    rig = equal("f/", "f/a", "g/", "g/b")
    for node in rig.remote.nodes.values():
        node.editable = False
        rig.remote._touch(node.id)
    rig.cycle()
    for old, new in (("f", "t"), ("g", "f"), ("t", "g")):
        rig.local.rename((old,), (new,))
    for _ in range(4):
        rig.cycle()
    assert rig.here() == {"f": None, "f/a": b"f/a", "g": None, "g/b": b"g/b"}


# again and again


def test_an_id_that_is_used_up_and_gone_is_replaced() -> None:
    """Created, the answer lost; then removed for good in Drive: its id is taken for ever."""
    rig = Rig()
    rig.local.write(("a",), b"1")
    used: set[str] = set()
    require_new = rig.remote._require_new

    def remember(id_: str, parent: str) -> None:
        if id_ in used:
            raise faults.Exists
        require_new(id_, parent)
        used.add(id_)

    rig.remote._require_new = remember
    fail(rig, "after create", faults.Lost())
    rig.cycle()
    rig.remote.nodes.clear()
    for _ in range(5):
        rig.cycle()
    assert rig.there() == {"a": b"1"}


# over what somebody has


def test_a_late_entry_in_the_list_of_changes_does_not_bring_back_the_version_before() -> None:
    """The list is as stale as others are: it tells of our write, with the file as it was before."""
    rig = equal("a")
    id_ = rig.id_of("a")
    node = rig.remote.nodes[id_]
    old = rig.remote.file(node)
    rig.local.write(("a",), b"new")
    rig.cycle()
    real, node_file = rig.remote.file, node
    rig.remote.file = lambda n: old if n is node_file else real(n)
    rig.cycle()
    rig.remote.file = real
    assert rig.here() == {"a": b"new"}


# thrown away unseen


def test_an_edit_that_was_never_sent_is_kept_beside_one_on_top_of_a_lost_create() -> None:
    """The create came through late; meanwhile it was edited here, and then in Drive."""
    rig = Rig()
    rig.local.write(("a",), b"first")
    fail(rig, "before create", Crash())
    rig.cycle()
    ((_, reserved),) = rig.state.reserved.items()
    rig.local.write(("a",), b"mine")
    rig.world.written.discard(b"first")

    def arrive_late() -> None:
        rig.remote.nodes[reserved.id] = Node(reserved.id, ROOT, "a", Kind.FILE, b"first")
        rig.remote._touch(reserved.id, new=True)
        rig.remote.edit(reserved.id, b"theirs")
        raise Crash

    do(rig, "before create", arrive_late)
    rig.cycle()
    for _ in range(3):
        rig.cycle()
    assert set(rig.here().values()) == {b"mine", b"theirs"}


# why it is paused


def test_a_disk_without_room_for_the_list_of_late_writers_still_sends() -> None:
    """docs/drive.md: "Files still go up meanwhile"."""
    rig = equal("a")
    rig.local.write(("new",), b"new")

    def late():
        raise faults.LocalFull

    rig.local.late = late
    rig.cycle()
    assert b"new" in rig.there().values()


@pytest.mark.parametrize("where", ["before require_mounted", "before scan"])
def test_a_disk_that_refuses_is_not_told_as_drive_that_does_not_answer(where) -> None:
    rig = equal("a")
    for _ in range(2):
        fail(rig, where, faults.LocalRefused("NFS cannot."))
    outcome = rig.cycle()
    assert outcome.pause is not Pause.OFFLINE


@pytest.mark.parametrize("boundary", ["_create", "load"])
def test_a_memory_that_cannot_be_opened_just_now_is_not_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boundary
) -> None:
    """The disk is full, or another program has it open."""
    file = tmp_path / "sync.sqlite"
    state = State.open(file)
    state.meta["a"] = "1"
    state.commit()
    state.close()

    def refuse(self: State) -> None:
        # What sqlite says of a full disk.
        self.base.execute("PRAGMA max_page_count = 1")
        self.base.execute("CREATE TABLE more (x)")
        self.base.execute("INSERT INTO more VALUES (zeroblob(1000000))")

    monkeypatch.setattr(State, boundary, refuse)
    with suppress(sqlite3.OperationalError):
        State.open(file).close()
    monkeypatch.undo()
    state = State.open(file)
    assert state.meta.get("a") == "1"
    state.close()


# a real disk


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_another_folder_in_the_place_of_mydrive_stops_everything(here: Place) -> None:
    """docs/drive.md: "MyDrive or .carrel was moved, replaced or is not there"."""
    (here.top / "a").write_bytes(b"1")
    here.top.rename(here.drive / "old")
    here.top.mkdir()
    with pytest.raises(faults.Unmounted):
        here.again().require_mounted()


def test_an_id_that_a_power_cut_has_emptied_does_not_stop_everything_for_ever(here: Place) -> None:
    (here.drive / ".carrel" / "id").write_bytes(b"")
    here.again().require_mounted()


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
    with pytest.raises(faults.LocalChanged):
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


def test_what_was_trashed_while_the_clock_was_wrong_is_kept_as_long_as_anything(
    here: Place,
) -> None:
    (here.top / "a").write_bytes(b"mine")
    here.now = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    here.disk.trash(here.seen("a"))
    here.now = datetime(2026, 11, 24, 19, 5, tzinfo=UTC)
    here.disk.purge_trash()
    assert b"mine" in here.contents().values()
