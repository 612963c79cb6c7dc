"""Killed (-9) at any moment: the old or the new content, whole, and never a byte lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drivesync.local.conftest import Place

PROGRAM = Path(__file__).with_name("killing.py")
IMAGES = Path(__file__).parents[3] / "images" / "drivesync"


@pytest.mark.parametrize("what", ["new", "over", "new named", "over named", "trash", "move"])
def test_a_kill_at_each_boundary_leaves_the_old_or_the_new(tmp_path: Path, what: str) -> None:
    said = subprocess.run(
        [sys.executable, PROGRAM, tmp_path, what],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(IMAGES)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert said[-1].endswith("done 0")
    assert len(said) > 4
    for at in range(1, len(said) + 1):
        _require_whole(Place(tmp_path / str(at)), what, done=at == len(said))


def _require_whole(here: Place, what: str, done: bool) -> None:
    """``here`` is the next start already."""
    contents = here.contents()
    contents.pop(".carrel/id")
    assert set(contents.values()) <= {b"old", b"new"}
    assert b"old" in contents.values()
    seen = {path: data for path, data in contents.items() if path.startswith("MyDrive/")}
    place = "MyDrive/a/file"
    assert seen in _allowed(what, place)
    assert list((here.drive / ".carrel" / "tmp").iterdir()) == []
    if done:
        assert seen == _allowed(what, place)[-1]
    assert here.disk.late() == []  # nothing comes back that was not written into
    contents = here.contents()
    assert {path: contents[path] for path in contents if path.startswith("MyDrive/")} == seen
    if not what.startswith("new"):  # what never came to be placed is tidied away
        assert list(contents.values()).count(b"new") == list(seen.values()).count(b"new")
    # and the same can be done again
    old = here.disk.look(("a", "file"))
    if what.startswith("over") and old is not None:
        here.bring(b"new", "a", "file", over=old)
        assert b"old" in here.contents().values()


def _allowed(what: str, place: str) -> list[dict[str, bytes]]:
    old = {place: b"old"}
    return {
        "new": [old, {**old, "MyDrive/a/other": b"new"}],
        "over": [old, {place: b"new"}],
        "trash": [old, {}],
        "move": [old, {"MyDrive/moved": b"old"}],
    }[what.partition(" ")[0]]
