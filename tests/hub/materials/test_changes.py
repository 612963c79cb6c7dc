"""A preview says what students will find changed, before anything is published."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence

import pytest

from hub.materials import changes, intake, publishing
from hub.materials.bounded import Bounds
from hub.materials.cells import CellFate
from hub.materials.changes import Fate
from hub.materials.intake import Way
from hub.materials.places import Place
from hub.materials.publishing import Wanted
from hub.materials.repository import Repository
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.materials.trees import by, cell, notebook, take

LAB = notebook(cell("x = 1", id_="a"), cell("y = 1", id_="b"))
LAB_NEXT = notebook(cell("x = 2", id_="a"), cell("y = 1", id_="b"))
TEXT = b"".join(b"line %d\n" % n for n in range(200))


@pytest.fixture(autouse=True)
def first(course: Store, place: Place) -> str:
    """The commit of a first version."""
    taken = take(place, {"lab.ipynb": LAB, "old.txt": TEXT, "stays.txt": b"s", "goes.txt": b"g"})
    return publishing.publish(course, place, Wanted(taken.id, None), by()).commit


def test_every_fate_of_a_file_is_told(place: Place, first: str) -> None:
    taken = take(place, {"lab.ipynb": LAB_NEXT, "new name.txt": TEXT + b"more\n", "stays.txt": b"s",
                         "week/come.txt": b"new"})  # fmt: skip
    found = changes.preview(place, taken.id)
    assert found.base == first
    assert [(f.path, f.fate, f.before, f.after, f.old_path) for f in found.files] == [
        ("goes.txt", Fate.REMOVED, 1, None, None),
        ("lab.ipynb", Fate.CHANGED, len(LAB), len(LAB_NEXT), None),
        ("new name.txt", Fate.RENAMED, len(TEXT), len(TEXT) + 5, "old.txt"),
        ("week/come.txt", Fate.ADDED, None, 3, None),
    ]
    assert found.counts == {Fate.ADDED: 1, Fate.CHANGED: 1, Fate.REMOVED: 1, Fate.RENAMED: 1}


def test_a_notebooks_cells_are_told(place: Place) -> None:
    taken = take(place, {"lab.ipynb": LAB_NEXT}, way=Way.ADD)
    (file,) = changes.preview(place, taken.id).files
    assert [(c.fate, c.before, c.after) for c in file.cells.changes] == [(CellFate.CHANGED, 1, 1)]
    assert changes.notebook(place, taken.id, "lab.ipynb") == file
    with pytest.raises(CarrelError):
        changes.notebook(place, taken.id, "stays.txt")


def test_the_first_publish_adds_everything(place: Place) -> None:
    other = type(place)("ds-2", place.folder.with_name("ds-2"))
    taken = take(other, {"a": b"1", "b.ipynb": LAB})
    found = changes.preview(other, taken.id)
    assert found.base is None
    assert [(f.path, f.fate) for f in found.files] == [("a", Fate.ADDED), ("b.ipynb", Fate.ADDED)]


def test_what_was_added_to_nothing_removes_nothing_of_what_came_since(
    place: Place, course: Store, first: str
) -> None:
    empty = type(place)("ds-2", place.folder.with_name("ds-2"))
    taken = take(empty, {"week.txt": b"w"}, way=Way.ADD)
    shutil.copytree(empty.intake(taken.id), place.intake(taken.id))
    found = changes.preview(place, taken.id)
    assert [(f.path, f.fate) for f in found.files] == [("week.txt", Fate.ADDED)]
    assert found.base is None
    with pytest.raises(CarrelError, match="Somebody published meanwhile"):
        publishing.publish(course, place, Wanted(taken.id, found.base), by())


def test_an_intake_that_is_thrown_away_while_it_is_read_is_not_there(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = take(place, {"lab.ipynb": LAB_NEXT}, way=Way.ADD)
    sizes = changes._sizes

    def thrown_away(both: Repository, found: Sequence[changes._Found]) -> dict[str, int]:
        intake.discard(place, taken.id)
        return sizes(both, found)

    monkeypatch.setattr(changes, "_sizes", thrown_away)
    with pytest.raises(CarrelError) as caught:
        changes.preview(place, taken.id)
    assert caught.value.code is Code.NOT_FOUND
    assert not list(place.intakes.iterdir())


def test_nothing_differs_is_told(place: Place) -> None:
    taken = take(place, {"stays.txt": b"s"}, way=Way.ADD)
    assert changes.preview(place, taken.id).nothing


def test_what_is_no_notebook_is_told_as_a_file(place: Place) -> None:
    taken = take(place, {"lab.ipynb": b"<html>"}, way=Way.ADD)
    (file,) = changes.preview(place, taken.id).files
    assert (file.fate, file.after) == (Fate.CHANGED, 6)
    assert "cannot be read" in file.cells.note


def test_a_huge_notebook_is_told_as_a_file(place: Place) -> None:
    taken = take(place, {"lab.ipynb": LAB_NEXT + b" " * 21 * 2**20}, way=Way.ADD)
    (file,) = changes.preview(place, taken.id).files
    assert "too large" in file.cells.note


def test_a_notebook_that_takes_for_ever_ends_with_its_time(
    place: Place, monkeypatch: pytest.MonkeyPatch, course: Store, first: str
) -> None:
    """Few different lines in many places: the worst there is for a comparison."""
    monkeypatch.setattr(changes, "_NOTEBOOK", Bounds(time_s=1))
    slow = [cell("".join(f"{n % 7}\n" for n in range(5000)), id_=f"c{n}") for n in range(60)]
    other = [cell("".join(f"{n % 11}\n" for n in range(5000)), id_=f"c{n}") for n in range(60)]
    taken = take(place, {"lab.ipynb": notebook(*slow)})
    publishing.publish(course, place, Wanted(taken.id, first), by())
    taken = take(place, {"lab.ipynb": notebook(*other)})
    began = time.monotonic()
    (file,) = changes.preview(place, taken.id).files
    assert time.monotonic() - began < 10
    assert file.fate is Fate.CHANGED
    assert "takes too long" in file.cells.note


def test_of_many_notebooks_the_first_are_compared(
    place: Place, monkeypatch: pytest.MonkeyPatch, course: Store, first: str
) -> None:
    monkeypatch.setattr(changes, "MOST_NOTEBOOKS", 1)
    monkeypatch.setattr(changes, "MOST_FILES", 3)
    labs = {f"l{n}.ipynb": LAB for n in range(4)}
    taken = take(place, labs)
    publishing.publish(course, place, Wanted(taken.id, first), by())
    taken = take(place, dict.fromkeys(labs, LAB_NEXT))
    found = changes.preview(place, taken.id)
    assert [bool(file.cells.changes) for file in found.files] == [True, False, False]
    assert "many notebooks" in found.files[1].cells.note
    assert (found.more, found.counts[Fate.CHANGED]) == (1, 4)
    assert changes.notebook(place, taken.id, "l3.ipynb").cells.changes


def test_a_version_is_compared_with_the_one_before(place: Place, course: Store, first: str) -> None:
    taken = take(place, {"lab.ipynb": LAB_NEXT}, way=Way.ADD)
    second = publishing.publish(course, place, Wanted(taken.id, first), by())
    assert [f.path for f in changes.of_version(place, second.commit).files] == ["lab.ipynb"]
    assert len(changes.of_version(place, first).files) == 4
