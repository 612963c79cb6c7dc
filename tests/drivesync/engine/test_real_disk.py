"""The engine with its threads on a real disk, beside a simulated Drive."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from drivesync.engine import Engine, Outcome
from drivesync.local import Disk
from drivesync.state import State

from tests.drivesync.sim.remote import SimRemote
from tests.drivesync.sim.rig import ALL
from tests.drivesync.sim.world import World


class Place:
    def __init__(self, folder: Path) -> None:
        self.drive, memory = folder / "drive", folder / "state"
        self.drive.mkdir()
        memory.mkdir()
        self.root = self.drive / "MyDrive"
        self.remote = SimRemote(World(random.Random(1)))
        self.state = State.open(memory / "sync.sqlite")
        self.engine = Engine(self.remote, Disk(self.drive, memory), self.state, ALL)
        self.now = datetime.now(UTC) + timedelta(seconds=5)

    def cycle(self) -> Outcome:
        return self.engine.cycle(self.now, frozenset)

    def settle(self) -> None:
        for _ in range(5):
            outcome = self.cycle()
            if outcome.clean and not outcome.done:
                return
        raise AssertionError(outcome)

    def here(self) -> dict[str, bytes]:
        files = [path for path in self.root.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in files}

    def id_of(self, title: str) -> str:
        return next(node.id for node in self.remote.nodes.values() if node.title == title)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    one = Place(tmp_path)
    yield one
    one.state.close()


def test_many_files_go_both_ways_and_a_second_cycle_is_one_request(place: Place) -> None:
    place.cycle()
    (place.root / "up" / "deep").mkdir(parents=True)
    down = place.remote.put("down", None)
    for number in range(100):
        (place.root / "up" / "deep" / f"{number}").write_bytes(b"up %d" % number)
        place.remote.put(f"{number}", b"down %d" % number, down)
    place.settle()
    assert len(place.here()) == 200
    assert {b"up %d" % number for number in range(100)} <= place.remote.holds()
    before = place.remote.world.requests
    assert place.cycle().done == 0
    assert place.remote.world.requests == before + 1


def test_edits_renames_and_removals_follow_on_both_sides(place: Place) -> None:
    folder = place.remote.put("f", None)
    edited = place.remote.put("edited", b"1", folder)
    place.remote.put("gone there", b"2", folder)
    place.remote.put("gone here", b"3")
    place.settle()
    place.remote.edit(edited, b"4")
    place.remote.throw(place.id_of("gone there"))
    (place.root / "gone here").unlink()
    (place.root / "f").rename(place.root / "g")
    place.settle()
    assert place.here() == {"g/edited": b"4"}
    assert place.remote.nodes[folder].title == "g"
    assert place.remote.nodes[place.id_of("gone here")].trashed
    trash = [p.read_bytes() for p in (place.drive / ".carrel").rglob("*") if p.is_file()]
    assert {b"1", b"2"} <= set(trash)


def test_both_versions_of_a_conflict_are_on_the_disk(place: Place) -> None:
    id_ = place.remote.put("a.txt", b"1")
    place.settle()
    place.remote.edit(id_, b"there")
    (place.root / "a.txt").write_bytes(b"here")
    place.settle()
    assert sorted(place.here().values()) == [b"here", b"there"]
    assert place.here()["a.txt"] == b"there"


def test_what_programs_leave_on_the_disk_stays_there(place: Place) -> None:
    folder = place.remote.put("f", None)
    place.remote.put("a", b"1", folder)
    place.settle()
    (place.root / "f" / ".ipynb_checkpoints").mkdir()
    (place.root / "f" / "link").symlink_to("/etc/passwd")
    os.mkfifo(place.root / "fifo")
    place.remote.throw(folder)
    place.settle()
    assert {path.name for path in (place.root / "f").iterdir()} == {".ipynb_checkpoints", "link"}
    assert len(place.remote.nodes) == 2
    assert {one.path for one in place.engine.report().skipped} >= {"fifo", "f/link"}


def test_a_drive_folder_that_is_not_there_any_more_deletes_nothing(place: Place) -> None:
    place.remote.put("a", b"1")
    place.settle()
    shutil.rmtree(place.root)
    assert place.cycle().pause is not None
    assert not place.remote.nodes[place.id_of("a")].trashed
