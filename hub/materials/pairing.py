"""Finds which cells of two notebooks are one and the same (pure).

By their ids, which they have since nbformat 4.5; else by what is in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum

_ALIKE = 0.5
_MOST_PAIRED = 30
_MOST_ALIKE = 10_000


class CellKind(Enum):
    """What a cell is."""

    CODE = "code"
    MARKDOWN = "markdown"
    RAW = "raw"


@dataclass(frozen=True)
class Cell:
    """A cell, reduced to what can differ for a student."""

    kind: CellKind
    id: str | None
    source: str
    outputs: tuple[str, ...]
    settings: str

    @property
    def content(self) -> tuple[CellKind, str]:
        return self.kind, self.source


def pairs(old: Sequence[Cell], new: Sequence[Cell]) -> Iterator[tuple[int | None, int | None]]:
    """Cells that are one and the same, in order; None where one side has none."""
    shared = _ids(old) & _ids(new)
    left, right = ([c.id if c.id in shared else c.content for c in side] for side in (old, new))
    for tag, i, i_end, j, j_end in SequenceMatcher(None, left, right, False).get_opcodes():
        if tag == "equal":
            yield from zip(range(i, i_end), range(j, j_end), strict=True)
        else:
            yield from _alike(old, new, range(i, i_end), range(j, j_end))


def _ids(cells: Sequence[Cell]) -> set[str]:
    counted = Counter(cell.id for cell in cells if cell.id is not None)
    return {id_ for id_, count in counted.items() if count == 1}


def _alike(
    old: Sequence[Cell], new: Sequence[Cell], left: range, right: range
) -> Iterator[tuple[int | None, int | None]]:
    """Pairs of what stands in the same gap: in order, and only if half of it is the same."""
    start = right.start
    few = len(left) <= _MOST_PAIRED and len(right) <= _MOST_PAIRED
    for i in left:
        found = None
        if few:
            found = next((j for j in range(start, right.stop) if _is_alike(old[i], new[j])), None)
        if found is None:
            yield i, None
            continue
        yield from ((None, j) for j in range(start, found))
        yield i, found
        start = found + 1
    yield from ((None, j) for j in range(start, right.stop))


def _is_alike(one: Cell, other: Cell) -> bool:
    if one.kind is not other.kind:
        return False
    if one.source == other.source:
        return True
    if max(len(one.source), len(other.source)) > _MOST_ALIKE:
        return False
    matcher = SequenceMatcher(None, one.source.split("\n"), other.source.split("\n"), False)
    if matcher.ratio() >= _ALIKE:
        return True
    # Few long lines: by words.
    matcher = SequenceMatcher(None, one.source.split(), other.source.split(), False)
    return matcher.real_quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE


def moved_from(
    old: Sequence[Cell], new: Sequence[Cell], paired: Sequence[tuple[int | None, int | None]]
) -> dict[int, int]:
    """Cells that are gone from one place and there in another, unchanged: new by old."""
    gone: dict[tuple[CellKind, str], list[int]] = {}
    for i, j in paired:
        if i is not None and j is None and old[i].source.strip():
            gone.setdefault(old[i].content, []).append(i)
    found = {}
    for i, j in paired:
        if i is None and j is not None and (there := gone.get(new[j].content)):
            found[j] = there.pop(0)
    return found
