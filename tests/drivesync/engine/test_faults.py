"""What can go wrong between the two sides, each once: no byte lost, no copy too many."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from drivesync import faults
from drivesync.engine import Outcome
from drivesync.faults import CursorRejected
from drivesync.model import Skipped, Why
from drivesync.options import Options, Scope
from drivesync.report import Pause

from tests.drivesync.sim.remote import ROOT
from tests.drivesync.sim.rig import ALL, Rig
from tests.drivesync.sim.world import Chances, Crash


def fail(rig: Rig, boundary: str, *errors: BaseException) -> None:
    """Raises them one after the other at the next calls."""

    def raising(error: BaseException):
        def raise_() -> None:
            raise error

        return raise_

    rig.world.at.setdefault(boundary, []).extend(raising(error) for error in errors)


def do(rig: Rig, boundary: str, what) -> None:
    rig.world.at.setdefault(boundary, []).append(what)


def equal(**files: bytes) -> Rig:
    """Both sides have these files."""
    rig = Rig()
    for name, data in files.items():
        rig.remote.put(name, data)
    rig.settle()
    return rig


def overwrite(rig: Rig, name: str, data: bytes) -> None:
    """By the user who wrote it: what nobody else has yet is theirs to lose."""
    before = rig.local.tree[(name,)].data
    rig.local.write((name,), data)
    rig.world.written -= {before} - rig.remote.holds()


def copies(rig: Rig) -> list[str]:
    return [path for path in rig.here() if "conflict" in path or "from Drive" in path]


@pytest.mark.parametrize("boundary", ["before create", "after create"])
@pytest.mark.parametrize("error", [faults.Lost(), Crash()])
def test_a_create_whose_answer_was_lost_makes_one_file(boundary, error) -> None:
    rig = Rig()
    rig.local.write(("a",), b"1")
    fail(rig, boundary, error)
    rig.cycle()
    rig.settle()
    assert len(rig.remote.nodes) == 1


def test_a_file_edited_after_its_create_was_lost_is_an_update_and_no_conflict() -> None:
    rig = Rig()
    rig.local.write(("a",), b"1")
    fail(rig, "after create", faults.Lost())
    rig.cycle()
    rig.local.write(("a",), b"2")
    rig.settle()
    assert rig.here() == rig.there() == {"a": b"2"}


def test_a_create_that_came_through_and_was_edited_in_drive_keeps_both_edits() -> None:
    rig = Rig()
    rig.local.write(("a",), b"1")
    fail(rig, "after create", Crash())
    rig.cycle()
    rig.remote.edit(rig.id_of("a"), b"2")
    rig.local.write(("a",), b"3")
    rig.settle()
    assert sorted(rig.here().values()) == [b"2", b"3"]


def test_a_resent_create_is_recognised_although_the_list_of_changes_is_late() -> None:
    """The id was written down before the request: it is taken, and it is ours."""
    rig = Rig()
    rig.local.write(("a",), b"1")
    fail(rig, "after create", faults.Lost())
    rig.cycle()
    hidden = rig.remote.log.pop()
    rig.cycle()
    rig.remote.log.append(hidden)
    rig.settle()
    assert len(rig.remote.nodes) == 1


def test_a_file_in_the_place_of_a_folder_whose_create_was_lost_gets_an_id_of_its_own() -> None:
    rig = Rig()
    rig.local.folder(("a",))
    fail(rig, "after create_folder", Crash())
    rig.cycle()
    rig.local.remove(("a",))
    rig.local.write(("a",), b"1")
    rig.settle()
    assert rig.here() == {"a": b"1", "a (2)": None}


@pytest.mark.parametrize("error", [faults.Lost(), Crash()])
def test_an_update_whose_answer_was_lost_is_no_conflict(error) -> None:
    rig = equal(a=b"1")
    rig.local.write(("a",), b"2")
    fail(rig, "after update", error)
    rig.cycle()
    rig.local.write(("a",), b"3")
    rig.settle()
    assert rig.here() == {"a": b"3"}


def test_an_update_resent_by_the_transport_finds_its_own_write() -> None:
    """412 on our own write: md5 is compared before anything is called a conflict."""
    rig = equal(a=b"1")
    rig.local.write(("a",), b"2")
    fail(rig, "after update", faults.Changed())
    rig.settle()
    assert rig.here() == {"a": b"2"}


@pytest.mark.parametrize("boundary", ["after scan", "before update"])
def test_an_edit_in_drive_between_plan_and_update_keeps_both(boundary) -> None:
    rig = equal(a=b"1")
    rig.local.write(("a",), b"2")
    do(rig, boundary, lambda: rig.remote.edit(rig.id_of("a"), b"3"))
    rig.settle()
    assert rig.here()["a"] == b"3"
    assert copies(rig) == ["a (conflict from this notebook, 2026-11-24 08.00)"]


def test_an_edit_in_drive_during_a_download_is_brought_whole() -> None:
    rig = Rig()
    id_ = rig.remote.put("a", b"1")
    do(rig, "before download", lambda: rig.remote.edit(id_, b"2"))
    rig.settle()
    assert rig.here() == {"a": b"2"}


@pytest.mark.parametrize("boundary", ["after download", "before place"])
def test_an_edit_here_between_download_and_place_is_kept(boundary) -> None:
    rig = equal(a=b"1")
    rig.remote.edit(rig.id_of("a"), b"2")
    do(rig, boundary, lambda: rig.local.write(("a",), b"3"))
    rig.settle()
    assert sorted(rig.here().values()) == [b"2", b"3"]


def test_a_file_made_here_between_download_and_place_is_kept() -> None:
    rig = Rig()
    rig.remote.put("a", b"1")
    do(rig, "before place", lambda: rig.local.write(("a",), b"2"))
    rig.settle()
    assert sorted(rig.here().values()) == [b"1", b"2"]


def test_an_edit_here_during_an_upload_goes_up_next() -> None:
    rig = equal(a=b"1")
    rig.local.write(("a",), b"2")
    do(rig, "before update", lambda: overwrite(rig, "a", b"3"))
    rig.settle()
    assert rig.there() == {"a": b"3"}
    assert copies(rig) == []


def test_a_write_into_a_file_that_was_just_replaced_is_brought_back() -> None:
    rig = equal(a=b"1")
    held = rig.local.tree[("a",)]
    rig.remote.edit(rig.id_of("a"), b"2")
    do(rig, "after place", lambda: rig.local.write_into(held, b"3"))
    rig.settle()
    assert sorted(rig.here().values()) == [b"2", b"3"]


def test_a_write_with_the_stamp_of_the_one_before_is_seen() -> None:
    """Clocks of file systems are coarse: an md5 so young is taken once more."""
    rig = equal()
    rig.local.write(("a",), b"1")
    rig.local.tree[("a",)].ctime = rig.local.tree[("a",)].mtime = rig.world.ns + 5_000_000_000
    rig.cycle()
    rig.local.tree[("a",)].data = b"2"
    rig.world.written.discard(b"1")
    rig.settle()
    assert rig.there() == {"a": b"2"}


@pytest.mark.parametrize("boundary", ["after place", "after download", "before place"])
def test_a_crash_between_place_and_commit_makes_no_conflict(boundary) -> None:
    rig = equal(a=b"1")
    rig.remote.edit(rig.id_of("a"), b"2")
    fail(rig, boundary, Crash())
    rig.cycle()
    rig.settle()
    assert rig.here() == {"a": b"2"}


def test_a_crash_between_moving_aside_and_place_keeps_both() -> None:
    rig = equal(a=b"1")
    rig.remote.edit(rig.id_of("a"), b"2")
    rig.local.write(("a",), b"3")
    fail(rig, "after move", Crash())
    rig.cycle()
    rig.settle()
    assert rig.here()["a"] == b"2"
    assert len(copies(rig)) == 1


@pytest.mark.parametrize("boundary", ["after changes", "before scan", "after cursor"])
def test_a_crash_around_the_cursor_misses_no_change(boundary) -> None:
    rig = Rig()
    rig.remote.put("a", b"1")
    fail(rig, boundary, Crash())
    rig.cycle()
    rig.remote.put("b", b"2")
    rig.cycle()
    rig.settle()
    rig.remote.put("c", b"3")
    fail(rig, "after changes", Crash())
    rig.cycle()
    rig.settle()
    assert rig.here() == {"a": b"1", "b": b"2", "c": b"3"}


def test_changes_during_the_first_listing_are_not_missed() -> None:
    rig = Rig()
    id_ = rig.remote.put("a", b"1")
    do(rig, "after children", lambda: rig.remote.edit(id_, b"2"))
    do(rig, "before children", lambda: rig.remote.put("b", b"3"))
    rig.settle()
    assert rig.here() == {"a": b"2", "b": b"3"}


def test_a_rejected_cursor_lists_anew_and_believes_nothing_gone_that_the_list_lacks() -> None:
    rig = equal(a=b"1", b=b"2")
    rig.remote.reject_cursor = True
    rig.remote.missing = {rig.id_of("a")}
    rig.remote.throw(rig.id_of("b"))
    rig.settle()
    assert rig.here() == {"a": b"1"}


def test_an_empty_list_deletes_nothing() -> None:
    rig = equal(a=b"1", b=b"2")
    rig.remote.missing = set(rig.remote.nodes)
    rig.world.jump(timedelta(days=3))
    rig.settle()
    assert rig.here() == {"a": b"1", "b": b"2"}


def test_what_half_a_list_lacked_is_found_when_it_is_listed_once_more() -> None:
    rig = Rig()
    hidden = rig.remote.put("a", b"1")
    rig.remote.put("b", b"2")
    rig.remote.missing = {hidden}
    rig.cycle()
    rig.remote.missing = set()
    assert rig.here() == {"b": b"2"}
    rig.world.jump(timedelta(minutes=11))
    rig.settle()
    assert rig.here() == {"a": b"1", "b": b"2"}


def test_an_unmounted_root_stops_everything() -> None:
    rig = equal(a=b"1")
    rig.local.mounted, rig.local.tree = False, {}
    assert rig.cycle().pause is Pause.UNMOUNTED
    assert rig.there() == {"a": b"1"}


def test_a_root_that_is_unmounted_in_the_midst_deletes_nothing() -> None:
    rig = equal(a=b"1")

    def unmount() -> None:
        rig.local.mounted, rig.local.tree = False, {}

    do(rig, "before scan", unmount)
    assert rig.cycle().pause is Pause.UNMOUNTED
    assert rig.there() == {"a": b"1"}


def test_a_scan_that_is_not_complete_deletes_nothing() -> None:
    rig = equal(a=b"1", b=b"2")
    rig.local.complete = False
    rig.local.remove(("a",))
    rig.cycle()
    assert "a" in rig.there()
    rig.local.complete = True
    rig.settle()
    assert "a" not in rig.there()


def test_what_is_skipped_now_is_not_deleted() -> None:
    rig = equal(a=b"1")
    rig.local.skipped.add(("a",))
    rig.cycle()
    assert rig.there() == {"a": b"1"}


def test_a_file_that_comes_back_right_before_its_removal_stays() -> None:
    rig = equal(a=b"1")
    rig.local.remove(("a",))
    do(rig, "before look", lambda: rig.local.write(("a",), b"2"))
    rig.settle()
    assert rig.here() == rig.there() == {"a": b"2"}
    assert len(rig.remote.nodes) == 1


def test_an_edit_in_drive_right_before_its_removal_there_comes_back() -> None:
    rig = equal(a=b"1")
    rig.local.remove(("a",))
    do(rig, "before look", lambda: rig.remote.edit(rig.id_of("a"), b"2"))
    rig.settle()
    assert rig.here() == rig.there() == {"a": b"2"}


def many(rig: Rig, count: int = 30) -> None:
    for number in range(count):
        rig.remote.put(f"f{number}", b"%d" % number)
    rig.settle()


@pytest.mark.parametrize("side", ["here", "there"])
def test_a_mass_deletion_waits_until_somebody_says_that_it_was_meant(side) -> None:
    rig = Rig()
    many(rig)
    for number in range(25):
        if side == "here":
            rig.local.remove((f"f{number}",))
        else:
            rig.remote.throw(rig.id_of(f"f{number}"))
    early = rig.world.now()
    for _ in range(2):
        outcome = rig.cycle()
        assert outcome.pause is Pause.MASS_DELETE and "25 of 30" in outcome.detail
    assert len(rig.there() if side == "here" else rig.here()) == 30
    rig.choose(replace(ALL, confirmed_deletion_at=early))
    assert rig.cycle().pause is Pause.MASS_DELETE
    rig.choose(replace(ALL, confirmed_deletion_at=rig.world.now()))
    rig.settle()
    assert len(rig.there()) == len(rig.here()) == 5


def test_a_rate_storm_ends_the_cycle_and_nothing_is_lost() -> None:
    rig = Rig()
    for number in range(10):
        rig.local.write((f"f{number}",), b"%d" % number)
    rig.world.chances = Chances(busy=0.5)
    outcomes = [rig.cycle() for _ in range(10)]
    assert Pause.BUSY in {outcome.pause for outcome in outcomes}
    rig.settle()
    assert len(rig.there()) == 10


def test_a_drive_that_is_not_reached_is_not_asked_for_every_file() -> None:
    rig = equal()
    for number in range(100):
        rig.local.write((f"f{number}",), b"%d" % number)
    fail(rig, "before create", *[faults.Lost()] * 200)
    before = rig.world.requests
    assert rig.cycle().pause is Pause.OFFLINE
    assert rig.world.requests < before + 20
    rig.world.at.clear()
    rig.settle()


@pytest.mark.parametrize("boundary", ["before changes", "before create"])
def test_a_dead_grant_pauses_and_goes_on_after_it(boundary) -> None:
    rig = equal()
    rig.local.write(("a",), b"1")
    fail(rig, boundary, faults.DeadGrant())
    outcome = rig.cycle()
    assert outcome.pause is Pause.RECONNECT and "connect again" in outcome.detail
    rig.settle()
    assert rig.there() == {"a": b"1"}


def test_a_full_drive_still_brings_and_still_empties() -> None:
    rig = equal(a=b"1", b=b"2")
    rig.local.write(("c",), b"3")
    rig.remote.edit(rig.id_of("a"), b"4")
    rig.local.remove(("b",))
    fail(rig, "before create", faults.RemoteFull())
    outcome = rig.cycle()
    assert outcome.pause is Pause.REMOTE_FULL and not outcome.clean
    assert rig.here() == {"a": b"4", "c": b"3"} and rig.there() == {"a": b"4"}
    assert [one.path for one in rig.engine.report().unsynced] == ["c"]
    rig.settle()


def test_a_full_disk_still_sends() -> None:
    rig = equal(a=b"1")
    rig.local.room = 0
    rig.remote.put("b", b"22")
    rig.local.write(("c",), b"3")
    assert rig.cycle().pause is Pause.LOCAL_FULL
    assert rig.there() == {"a": b"1", "b": b"22", "c": b"3"}
    rig.local.room = 100
    rig.settle()


def test_a_lost_memory_deletes_nothing_and_doubles_nothing() -> None:
    rig = equal(a=b"1", b=b"2")
    rig.local.write(("a",), b"3")
    rig.lose_state()
    rig.settle()
    assert rig.here()["a"] == b"1" and rig.here()["b"] == b"2"
    assert len(copies(rig)) == 1 and len(rig.here()) == 3


def test_a_lost_memory_knows_again_what_was_made_beside_the_chosen_folders() -> None:
    rig = Rig()
    chosen = rig.remote.put("chosen", None)
    rig.remote.put("other", b"0")
    rig.choose(Options(frozenset({chosen})))
    rig.local.write(("a",), b"1")
    rig.local.folder(("f",))
    rig.local.write(("f", "b"), b"2")
    rig.cycle()
    rig.lose_state()
    rig.cycle()
    rig.require_quiet()
    assert len(rig.remote.nodes) == 5


def test_a_cursor_of_another_drive_is_not_believed() -> None:
    rig = equal(a=b"1")
    rig.state.meta["root"] = "another"
    rig.state.commit()
    rig.start()
    rig.settle()
    assert rig.here() == {"a": b"1"}


def remove_slowly(rig: Rig, side: str, numbers: range) -> list[Outcome]:
    """Ten a cycle, as a big folder goes."""
    outcomes = []
    for number in numbers:
        if side == "here":
            rig.local.remove((f"f{number}",))
        else:
            rig.remote.throw(rig.id_of(f"f{number}"))
        if number % 10 == 9:
            outcomes.append(rig.cycle())
    return outcomes


@pytest.mark.parametrize("side", ["here", "there"])
def test_a_mass_deletion_that_takes_several_cycles_waits_too(side) -> None:
    rig = Rig()
    many(rig, 60)
    *_, last = remove_slowly(rig, side, range(40))
    assert last.pause is Pause.MASS_DELETE
    assert "40 of 60" in last.detail and "30 of them" in last.detail
    rig.start()
    rig.world.jump(timedelta(minutes=30))
    assert rig.cycle().pause is Pause.MASS_DELETE, "it does not end by waiting, nor by a new start"
    rig.choose(replace(ALL, confirmed_deletion_at=rig.world.now()))
    rig.settle()
    assert len(rig.here()) == 20
    remove_slowly(rig, side, range(40, 50))
    assert len(rig.here()) == len(rig.there()) == 10, "what was meant is not counted again"


def test_what_is_deleted_in_half_an_hour_was_meant() -> None:
    rig = Rig()
    many(rig, 60)
    for begin in range(0, 60, 20):
        remove_slowly(rig, "here", range(begin, begin + 20))
        rig.world.jump(timedelta(minutes=11))
    rig.settle()
    assert rig.there() == {}


def test_read_only_brings_and_never_writes() -> None:
    rig = equal(a=b"1", b=b"2", c=b"3")
    rig.choose(replace(ALL, scope=Scope.READ_ONLY))
    rig.local.write(("a",), b"4")
    rig.local.remove(("b",))
    rig.local.write(("new",), b"5")
    rig.remote.edit(rig.id_of("c"), b"6")
    there = {"a": b"1", "b": b"2", "c": b"6"}
    outcome = rig.cycle()
    assert not outcome.clean and rig.there() == there
    assert rig.here() == {"a": b"4", "b": b"2", "c": b"6", "new": b"5"}
    assert {one.path for one in rig.engine.report().unsynced} == {"a", "new"}
    assert ROOT not in rig.remote.nodes


def test_a_confirmed_deletion_confirms_no_later_one_while_something_is_refused() -> None:
    rig = Rig()
    many(rig, 60)
    for number in range(35):
        rig.local.remove((f"f{number}",))
    assert rig.cycle().pause is Pause.MASS_DELETE
    rig.choose(replace(ALL, confirmed_deletion_at=rig.world.now()))
    # One file that Drive will not have, for good.
    rig.local.write(("refused",), b"!")
    for _ in range(3):
        fail(rig, "before create", faults.NotAllowed())
        rig.cycle()
    assert len(rig.there()) == 25
    rig.world.jump(timedelta(days=7))
    for number in range(35, 60):
        rig.local.remove((f"f{number}",))
    fail(rig, "before create", faults.NotAllowed())
    rig.cycle()
    outcome = rig.cycle()
    assert len(rig.there()) == 25, "25 of 25 files went to the trash, and nobody was asked"
    assert outcome.pause is Pause.MASS_DELETE


def test_a_pause_that_was_dated_by_a_clock_ahead_can_be_confirmed() -> None:
    rig = Rig()
    many(rig)
    for number in range(25):
        rig.local.remove((f"f{number}",))
    rig.world.jump(timedelta(days=300))
    assert rig.cycle().pause is Pause.MASS_DELETE
    rig.world.jump(timedelta(days=-300))
    rig.choose(replace(ALL, confirmed_deletion_at=rig.world.now()))
    assert rig.cycle().pause is None


def test_a_list_of_changes_that_is_refused_for_good_ends_the_cycle() -> None:
    rig = equal(a=b"1")
    asked = 0

    def refuse(cursor: str):
        nonlocal asked
        asked += 1
        if asked > 50:
            raise AssertionError("It asks for ever, and no stop is heard")
        raise CursorRejected

    rig.remote._changes = refuse
    assert rig.cycle().pause is Pause.OFFLINE


def test_what_goes_into_a_folder_that_was_thrown_away_meanwhile_is_sent_once() -> None:
    rig = Rig()
    rig.local.folder(("f",))
    rig.local.write(("f", "a"), b"1")
    rig.settle()
    rig.world.calls.clear()
    rig.local.write(("f", "new"), b"new")
    do(rig, "before create", lambda: rig.remote.throw(rig.id_of("f")))
    rig.cycle()
    assert rig.world.calls.count("after create") <= 2
    rig.settle()
    assert rig.there() == {"f": None, "f/new": b"new"}


def test_a_file_that_was_edited_while_it_made_way_is_that_file_still() -> None:
    rig = equal(a=b"a", b=b"b")
    first, second = rig.id_of("a"), rig.id_of("b")
    rig.remote.rename(first, "b")
    rig.remote.rename(second, "a")
    fail(rig, "after move", Crash())
    rig.cycle()
    (way,) = [path for path in rig.local.tree if "being renamed" in path[-1]]
    rig.local.write(way, b"edit")
    rig.settle()
    assert not [path for path in rig.here() if "being renamed" in path]


def test_a_scan_that_is_not_complete_keeps_nothing_new_from_coming_or_says_so() -> None:
    rig = equal(a=b"a")
    rig.local.complete = False
    rig.remote.put("new", b"new")
    for _ in range(3):
        rig.cycle()
    report = rig.engine.report()
    told = report.down.files or report.unsynced_count or report.skipped_count
    assert "new" in rig.here() or told


def test_a_disk_without_room_for_the_list_of_late_writers_still_sends() -> None:
    """docs/drive.md: "Files still go up meanwhile"."""
    rig = equal(a=b"a")
    rig.local.write(("new",), b"new")

    def late():
        raise faults.LocalFull

    rig.local.late = late
    rig.cycle()
    assert b"new" in rig.there().values()


@pytest.mark.parametrize("where", ["before require_mounted", "before scan"])
def test_a_disk_that_refuses_is_not_told_as_drive_that_does_not_answer(where) -> None:
    rig = equal(a=b"a")
    for _ in range(2):
        fail(rig, where, faults.LocalRefused("NFS cannot."))
    outcome = rig.cycle()
    assert outcome.pause is not Pause.OFFLINE


def test_what_a_disk_that_is_too_full_of_files_does_not_get_is_told() -> None:
    rig = equal(a=b"a")
    rig.local.complete = False
    real = rig.local.scan
    rig.local.scan = lambda: replace(real(), skipped=(Skipped((), Why.TOO_MANY),))
    rig.remote.put("new", b"new")
    rig.cycle()
    assert "new" not in rig.here()
    assert [one.path for one in rig.engine.report().skipped][:1] == ["new"]
