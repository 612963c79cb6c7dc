"""The memory on disk: what was committed is there again, and a damaged one does no harm."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from drivesync.engine import Engine
from drivesync.model import Kind, RemoteFile, Stamp
from drivesync.report import Conflict, Pause
from drivesync.state import KNOWN_FOR_S, Hashed, State, UploadsUnderWay
from drivesync.trees import Reserved, Synced

from tests.drivesync.engine.test_edits import equal
from tests.drivesync.sim.rig import ALL, Rig


def test_what_was_committed_is_there_again_and_nothing_else(tmp_path) -> None:
    state = State.open(tmp_path / "sync.sqlite")
    file = RemoteFile("1", "root", "a", Kind.FILE, "e1", md5="m", size=2**40, trashed=True)
    one = Synced("1", "root", "a", "a", False, "m", "m", Stamp(1, 2, 3, 4), here=True)
    conflict = Conflict("a", "a (2)", datetime(2026, 11, 24, tzinfo=UTC))
    state.remote["1"], state.synced["1"], state.listed["root"] = file, one, False
    state.hashed[Stamp(1, 2, 3, 4)] = Hashed("m", True)
    state.reserved[("f", "a")], state.left[("x",)] = Reserved("2", "m n"), "3"
    state.conflicts["a (2)"], state.meta["cursor"] = conflict, "7"
    assert state.commit() and not state.commit()
    before = [dict(table) for table in state.tables]
    state.meta["cursor"] = "8"
    state.close()
    again = State.open(tmp_path / "sync.sqlite")
    assert [dict(table) for table in again.tables] == before
    again.close()


def test_an_upload_under_way_is_remembered_at_once(tmp_path) -> None:
    state = State.open(tmp_path / "sync.sqlite")
    state.uploads.save("key", "https://upload")
    state.close()
    again = State.open(tmp_path / "sync.sqlite")
    assert again.uploads.find("key") == "https://upload"
    again.uploads.forget("key")
    assert again.uploads.find("key") is None
    again.close()


@pytest.mark.parametrize("damage", ["garbage", "half", "row", "version"])
def test_a_damaged_memory_is_moved_aside_and_the_sync_begins_anew(tmp_path, damage) -> None:
    file = tmp_path / "sync.sqlite"
    rig = Rig()
    rig.remote.put("a", b"1")
    rig.local.write(("b",), b"2")
    state = State.open(file)
    Engine(rig.remote, rig.local, state, ALL).cycle(rig.world.now(), frozenset)
    if damage == "row":
        state.base.execute("INSERT INTO remote VALUES ('x', '[1]')")
    if damage == "version":
        state.base.execute("PRAGMA user_version = 99")
    state.close()
    if damage == "garbage":
        file.write_bytes(b"not a database" * 100)
    if damage == "half":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    state = State.open(file)
    assert not state.synced
    outcome = Engine(rig.remote, rig.local, state, ALL).cycle(rig.world.now(), frozenset)
    state.close()
    assert outcome.clean and outcome.done == 0
    assert rig.here() == rig.there() == {"a": b"1", "b": b"2"}
    assert (tmp_path / "sync.sqlite.damaged-1").exists()


def test_an_upload_that_drive_has_forgotten_by_now_is_forgotten_too(tmp_path) -> None:
    state = State.open(tmp_path / "sync.sqlite")
    now = [0.0]
    uploads = UploadsUnderWay(state.base, threading.RLock(), lambda: now[0])
    uploads.save("old", "https://upload/1")
    now[0] = KNOWN_FOR_S - 1
    uploads.save("new", "https://upload/2")
    uploads.forget_old()
    assert uploads.find("old") == "https://upload/1"
    now[0] = KNOWN_FOR_S + 1
    uploads.forget_old()
    assert uploads.find("old") is None and uploads.find("new") == "https://upload/2"
    state.close()


def test_a_state_that_cannot_be_written_still_is_no_crash() -> None:
    """State and MyDrive are on one disk: when it is full, that is a pause."""
    rig = equal("a")
    (pages,) = rig._base.execute("PRAGMA page_count").fetchone()
    rig._base.execute(f"PRAGMA max_page_count = {pages}")
    for number in range(200):
        rig.local.write((f"f{number}",), b"%d" % number)
    outcome = rig.cycle()
    assert outcome is not None and outcome.pause is Pause.LOCAL_FULL
    rig._base.execute("PRAGMA max_page_count = 100000")
    rig.settle()
    assert len(rig.there()) == 201


def test_an_upload_that_cannot_be_noted_down_goes_up_all_the_same(tmp_path) -> None:
    state = State.open(tmp_path / "sync.sqlite")
    (pages,) = state.base.execute("PRAGMA page_count").fetchone()
    state.base.execute(f"PRAGMA max_page_count = {pages}")
    state.uploads.save("key", "https://upload/" + "x" * 100_000)
    state.uploads.forget("key")
    state.uploads.forget_old()
    assert state.uploads.find("key") is None
    state.close()
