"""The engine on a real disk: what the simulated one promises holds there as well."""

from __future__ import annotations

import os
import shutil
import tarfile

import pytest
from drivesync.faults import Fault

from tests.drivesync.local.conftest import Place
from tests.drivesync.sim.rig import Rig


class OnDisk(Rig):
    """Its other side is the simulated Drive."""

    def __init__(self, here: Place) -> None:
        super().__init__()
        self.here_ = here
        here.now = self.world.now()
        self.local = here.disk  # type: ignore[assignment]
        self.start()

    def rounds(self, count: int = 6) -> None:
        for _ in range(count):
            outcome = self.cycle()
            assert outcome is not None
            self.last = outcome


@pytest.fixture
def rig(here: Place) -> OnDisk:
    return OnDisk(here)


def _files(here: Place) -> dict[str, bytes]:
    return {
        path.removeprefix("MyDrive/"): data
        for path, data in here.contents().items()
        if path.startswith("MyDrive/")
    }


def test_files_go_both_ways_and_a_quiet_cycle_asks_once(here: Place, rig: OnDisk) -> None:
    folder = rig.remote.put("thesis", None)
    rig.remote.put("a.txt", b"from Drive", folder)
    (here.top / "data").mkdir()
    (here.top / "data" / "b.csv").write_bytes(b"from here")
    rig.rounds()
    assert _files(here) == {"thesis/a.txt": b"from Drive", "data/b.csv": b"from here"}
    assert rig.there() == {
        "thesis": None, "thesis/a.txt": b"from Drive", "data": None, "data/b.csv": b"from here"
    }  # fmt: skip
    rig.require_quiet()


def test_edits_moves_and_deletions_go_both_ways(here: Place, rig: OnDisk) -> None:
    for name in "abcdef":
        (here.top / name).write_bytes(name.encode())
    (here.top / "folder").mkdir()
    rig.rounds()
    rig.remote.edit(rig.id_of("a"), b"edited there")
    rig.remote.rename(rig.id_of("b"), "b2", rig.id_of("folder"))
    rig.remote.throw(rig.id_of("c"))
    (here.top / "d").write_bytes(b"edited here")
    (here.top / "e").rename(here.top / "e2")
    (here.top / "f").unlink()
    rig.rounds()
    both = {
        "a": b"edited there", "d": b"edited here", "e2": b"e", "folder/b2": b"b"
    }  # fmt: skip
    assert _files(here) == both
    assert rig.there() == {"folder": None, **both}
    assert b"c" in here.contents().values()
    rig.require_quiet()


def test_both_sides_of_a_conflict_are_kept_on_both(here: Place, rig: OnDisk) -> None:
    (here.top / "a.txt").write_bytes(b"first")
    rig.rounds()
    rig.remote.edit(rig.id_of("a.txt"), b"theirs")
    (here.top / "a.txt").write_bytes(b"mine")
    rig.rounds()
    assert sorted(_files(here).values()) == [b"mine", b"theirs"]
    assert _files(here) == rig.there()
    rig.require_quiet()


def test_a_program_that_wrote_late_is_in_drive_too(here: Place, rig: OnDisk) -> None:
    (here.top / "log").write_bytes(b"first ")
    rig.rounds()
    rig.remote.edit(rig.id_of("log"), b"theirs")
    with (here.top / "log").open("ab", buffering=0) as log:
        rig.rounds(2)
        assert (here.top / "log").read_bytes() == b"theirs"
        log.write(b"late")
        rig.rounds()
    assert sorted(rig.there().values()) == [b"first late", b"theirs"]
    assert _files(here) == rig.there()


def test_a_title_that_is_never_synced_is_neither_brought_nor_trashed(
    here: Place, rig: OnDisk
) -> None:
    """Were it brought, no scan would see it, and it would look deleted."""
    rig.remote.put("draft.tmp", b"1")
    folder = rig.remote.put("__pycache__", None)
    rig.remote.put("x.pyc", b"2", folder)
    rig.remote.put("a", b"3")
    rig.rounds(10)
    assert _files(here) == {"a": b"3"}
    assert set(rig.there()) == {"draft.tmp", "__pycache__", "__pycache__/x.pyc", "a"}


def test_an_empty_disk_in_its_place_pauses_and_deletes_nothing(here: Place, rig: OnDisk) -> None:
    (here.top / "a").write_bytes(b"1")
    rig.rounds()
    here.drive.rename(here.base / "away")
    here.drive.mkdir()
    with pytest.raises(Fault):
        here.disk.require_mounted()
    rig.rounds(2)
    assert rig.last.pause is not None
    assert rig.there() == {"a": b"1"}


def test_a_disk_that_was_restored_from_a_backup_is_the_one_that_it_was(
    here: Place, rig: OnDisk
) -> None:
    for folder in "fgh":
        (here.top / folder).mkdir()
        (here.top / folder / folder).write_bytes(b"the same size")
        os.utime(here.top / folder / folder, ns=(10**18, 10**18))
    rig.rounds()
    archive = here.base / "backup.tar"
    with tarfile.open(archive, "w") as backup:
        backup.add(here.top, ".")
    for path in here.top.iterdir():
        shutil.rmtree(path)
    with tarfile.open(archive) as backup:
        # In another order, so that each has the inode of another one.
        backup.extractall(here.top, sorted(backup, key=lambda one: one.name, reverse=True))
    rig.world.calls.clear()
    rig.rounds()
    writes = {"after create", "after create_folder", "after move", "after trash", "after update"}
    assert not writes & set(rig.world.calls)


def test_a_folder_made_where_another_was_removed_is_not_that_one(here: Place, rig: OnDisk) -> None:
    (here.top / "f").mkdir()
    (here.top / "f" / "a").write_bytes(b"a")
    rig.rounds()
    shared = rig.id_of("f")
    shutil.rmtree(here.top / "f")
    (here.top / "g").mkdir()
    (here.top / "g" / "private").write_bytes(b"private")
    rig.rounds()
    assert rig.there() == {"g": None, "g/private": b"private"}
    assert rig.id_of("g") != shared
