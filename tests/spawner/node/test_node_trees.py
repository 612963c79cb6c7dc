"""Walking, measuring and removing what hostile students leave behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from spawner.errors import CarrelError, Code
from spawner.node import removal, trees
from spawner.node.layout import ensure_layout
from spawner.node.sizes import measure
from spawner.node.trees import Pace, Step, Why, walk
from tests.spawner.node.hostile import deep, hostile


@pytest.fixture
def homes(config):
    ensure_layout(config)
    yield config.homes
    # shutil.rmtree recurses; rm does not.
    subprocess.run(["rm", "-rf", *config.homes.iterdir()], check=True)


@pytest.fixture
def home(homes):
    (homes / "ann").mkdir()
    return homes / "ann"


@pytest.fixture
def outside(tmp_path):
    path = tmp_path / "outside"
    path.mkdir()
    (path / "theirs").write_bytes(b"x" * 2**20)
    return path


@contextlib.contextmanager
def opened(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        yield fd
    finally:
        os.close(fd)


def size(home, **more):
    with opened(home) as fd:
        return measure(fd, Pace(), **more)


def allocated(home) -> int:
    """What du says, which counts hard links once too."""
    said = subprocess.run(["du", "-s", "-B1", home], capture_output=True, text=True, check=True)
    return int(said.stdout.split()[0])


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_home_is_measured_as_du_does(home, outside):
    hostile(home, outside)

    assert size(home).bytes == allocated(home)
    assert size(home).complete
    assert size(home).bytes < 2**26, "the sparse file counts for what it takes"


def test_an_empty_home_takes_its_own_folder(home):
    assert size(home).bytes == allocated(home)


def test_thousands_of_files_are_counted(home):
    for n in range(10_000):
        (home / f"{n}").write_bytes(b"x" if n % 100 == 0 else b"")

    assert size(home).bytes == allocated(home)


def test_too_many_entries_end_the_measuring_with_a_part(home):
    for n in range(50):
        (home / f"{n}").write_bytes(b"x")

    part = size(home, most_entries=10)

    assert not part.complete
    assert 0 < part.bytes < allocated(home)


def test_a_deep_tree_holds_few_descriptors(home):
    deep(home, 2000)
    before, most = descriptors(), 0
    with opened(home) as fd:
        for found in walk(fd, Pace()):
            most = max(most, descriptors())
            assert found.step is not Step.LOST

    assert most - before < trees.OPEN_LEVELS + 10
    assert descriptors() == before


def test_every_folder_is_left_after_what_is_in_it(home):
    deep(home, 100)
    (home / "d" / "d" / "side").mkdir()
    steps = []
    with opened(home) as fd:
        for found in walk(fd, Pace()):
            if found.step is Step.ENTER:
                steps.append(found.name)
            elif found.step is Step.LEAVE:
                assert steps.pop() == found.name
                os.stat(found.name, dir_fd=found.folder_fd)

    assert steps == []


def test_what_lies_too_deep_is_told(home):
    deep(home, 10)
    with opened(home) as fd:
        passed = [found for found in walk(fd, Pace(), most_depth=5) if found.step is Step.PASSED]

    assert [(found.name, found.why) for found in passed] == [("d", Why.TOO_DEEP)]


def test_too_many_folders_are_told(home, monkeypatch):
    monkeypatch.setattr(trees, "MOST_WAITING", 5)
    for n in range(8):
        (home / f"{n}").mkdir()
    with opened(home) as fd:
        found = list(walk(fd, Pace()))

    assert sum(one.step is Step.ENTER for one in found) == 5
    assert sum(one.why is Why.TOO_MANY for one in found) == 3


def test_a_folder_moved_while_it_is_walked_never_leads_elsewhere(home, outside):
    """The way back is taken only to where we came from."""
    deep(home, 60)
    (home / "other").mkdir()
    (home / "other" / "bait").write_text("x")
    (home / "d" / "later").mkdir()
    walked = []
    with opened(home) as fd:
        for found in walk(fd, Pace()):
            walked.append(found)
            top = home / "/".join(["d"] * 10)
            if found.name == "end" and top.exists():
                # The folder that this one is in is closed by now, and no longer above it.
                top.rename(home / "other" / "moved")
    lost = [found for found in walked if found.step is Step.LOST]

    assert lost
    assert all(found.folder_fd == -1 for found in lost)
    assert walked[-1].step is not Step.ENTER


def test_a_folder_swapped_for_a_symlink_while_it_is_walked_never_leads_out(
    home, outside, monkeypatch
):
    """In the one moment that counts: after it was looked at, before it is opened."""
    (home / "folder").mkdir()
    real = os.open

    def swapping(path, flags, *more, **where):
        if path == "folder":
            (home / "folder").rmdir()
            (home / "folder").symlink_to(outside)
        return real(path, flags, *more, **where)

    monkeypatch.setattr(os, "open", swapping)
    with opened(home) as fd:
        found = list(walk(fd, Pace()))

    assert [(one.step, one.name, one.why) for one in found] == [
        (Step.PASSED, "folder", Why.CHANGED)
    ]


def test_a_walk_that_nobody_wants_any_more_ends(home):
    (home / "a").write_text("x")
    pace = Pace()
    pace.stop()
    before = descriptors()
    with opened(home) as fd, pytest.raises(CarrelError) as caught:
        list(walk(fd, pace))

    assert caught.value.code is Code.UNAVAILABLE
    assert descriptors() == before


def test_a_hostile_home_is_removed_and_nothing_else(home, outside):
    hostile(home, outside)
    os.link(outside / "theirs", home / "also-theirs")

    assert removal.set_aside(home.parent, "ann")
    assert removal.finish(home.parent, Pace()) == 1

    assert list(home.parent.iterdir()) == []
    assert (outside / "theirs").stat().st_size == 2**20


def test_no_tree_is_too_deep_to_be_removed(home):
    deep(home, 300)

    removal.set_aside(home.parent, "ann")
    removal.finish(home.parent, Pace(), most_depth=7)

    assert list(home.parent.iterdir()) == []


def test_more_folders_than_one_round_takes_are_removed(home, monkeypatch):
    monkeypatch.setattr(trees, "MOST_WAITING", 3)
    for n in range(20):
        (home / f"{n}" / "below").mkdir(parents=True)

    removal.set_aside(home.parent, "ann")
    removal.finish(home.parent, Pace())

    assert list(home.parent.iterdir()) == []


def test_a_removal_cut_short_leaves_nothing_under_the_users_name_and_is_finished_later(home):
    for n in range(20):
        (home / f"{n}").write_text("x")
    removal.set_aside(home.parent, "ann")
    pace = Pace()
    pace.stop()
    with pytest.raises(CarrelError):
        removal.finish(home.parent, pace)

    assert not home.exists()
    (left,) = home.parent.iterdir()
    assert left.name.startswith(".removed-ann-")
    assert removal.finish(home.parent, Pace()) == 1
    assert list(home.parent.iterdir()) == []


def test_a_missing_home_is_no_error(homes):
    assert removal.set_aside(homes, "ann") is False
    assert removal.finish(homes, Pace()) == 0


def test_something_in_a_homes_place_is_refused_and_kept(homes, outside):
    (homes / "ann").symlink_to(outside)

    with pytest.raises(CarrelError, match="homes/ann is not a folder") as caught:
        removal.set_aside(homes, "ann")

    assert caught.value.code is Code.REFUSED
    assert (homes / "ann").is_symlink()
    assert (outside / "theirs").exists()


def test_one_that_cannot_be_removed_does_not_keep_the_others(homes, outside):
    (homes / ".removed-bad-1").symlink_to(outside)
    (homes / ".removed-good-1").mkdir()

    with pytest.raises(CarrelError, match="removed-bad"):
        removal.finish(homes, Pace())

    assert [path.name for path in homes.iterdir()] == [".removed-bad-1"]
    assert (outside / "theirs").exists()
