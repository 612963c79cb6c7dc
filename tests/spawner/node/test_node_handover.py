"""A home is handed over when the engine's user remapping was switched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from spawner.node.handover import hand_over
from spawner.node.homes import ensure_home
from spawner.node.roots import remember

pytestmark = pytest.mark.root
OLD, NEW = 100_000, 0


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    """A home as a remapped session left it, beside a file that is nobody's business."""
    (tmp_path / "outside").write_text("theirs")
    os.chown(tmp_path / "outside", OLD, OLD)
    home = tmp_path / "homes" / "ann"
    (home / "sub" / "deep").mkdir(parents=True)
    (home / "sub" / "note.txt").write_text("kept")
    (home / "way-out").symlink_to(tmp_path / "outside")
    os.mkfifo(home / "fifo")
    for path in (home, *home.rglob("*")):
        os.chown(path, OLD, OLD, follow_symlinks=False)
    os.chown(home / "sub" / "note.txt", OLD + 33, OLD + 1000)
    return tmp_path / "homes"


def owners(home: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in (home, *home.rglob("*")):
        stat = path.lstat()
        found[str(path.relative_to(home))] = (stat.st_uid, stat.st_gid)
    return found


def test_everything_moves_to_the_new_range_and_keeps_its_place_in_it(homes: Path) -> None:
    ensure_home(homes, "ann", NEW, {OLD})
    found = owners(homes / "ann")
    assert found.pop("sub/note.txt") == (33, 1000)
    assert set(found.values()) == {(NEW, NEW)}
    assert set(found) == {".", "sub", "sub/deep", "way-out", "fifo"}
    assert (homes / "ann" / "sub" / "note.txt").read_text() == "kept"


def test_what_a_symlink_points_to_is_left_alone(homes: Path) -> None:
    ensure_home(homes, "ann", NEW, {OLD})
    assert (homes.parent / "outside").stat().st_uid == OLD


def test_there_and_back_again_is_where_it_was(homes: Path) -> None:
    before = owners(homes / "ann")
    ensure_home(homes, "ann", NEW, {OLD})
    ensure_home(homes, "ann", OLD, {NEW})
    assert owners(homes / "ann") == before


def test_a_hand_over_that_was_cut_short_is_taken_up_again(
    homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder itself comes last: as long as it is the old owner's, the rest is looked at."""
    real, calls = os.chown, []

    def dying(*args: object, **kwargs: object) -> None:
        calls.append(args)
        if len(calls) == 3:
            raise OSError("power cut")
        real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "chown", dying)
    fd = os.open(homes / "ann", os.O_RDONLY)
    with pytest.raises(OSError, match="power cut"):
        hand_over(fd, OLD, NEW)
    os.close(fd)
    monkeypatch.setattr(os, "chown", real)
    ensure_home(homes, "ann", NEW, {OLD})
    assert set(owners(homes / "ann").values()) == {(NEW, NEW), (33, 1000)}


def test_an_owner_outside_the_range_stays(homes: Path) -> None:
    os.chown(homes / "ann" / "sub", 70_000, 70_000)
    ensure_home(homes, "ann", NEW, {OLD})
    assert owners(homes / "ann")["sub"] == (70_000, 70_000)


def test_a_home_that_a_student_gave_away_is_taken_back_and_not_walked_through(homes: Path) -> None:
    before = owners(homes / "ann")
    ensure_home(homes, "ann", NEW, {4711})
    after = owners(homes / "ann")
    assert (before.pop("."), after.pop(".")) == ((OLD, OLD), (NEW, NEW))
    assert after == before


def test_former_roots_are_remembered_over_switches(tmp_path: Path) -> None:
    assert remember(tmp_path, OLD) == frozenset()
    assert remember(tmp_path, OLD) == frozenset()
    assert remember(tmp_path, NEW) == {OLD}
    assert remember(tmp_path, OLD) == {NEW}
