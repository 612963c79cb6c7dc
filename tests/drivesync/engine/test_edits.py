"""What users do on both sides at once, and what becomes of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from drivesync.model import Kind
from drivesync.options import Export, Options
from drivesync.report import Pause, State

from tests.drivesync.sim.rig import ALL, Rig


def equal(*paths: str) -> Rig:
    """Both sides have these; what ends in ``/`` is a folder."""
    rig = Rig()
    for path in paths:
        names = tuple(path.rstrip("/").split("/"))
        if path.endswith("/"):
            rig.local.folder(names)
        else:
            rig.local.write(names, path.encode())
    rig.settle()
    return rig


def test_an_edit_in_drive_wins_over_a_removal_here() -> None:
    rig = equal("a")
    rig.local.remove(("a",))
    rig.remote.edit(rig.id_of("a"), b"new")
    rig.settle()
    assert rig.here() == {"a": b"new"}


def test_an_edit_here_wins_over_a_removal_in_drive() -> None:
    rig = equal("a")
    rig.local.write(("a",), b"new")
    rig.remote.throw(rig.id_of("a"))
    rig.settle()
    assert rig.there() == {"a": b"new"}


def test_what_is_removed_in_drive_goes_to_the_trash_here() -> None:
    rig = equal("f/", "f/a")
    rig.remote.throw(rig.id_of("f"))
    rig.settle()
    assert rig.here() == {} and [data for _, _, data in rig.local.trashed] == [b"f/a"]


def test_a_folder_removed_here_is_one_request() -> None:
    rig = equal("f/", *(f"f/{number}" for number in range(15)))
    rig.local.remove(("f",))
    rig.world.calls.clear()
    rig.settle()
    assert rig.world.calls.count("after trash") == 1
    assert rig.there() == {}


def test_a_folder_thrown_away_in_drive_comes_back_with_the_file_that_was_edited_here() -> None:
    rig = equal("f/", "f/a", "f/b")
    rig.remote.throw(rig.id_of("f"))
    rig.local.write(("f", "a"), b"new")
    rig.settle()
    assert rig.there() == {"f": None, "f/a": b"new"}
    assert [data for _, _, data in rig.local.trashed] == [b"f/b"]


def test_a_folder_removed_here_comes_back_with_the_file_that_was_edited_in_drive() -> None:
    rig = equal("f/", "f/a", "f/b")
    rig.local.remove(("f",))
    rig.remote.edit(rig.id_of("a"), b"new")
    rig.settle()
    assert rig.here() == {"f": None, "f/a": b"new"}


def test_a_folder_with_only_ignored_things_left_is_not_made_anew_in_drive() -> None:
    rig = equal("f/", "f/a")
    rig.local.write(("f", ".checkpoint"), b"ignored")
    rig.local.skipped.add(("f", ".checkpoint"))
    rig.remote.throw(rig.id_of("f"))
    rig.cycle()
    rig.cycle()
    assert rig.there() == {} and ("f", ".checkpoint") in rig.local.tree


def test_crossed_moves_end_as_drive_has_it() -> None:
    rig = equal("a/", "b/", "a/1", "b/2")
    rig.remote.rename(rig.id_of("a"), parent=rig.id_of("b"))
    rig.local.rename(("b",), ("a", "b"))
    rig.settle()
    assert rig.here() == {"b": None, "b/2": b"b/2", "b/a": None, "b/a/1": b"a/1"}


def test_two_that_swap_names_in_drive_swap_them_here() -> None:
    rig = equal("a", "b")
    first, second = rig.id_of("a"), rig.id_of("b")
    rig.remote.rename(first, "b")
    rig.remote.rename(second, "a")
    rig.settle()
    assert rig.here() == {"a": b"b", "b": b"a"}


def test_a_rename_on_both_sides_ends_as_drive_has_it() -> None:
    rig = equal("a")
    rig.remote.rename(rig.id_of("a"), "there")
    rig.local.rename(("a",), ("here",))
    rig.settle()
    assert rig.here() == {"there": b"a"}


def test_the_same_file_made_on_both_sides_is_one() -> None:
    rig = Rig()
    rig.local.write(("a",), b"1")
    rig.remote.put("a", b"1")
    rig.settle()
    assert rig.here() == {"a": b"1"} and len(rig.remote.nodes) == 1


def test_two_files_made_under_one_title_are_both_kept() -> None:
    rig = Rig()
    rig.local.write(("a.txt",), b"1")
    rig.remote.put("a.txt", b"2")
    rig.settle()
    copy = "a (conflict from this notebook, 2026-11-24 08.00).txt"
    assert rig.here() == rig.there() == {"a.txt": b"2", copy: b"1"}
    (told,) = rig.engine.report().conflicts
    assert (told.path, told.copy) == ("a.txt", copy)


def test_folders_made_on_both_sides_are_one() -> None:
    rig = Rig()
    rig.local.folder(("f",))
    rig.local.write(("f", "a"), b"1")
    rig.remote.put("b", b"2", rig.remote.put("f", None))
    rig.settle()
    assert rig.here() == {"f": None, "f/a": b"1", "f/b": b"2"}


def test_one_title_twice_keeps_its_names() -> None:
    rig = Rig()
    first = rig.remote.put("a.txt", b"1")
    rig.remote.put("a.txt", b"2")
    rig.settle()
    assert rig.here() == {"a.txt": b"1", "a (2).txt": b"2"}
    rig.remote.throw(first)
    rig.settle()
    assert rig.here() == {"a (2).txt": b"2"}


# documents that are open


def test_an_open_document_is_not_overwritten_and_the_version_of_drive_is_beside_it() -> None:
    rig = equal("a.ipynb")
    rig.open = frozenset({("a.ipynb",)})
    rig.remote.edit(rig.id_of("a.ipynb"), b"there")
    copy = "a (from Drive, 2026-11-24 08.00).ipynb"
    for _ in range(3):
        rig.cycle()
    assert rig.here() == {"a.ipynb": b"a.ipynb", copy: b"there"}
    rig.local.write(("a.ipynb",), b"saved")
    rig.cycle()
    assert rig.there() == rig.here() == {"a.ipynb": b"saved", copy: b"there"}
    rig.require_quiet()


def test_an_open_document_that_was_edited_on_both_sides_keeps_its_name() -> None:
    rig = equal("a")
    rig.open = None
    rig.local.write(("a",), b"here")
    rig.remote.edit(rig.id_of("a"), b"there")
    rig.settle()
    assert rig.there()["a"] == b"here" and sorted(rig.there().values()) == [b"here", b"there"]


def test_a_document_closed_without_a_save_becomes_the_version_of_drive() -> None:
    rig = equal("a")
    rig.open = frozenset({("a",)})
    rig.remote.edit(rig.id_of("a"), b"there")
    rig.cycle()
    rig.open = frozenset()
    rig.settle()
    assert rig.here()["a"] == b"there"


def test_an_edit_that_follows_the_one_delivered_is_delivered_too() -> None:
    rig = equal("a")
    rig.open = None
    for data in (b"1", b"2"):
        rig.remote.edit(rig.id_of("a"), data)
        rig.cycle()
    assert sorted(rig.here().values()) == [b"1", b"2", b"a"]


def test_an_open_document_is_neither_moved_nor_removed() -> None:
    rig = equal("a", "f/", "f/b")
    rig.open = frozenset({("a",), ("f", "b")})
    rig.remote.rename(rig.id_of("a"), "c")
    rig.remote.throw(rig.id_of("f"))
    rig.cycle()
    assert set(rig.here()) == {"a", "f", "f/b"}
    rig.open = frozenset()
    rig.settle()
    assert set(rig.here()) == {"c"}


# folders that are chosen


def test_only_what_is_chosen_comes_and_what_is_made_here_goes() -> None:
    rig = Rig()
    deep = rig.remote.put("deep", None)
    chosen = rig.remote.put("chosen", None, deep)
    rig.remote.put("a", b"1", chosen)
    rig.remote.put("beside", b"2", deep)
    rig.remote.put("other", b"3")
    rig.choose(Options(frozenset({chosen})))
    rig.local.write(("mine",), b"4")
    rig.cycle()
    rig.require_quiet()
    assert set(rig.here()) == {"deep", "deep/chosen", "deep/chosen/a", "mine"}
    assert set(rig.there()) == {*rig.here(), "deep/beside", "other"}


def test_a_folder_that_is_not_chosen_any_more_leaves_the_disk_and_stays_in_drive() -> None:
    rig = Rig()
    ids = [rig.remote.put(title, None) for title in ("x", "y")]
    files = [rig.remote.put(f"f{number}", b"%d" % number, ids[0]) for number in range(40)]
    rig.choose(Options(frozenset(ids)))
    rig.cycle()
    rig.local.write(("x", "f1"), b"mine")
    rig.choose(Options(frozenset({ids[1]})))
    outcome = rig.cycle()
    assert outcome.pause is None
    assert rig.here() == {"x": None, "x/f1": b"mine", "y": None}
    rig.cycle()
    assert {one.path for one in rig.engine.report().unsynced} == {"x", "x/f1"}
    assert len(rig.remote.nodes) == 42 and not any(rig.remote.nodes[f].trashed for f in files)
    rig.choose(Options(frozenset(ids)))
    rig.cycle()
    rig.cycle()
    assert len([path for path in rig.here() if "conflict" in path]) == 1


def test_without_chosen_folders_nothing_happens() -> None:
    rig = Rig(options=Options())
    rig.local.write(("a",), b"1")
    assert rig.cycle().pause is Pause.NO_FOLDERS
    assert rig.world.requests == 0 and rig.engine.report().state is State.PAUSED


def test_a_file_moved_out_of_a_folder_before_that_was_unchosen_goes_where_it_is() -> None:
    rig = Rig()
    a, b = rig.remote.put("A", None), rig.remote.put("B", None)
    rig.remote.put("x", b"x", b)
    rig.choose(Options(frozenset({a, b})))
    rig.cycle()
    rig.local.rename(("B", "x"), ("A", "x"))
    rig.choose(Options(frozenset({a})))
    for _ in range(4):
        rig.cycle()
    assert rig.there().get("A/x") == b"x"


def test_a_new_folder_here_is_not_one_in_drive_that_was_not_chosen() -> None:
    """While the first sync lasts: what is in that one would come, unasked."""
    rig = Rig()
    thesis = rig.remote.put("thesis", None)
    photos = rig.remote.put("photos", None)
    rig.remote.put("big", b"big", photos)
    rig.choose(Options(frozenset({thesis})))
    rig.local.folder(("photos",))
    for _ in range(3):
        rig.cycle()
    assert "photos/big" not in rig.here()


def test_what_would_be_ignored_on_disk_is_not_brought() -> None:
    rig = Rig()
    rig.remote.put("x", b"1", rig.remote.put("__pycache__", None))
    rig.remote.put("a.tmp", b"2")
    rig.cycle()
    rig.require_quiet()
    assert rig.here() == {} and len(rig.there()) == 3


# Google's own documents


def test_a_document_is_a_link_and_an_edit_of_it_is_undone() -> None:
    rig = Rig()
    mime = "application/vnd.google-apps.document"
    id_ = rig.remote.put("Essay", None, mime=mime)
    rig.remote.nodes[id_].kind = Kind.DOCUMENT
    rig.cycle()
    link = rig.local.tree[("Essay.gdoc",)].data
    assert rig.local.tree[("Essay.gdoc",)].read_only
    assert json.loads(link) == {"url": "", "doc_id": id_, "email": "ann@example.org"}
    rig.local.write(("Essay.gdoc",), b"edited")
    rig.cycle()
    rig.require_quiet()
    assert rig.local.tree[("Essay.gdoc",)].data == link
    rig.local.rename(("Essay.gdoc",), ("Thesis.gdoc",))
    rig.cycle()
    assert rig.remote.nodes[id_].title == "Thesis"


def test_a_document_can_be_exported() -> None:
    rig = Rig(options=replace(ALL, export=Export.OFFICE))
    mime = "application/vnd.google-apps.spreadsheet"
    id_ = rig.remote.put("Table", None, mime=mime)
    rig.remote.nodes[id_].kind = Kind.DOCUMENT
    rig.cycle()
    rig.cycle()
    rig.require_quiet()
    assert set(rig.here()) == {"Table.xlsx"}
    rig.choose(ALL)
    rig.cycle()
    assert set(rig.here()) == {"Table.gsheet"}


# numbers


def test_a_renamed_folder_with_many_files_is_one_request() -> None:
    rig = equal("f/", *(f"f/{number}" for number in range(500)))
    rig.local.rename(("f",), ("g",))
    before = rig.world.requests
    rig.cycle()
    assert rig.world.requests == before + 2  # the changes, and the move
    rig.settle()


def test_a_renamed_file_is_one_request_and_no_upload() -> None:
    rig = equal("f/", "a")
    rig.local.rename(("a",), ("f", "b"))
    rig.world.calls.clear()
    rig.settle()
    assert "before create" not in rig.world.calls
    assert rig.there() == {"f": None, "f/b": b"a"}


def test_many_new_files_cost_hardly_more_than_a_request_each() -> None:
    rig = equal()
    for number in range(400):
        rig.local.write((f"{number}",), b"%d" % number)
    before = rig.world.requests
    rig.cycle()
    assert (rig.world.requests - before) / 400 <= 1.05


def test_a_cycle_that_finds_nothing_new_writes_nothing() -> None:
    rig = equal("a", "f/", "f/b")
    before = rig.state.base.total_changes
    rig.require_quiet()
    assert rig.state.base.total_changes == before


def test_a_report_counts_what_is_equal_and_tells_when() -> None:
    rig = equal("a", "f/", "f/b")
    report = rig.engine.report()
    assert (report.state, report.files, report.clean) == (State.IDLE, 2, True)
    assert report.last_success_at == rig.world.now()


def test_stop_leaves_the_rest_for_the_next_start() -> None:
    rig = equal()
    for number in range(10):
        rig.local.write((f"{number}",), b"%d" % number)
    rig.world.at["after create"] = [lambda: None, rig.engine.stop]
    outcome = rig.cycle()
    assert outcome.done == 2 and not outcome.clean
    rig.start()
    rig.settle()
    assert len(rig.there()) == 10


def opened_during(boundary: str, rig: Rig, told: frozenset | None) -> Rig:
    def open_() -> None:
        rig.open = told

    rig.world.at.setdefault(boundary, []).append(open_)
    return rig


@pytest.mark.parametrize("told", [frozenset({("a",)}), None])
def test_a_document_opened_while_its_new_version_comes_is_not_replaced(told) -> None:
    rig = opened_during("before download", equal("a"), told)
    rig.remote.edit(rig.id_of("a"), b"new")
    outcome = rig.cycle()
    assert rig.here() == {"a": b"a"} and outcome is not None and outcome.again
    rig.cycle()
    assert sorted(rig.here().values()) == [b"a", b"new"] and rig.here()["a"] == b"a"


@pytest.mark.parametrize("told", [frozenset({("a",)}), None])
def test_a_document_changed_on_both_sides_and_opened_meanwhile_keeps_its_name(told) -> None:
    rig = opened_during("before download", equal("a"), told)
    rig.remote.edit(rig.id_of("a"), b"theirs")
    rig.local.write(("a",), b"ours")
    rig.cycle()
    rig.cycle()
    assert rig.here()["a"] == b"ours" and b"theirs" in rig.here().values()


def test_a_document_opened_just_before_it_would_follow_a_removal_or_a_move_stays() -> None:
    rig = opened_during("after changes", equal("a", "b"), frozenset({("a",), ("b",)}))
    rig.remote.throw(rig.id_of("a"))
    rig.remote.rename(rig.id_of("b"), "c")
    rig.cycle()
    assert rig.here() == {"a": b"a", "b": b"b"}
    rig.open = frozenset()
    rig.settle()
    assert rig.here() == {"c": b"b"}


def test_a_disk_that_was_restored_from_a_backup_has_other_inodes_and_the_same_files() -> None:
    rig = equal("f/", "f/a", "g/", "g/b")
    rig.world.calls.clear()
    f, g = rig.local.tree[("f",)], rig.local.tree[("g",)]
    f.number, g.number = g.number, f.number
    for path in (("f", "a"), ("g", "b")):
        rig.local.tree[path].number += 1000
    rig.settle()
    writes = {"after create", "after move", "after trash", "after update"}
    assert not writes & set(rig.world.calls), [c for c in rig.world.calls if c in writes]


def test_a_new_folder_with_the_inode_of_a_removed_one_is_not_that_folder() -> None:
    """ext4 gives the number of a folder that was just removed to the next one that is made. Who
    shares ``f`` in Drive must not find ``g`` in it."""
    rig = equal("f/", "f/a", "f/b")
    shared, number = rig.id_of("f"), rig.local.tree[("f",)].number
    rig.local.remove(("f",))
    rig.local.folder(("g",))
    rig.local.tree[("g",)].number = number
    rig.local.write(("g", "private"), b"private")
    rig.settle()
    assert rig.remote.nodes[rig.id_of("private")].parent != shared
