"""What a publish of an intake changes for students: files, and in notebooks the cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from hub.materials import cells, intake
from hub.materials.bounded import Bounds
from hub.materials.cells import Cells
from hub.materials.intake import Way
from hub.materials.limited import Job, ask
from hub.materials.members import MIB
from hub.materials.places import Place
from hub.materials.repository import EMPTY_TREE, MAIN, NOTHING, Repository
from spawner.errors import CarrelError, Code

MOST_FILES = 1000
"""Listed one by one."""
MOST_NOTEBOOKS = 20
"""Whose cells a preview holds; others are asked for one by one."""
MOST_NOTEBOOK_BYTES = 20 * MIB
_NOTEBOOK = Bounds(time_s=8, output_bytes=8 * MIB)
_RENAMES = Bounds(time_s=20)
_TOO_LARGE = "The notebook is too large: its cells are not compared."
_TOO_LONG = "Comparing the cells takes too long."
_LATER = "Its cells are not compared here: there are many notebooks."


class Fate(Enum):
    """What becomes of a file."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    RENAMED = "renamed"
    """Changed a little too, if the contents differ."""


@dataclass(frozen=True)
class FileChange:
    """One file that differs. Sizes in bytes; None where it is not there."""

    path: str
    fate: Fate
    before: int | None
    after: int | None
    old_path: str | None = None
    cells: Cells | None = None

    @property
    def is_notebook(self) -> bool:
        return self.path.casefold().endswith(".ipynb")


@dataclass(frozen=True)
class Preview:
    """``base`` is what students have now, or had when the intake was added to it (None: nothing);
    give it to ``publish``.

    ``files`` are at most MOST_FILES, ``more`` says how many others there are; ``counts`` are of
    all.
    """

    base: str | None
    files: tuple[FileChange, ...]
    more: int
    counts: dict[Fate, int]

    @property
    def nothing(self) -> bool:
        return not self.files


@dataclass(frozen=True)
class _Found:
    """A line of git's comparison."""

    fate: Fate
    old_path: str
    path: str
    old: str
    new: str


def preview(place: Place, id_: str, with_cells: bool = True) -> Preview:
    """An intake against what students have. Blocks for seconds. Raises CarrelError."""
    with intake.reading(place, id_):
        return _between(*_intake(place, id_), with_cells)


def of_version(place: Place, commit: str, with_cells: bool = True) -> Preview:
    """A published version against the one before it."""
    return _between(*_version(place, commit), with_cells)


def notebook(place: Place, id_: str, path: str) -> FileChange:
    """One notebook of a preview, with its cells. Raises CarrelError(NOT_FOUND)."""
    with intake.reading(place, id_):
        return _one(*_intake(place, id_), path)


def notebook_of_version(place: Place, commit: str, path: str) -> FileChange:
    """The same of a published version. Raises CarrelError(NOT_FOUND)."""
    return _one(*_version(place, commit), path)


def _intake(place: Place, id_: str) -> tuple[Repository, str | None, str]:
    taken = intake.look(place, id_)
    both = intake.of(place, id_)
    # What was added to something differs from that alone; publishing refuses it when main moved.
    adds = taken.way is Way.ADD
    return both, taken.base if adds else _main(place), taken.commit


def _version(place: Place, commit: str) -> tuple[Repository, str | None, str]:
    course = Repository(place.repository)
    return course, course.commit_at(f"{commit}^1"), commit


def _one(both: Repository, base: str | None, new: str, path: str) -> FileChange:
    for found in _found(both, base, new):
        if found.path == path:
            change = _described(found, _sizes(both, [found]))
            return replace(change, cells=_cells(both, found, change))
    raise CarrelError(Code.NOT_FOUND, "This file is not among what changes.")


def _main(place: Place) -> str | None:
    return Repository(place.repository).commit_at(MAIN)


def _between(both: Repository, base: str | None, new: str, with_cells: bool) -> Preview:
    found = sorted(_found(both, base, new), key=lambda one: one.path)
    listed = found[:MOST_FILES]
    sizes = _sizes(both, listed)
    files, notebooks = [], 0
    for one in listed:
        change = _described(one, sizes)
        compared = with_cells and one.fate is not Fate.REMOVED and one.old != one.new
        if compared and change.is_notebook:
            notebooks += 1
            if one.fate is Fate.ADDED:
                pass  # all of it is new: the page of the notebook itself shows it
            elif notebooks <= MOST_NOTEBOOKS:
                change = replace(change, cells=_cells(both, one, change))
            else:
                change = replace(change, cells=Cells(note=_LATER))
        files.append(change)
    counts = {fate: sum(one.fate is fate for one in found) for fate in Fate}
    return Preview(base, tuple(files), len(found) - len(listed), counts)


def _found(both: Repository, base: str | None, new: str) -> Iterator[_Found]:
    trees = [both.tree_of(base) if base else EMPTY_TREE, both.tree_of(new)]
    command = ["diff-tree", "-r", "-z", "--raw", "--full-index", "--no-ext-diff"]
    # Likeness is looked for among few files only: it takes time by the square.
    done = both.ask(*command, "-M60%", "-l200", *trees, bounds=_RENAMES)
    output = done.output if done.code == 0 else both.must(*command, "--no-renames", *trees)
    parts = iter(output.decode().split("\0"))
    for head in parts:
        if not head:
            return
        _, _, old, new_object, letter = head.split(" ")
        path = next(parts)
        fate = {"A": Fate.ADDED, "D": Fate.REMOVED, "R": Fate.RENAMED}.get(letter[0], Fate.CHANGED)
        yield _Found(fate, path, next(parts) if fate is Fate.RENAMED else path, old, new_object)


def _sizes(both: Repository, found: Sequence[_Found]) -> dict[str, int]:
    objects = {o for one in found for o in (one.old, one.new) if o != NOTHING}
    asked = "".join(f"{o}\n" for o in objects).encode()
    answer = both.must("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=asked)
    return {o: int(size) for o, size in (line.split() for line in answer.decode().splitlines())}


def _described(found: _Found, sizes: dict[str, int]) -> FileChange:
    renamed = found.fate is Fate.RENAMED
    return FileChange(
        found.path, found.fate, sizes.get(found.old), sizes.get(found.new),
        found.old_path if renamed else None,
    )  # fmt: skip


def _cells(both: Repository, found: _Found, change: FileChange) -> Cells:
    if max(change.before or 0, change.after or 0) > MOST_NOTEBOOK_BYTES:
        return Cells(note=_TOO_LARGE)
    before = both.must("cat-file", "blob", found.old) if found.old != NOTHING else None
    after = both.must("cat-file", "blob", found.new) if found.new != NOTHING else b""
    done = ask(Job.CELLS, cells.packed(before, after), _NOTEBOOK)
    return cells.unpacked(done.output) if done.code == 0 else Cells(note=_TOO_LONG)
