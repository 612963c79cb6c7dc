"""What docs/drive.md tells students of moves, removals and files that may only be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from drivesync import faults, status
from drivesync.model import Kind
from drivesync.options import Export, Options, Scope
from drivesync.report import Pause

from tests.drivesync.engine.test_edits import equal
from tests.drivesync.engine.test_faults import do, fail
from tests.drivesync.sim.rig import ALL, Rig
from tests.drivesync.sim.world import BEGIN, Crash


def unsynced(rig: Rig) -> set[str]:
    return {one.path for one in rig.engine.report().unsynced}


# moves and removals


def test_a_link_that_is_removed_here_takes_its_document_to_the_trash_of_drive() -> None:
    rig = Rig()
    id_ = rig.remote.put("Essay", None, mime="application/vnd.google-apps.document")
    rig.remote.nodes[id_].kind = Kind.DOCUMENT
    rig.cycle()
    rig.local.remove(("Essay.gdoc",))
    rig.cycle()
    rig.require_quiet()
    assert rig.remote.nodes[id_].trashed and rig.here() == {}


def test_a_file_moved_here_out_of_a_folder_that_is_removed_in_drive_stays() -> None:
    rig = equal("gone/", "gone/a", "gone/b", "kept/")
    rig.local.rename(("gone", "a"), ("kept", "a"))
    rig.remote.throw(rig.id_of("gone"))
    rig.settle()
    assert rig.here() == rig.there() == {"kept": None, "kept/a": b"gone/a"}


def test_a_rename_here_wins_over_a_removal_in_drive() -> None:
    rig = equal("a")
    rig.local.rename(("a",), ("b",))
    rig.remote.throw(rig.id_of("a"))
    rig.settle()
    assert rig.here() == rig.there() == {"b": b"a"}


def test_a_move_in_drive_wins_over_a_removal_here() -> None:
    rig = equal("f/", "a", "b")
    rig.local.remove(("a",))
    rig.local.remove(("b",))
    rig.remote.rename(rig.id_of("a"), parent=rig.id_of("f"))
    rig.remote.rename(rig.id_of("b"), "c")
    rig.settle()
    assert rig.here() == rig.there() == {"f": None, "f/a": b"a", "c": b"b"}


def test_a_folder_that_was_listed_once_and_not_wholly_is_not_thrown_away_with_what_is_unseen() -> (
    None
):
    rig = Rig()
    f = rig.remote.put("f", None)
    rig.remote.put("seen", b"seen", f)
    unseen = rig.remote.put("unseen", b"unseen", f)
    rig.remote.missing = {unseen}
    rig.cycle()
    assert rig.here() == {"f": None, "f/seen": b"seen"}
    rig.local.remove(("f",))
    for _ in range(3):
        rig.cycle()
    assert not rig.remote.is_trashed(rig.remote.nodes[unseen])
    rig.remote.missing = set()
    rig.world.jump(timedelta(minutes=11))
    rig.settle()
    assert rig.here() == {"f": None, "f/unseen": b"unseen"}


def test_a_folder_that_was_listed_once_is_thrown_away_after_it_was_listed_again() -> None:
    rig = Rig()
    rig.remote.put("seen", b"seen", rig.remote.put("f", None))
    rig.cycle()
    rig.local.remove(("f",))
    rig.cycle()
    assert rig.here() == {}, "it does not come back meanwhile"
    rig.world.jump(timedelta(minutes=11))
    rig.settle()
    assert rig.there() == {}


def test_an_edit_in_a_folder_right_before_its_removal_there_comes_back() -> None:
    rig = equal("f/", "f/a")
    id_ = rig.id_of("a")
    rig.local.remove(("f",))
    do(rig, "before trash", lambda: rig.remote.edit(id_, b"new"))
    rig.cycle()
    rig.settle()
    assert rig.here() == {"f": None, "f/a": b"new"}


def test_what_is_moved_in_drive_out_of_the_chosen_folders_leaves_the_disk() -> None:
    rig = Rig()
    chosen, other = (rig.remote.put(title, None) for title in ("chosen", "other"))
    file = rig.remote.put("a", b"1", chosen)
    rig.choose(Options(frozenset({chosen})))
    rig.cycle()
    rig.remote.rename(file, parent=other)
    rig.cycle()
    rig.require_quiet()
    assert rig.here() == {"chosen": None} and not rig.remote.nodes[file].trashed
    assert [data for _, _, data in rig.local.trashed] == [b"1"]


def test_a_name_that_is_left_alone_takes_a_file_off_the_other_side() -> None:
    rig = equal("a", "b")
    rig.remote.rename(rig.id_of("a"), "a.tmp")
    rig.local.rename(("b",), ("b.tmp",))
    rig.local.skipped.add(("b.tmp",))
    second = rig.id_of("b")
    rig.cycle()
    rig.cycle()
    assert rig.here() == {"b.tmp": b"b"} and rig.remote.nodes[second].trashed
    assert [data for _, _, data in rig.local.trashed] == [b"a"]


def test_a_crash_while_two_swap_names_is_made_good() -> None:
    def crash() -> None:
        raise Crash

    left_behind: list[str] = []
    for boundary in range(3):
        rig = equal("a", "b")
        first, second = rig.id_of("a"), rig.id_of("b")
        rig.remote.rename(first, "b")
        rig.remote.rename(second, "a")
        rig.world.at["after move"] = [lambda: None] * boundary + [crash]
        assert rig.cycle() is None
        left_behind += rig.here()
        rig.settle()
        assert rig.here() == rig.there() == {"a": b"b", "b": b"a"}
    assert "b (being renamed)" in left_behind


def test_while_a_mass_deletion_waits_nothing_goes_either_way() -> None:
    rig = equal(*(f"{number}" for number in range(30)))
    for number in range(25):
        rig.local.remove((f"{number}",))
    rig.local.write(("new",), b"1")
    rig.remote.put("there", b"2")
    outcome = rig.cycle()
    assert outcome is not None and outcome.pause is Pause.MASS_DELETE
    assert "new" not in rig.there() and "there" not in rig.here()


# while nobody knows what is open


def test_while_it_is_not_known_what_is_open_changes_of_drive_are_beside_and_wait() -> None:
    rig = equal("edited", "moved", "removed", "mine", "gone")
    rig.open = None
    rig.remote.edit(rig.id_of("edited"), b"1")
    rig.remote.rename(rig.id_of("moved"), "elsewhere")
    rig.remote.throw(rig.id_of("removed"))
    rig.remote.put("new", b"2")
    rig.local.write(("mine",), b"3")
    rig.local.remove(("gone",))
    rig.cycle()
    rig.cycle()
    copy = "edited (from Drive, 2026-11-24 08.00)"
    stays = {"edited": b"edited", "moved": b"moved", "removed": b"removed"}
    assert rig.here() == {**stays, copy: b"1", "new": b"2", "mine": b"3"}
    there = {"edited": b"1", "elsewhere": b"moved", copy: b"1", "new": b"2", "mine": b"3"}
    assert rig.there() == there
    rig.open = frozenset()
    rig.settle()
    assert rig.here() == rig.there() == there


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("export", Export)
def test_what_stands_for_a_document_is_put_right_once_it_is_closed(
    export: Export, known: bool
) -> None:
    rig = Rig(options=replace(ALL, export=export))
    id_ = rig.remote.put("Essay", None, mime="application/vnd.google-apps.document")
    rig.remote.nodes[id_].kind = Kind.DOCUMENT
    rig.cycle()
    (path,) = rig.local.tree
    from_drive = rig.local.tree[path].data
    rig.open = frozenset({path}) if known else None
    rig.local.write(path, b"mine")
    rig.remote.edit(id_, b"another version")
    rig.cycle()
    assert rig.local.tree[path].data == b"mine" and unsynced(rig) == {path[-1]}
    rig.open = frozenset()
    rig.cycle()
    rig.require_quiet()
    assert rig.here() == {path[-1]: from_drive} and unsynced(rig) == set()
    assert b"mine" in [data for _, _, data in rig.local.trashed]


# what may only be read


def only_read(*paths: str) -> Rig:
    rig = equal(*paths)
    for node in rig.remote.nodes.values():
        node.editable = False
        rig.remote._touch(node.id)
    rig.settle()
    return rig


def test_a_file_that_may_only_be_read_goes_back_to_its_place_and_its_bytes_stay_here() -> None:
    rig = only_read("edited", "moved", "removed", "both", "f/")
    rig.local.write(("edited",), b"1")
    rig.local.rename(("moved",), ("elsewhere",))
    rig.local.remove(("removed",))
    rig.local.write(("both",), b"2")
    rig.local.write(("f", "new"), b"3")
    rig.remote.edit(rig.id_of("both"), b"4")
    before = {**rig.there()}
    rig.world.jump(timedelta(minutes=1))
    rig.cycle()
    rig.cycle()
    copy = "both (conflict from this notebook, 2026-11-24 08.01)"
    here = rig.here()
    assert here["edited"] == b"1" and here["moved"] == b"moved" and here["removed"] == b"removed"
    assert here["both"] == b"4" and here[copy] == b"2" and "elsewhere" not in here
    assert rig.there() == {**before, copy: b"2"}, "My Drive itself takes new files"
    assert unsynced(rig) == {"edited", "f/new"}


def test_with_a_consent_for_reading_moves_are_undone_and_an_edit_makes_way() -> None:
    rig = equal("moved", "both")
    rig.choose(replace(ALL, scope=Scope.READ_ONLY))
    rig.local.rename(("moved",), ("elsewhere",))
    rig.local.write(("both",), b"2")
    rig.remote.edit(rig.id_of("both"), b"4")
    rig.cycle()
    rig.cycle()
    copy = "both (conflict from this notebook, 2026-11-24 08.00)"
    assert rig.here() == {"moved": b"moved", "both": b"4", copy: b"2"}
    assert rig.there() == {"moved": b"moved", "both": b"4"} and unsynced(rig) == {copy}


# what is said at the end


def last_word(rig: Rig) -> str:
    return status.result(rig.engine.report(), BEGIN)


@pytest.mark.parametrize("known", [True, False])
def test_a_conflict_that_waits_at_the_sessions_end_is_told_as_unsynced(known) -> None:
    rig = equal("a")
    rig.local.write(("a",), b"here")
    rig.remote.edit(rig.id_of("a"), b"there")
    rig.open = frozenset() if known else None
    rig.choose(replace(ALL, only_up=True))
    rig.cycle()
    assert b"here" not in rig.there().values() and "1 unsynced" in last_word(rig)


@pytest.mark.parametrize("error", [faults.DeadGrant(), faults.Lost(), faults.Unmounted()])
def test_a_session_of_which_nothing_went_up_does_not_end_with_nothing_unsynced(error) -> None:
    """Paused from before the edit to the end; this is what is recorded of the session."""
    rig = equal("a")
    rig.local.write(("a",), b"edited")
    rig.local.write(("new",), b"new")
    rig.choose(replace(ALL, only_up=True))
    for _ in range(2):
        fail(rig, "before require_mounted", error)
        assert rig.cycle().pause is not None
    assert "2 unsynced" in last_word(rig)


def test_of_a_disk_that_could_not_be_looked_at_the_last_word_is_that_nobody_knows() -> None:
    rig = equal("a")
    rig.local.mounted = False
    rig.choose(replace(ALL, only_up=True))
    assert rig.cycle().pause is Pause.UNMOUNTED
    assert last_word(rig) == status.NOT_KNOWN


@pytest.mark.parametrize("what", ["edited", "new", "renamed", "folder", "moved", "equal"])
def test_what_is_not_in_drive_is_counted_without_asking_it(what: str) -> None:
    rig = equal("a", "f/", "f/b")
    match what:
        case "edited":
            rig.local.write(("a",), b"edited")
        case "new":
            rig.local.write(("f", "new"), b"new")
        case "renamed":
            rig.local.rename(("a",), ("A",))
        case "folder":
            rig.local.folder(("g",))
        case "moved":
            rig.local.rename(("f", "b"), ("b",))
    rig.choose(replace(ALL, only_up=True))
    fail(rig, "before changes", faults.Lost())
    rig.cycle()
    assert ("1 unsynced" if what != "equal" else "0 unsynced") in last_word(rig)


def test_a_rename_that_was_not_sent_before_the_end_is_told() -> None:
    rig = equal("a")
    rig.local.rename(("a",), ("b",))
    rig.choose(replace(ALL, only_up=True))
    rig.engine.stop()
    rig.cycle()
    assert "1 unsynced" in last_word(rig)


def test_a_new_file_beside_an_open_one_whose_folder_was_thrown_away_is_told_as_unsynced() -> None:
    rig = equal("f/", "f/a")
    rig.remote.throw(rig.id_of("f"))
    rig.open = frozenset({("f", "a")})
    rig.local.write(("f", "new"), b"new")
    for _ in range(3):
        outcome = rig.cycle()
    assert outcome is not None and not outcome.clean
    assert unsynced(rig) == {"f/new"}
    rig.open = frozenset()
    rig.settle()
    assert rig.there() == {"f": None, "f/new": b"new"}
