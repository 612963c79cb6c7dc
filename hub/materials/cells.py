"""Compares two notebooks cell by cell (pure).

nbdime does this too, but installing it brings a whole Jupyter server, its terminals and GitPython
into the control plane, and its answer is a patch that a page would have to be made of all the
same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import Any

from hub.materials.pairing import Cell, CellKind, moved_from, pairs

MOST_CELLS, MOST_SHOWN = 2000, 200
MOST_LINES, MOST_LINE = 200, 500
"""Shown of one cell; in lines, and of one line in characters."""
MOST_COMPARED = 5000
"""Lines of one cell."""
CONTEXT = 3
_TURNING = {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_IDLE = frozenset({"collapsed", "scrolled", "execution", "ExecuteTime", "jupyter", "outputId"})
"""Of a cell's metadata: what changes by looking at it."""


class CellFate(Enum):
    """What becomes of a cell."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


class Mark(Enum):
    """What becomes of a line; a gap stands for lines that stay and are not shown."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    GAP = "gap"


@dataclass(frozen=True)
class Line:
    """One line of a cell, before or after."""

    mark: Mark
    text: str = ""


@dataclass(frozen=True)
class CellChange:
    """One cell that differs. Numbers count from 1; None where the cell is not there.

    ``cut``: there are more lines than are shown. ``outputs`` is how many outputs differ;
    ``settings`` whether its metadata do.
    """

    kind: CellKind
    fate: CellFate
    before: int | None
    after: int | None
    lines: tuple[Line, ...] = ()
    cut: bool = False
    outputs: int = 0
    settings: bool = False


@dataclass(frozen=True)
class Cells:
    """What differs between two notebooks; or in ``note``, why that is not shown."""

    changes: tuple[CellChange, ...] = ()
    more: int = 0
    note: str = ""


class _UnreadableError(Exception):
    """Says why in a sentence."""


def compare(before: bytes | None, after: bytes) -> Cells:
    """None before: the notebook is new."""
    try:
        old = _cells(before) if before is not None else []
        new = _cells(after)
    except _UnreadableError as error:
        return Cells(note=str(error))
    changes = list(_changes(old, new))
    note = "" if changes else "Only the notebook's metadata or the way it is stored changed."
    return Cells(tuple(changes[:MOST_SHOWN]), max(0, len(changes) - MOST_SHOWN), note)


def work(data: bytes) -> bytes:
    """Of a limited process: both notebooks, the first one's length before them; JSON back."""
    size, rest = int.from_bytes(data[:8], "big", signed=True), data[8:]
    cells = compare(None, rest) if size < 0 else compare(rest[:size], rest[size:])
    return json.dumps(asdict(cells), default=lambda enum: enum.value).encode()


def packed(before: bytes | None, after: bytes) -> bytes:
    """What ``work`` takes."""
    size = -1 if before is None else len(before)
    return size.to_bytes(8, "big", signed=True) + (before or b"") + after


def unpacked(answer: bytes) -> Cells:
    """What ``work`` gave."""
    said = json.loads(answer)
    return Cells(tuple(_change(one) for one in said["changes"]), said["more"], said["note"])


def _change(said: dict[str, Any]) -> CellChange:
    lines = tuple(Line(Mark(line["mark"]), line["text"]) for line in said["lines"])
    enums = {"kind": CellKind(said["kind"]), "fate": CellFate(said["fate"])}
    return CellChange(**{**said, **enums, "lines": lines})


def _cells(raw: bytes) -> list[Cell]:
    try:
        notebook = json.loads(raw)
        if notebook["nbformat"] != 4:
            raise _UnreadableError("The notebook is of an old format: its cells are not compared.")
        cells = [_cell(cell) for cell in notebook["cells"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _UnreadableError(
            "The notebook cannot be read: its cells are not compared."
        ) from error
    if len(cells) > MOST_CELLS:
        raise _UnreadableError(f"The notebook has more than {MOST_CELLS:,} cells: not compared.")
    return cells


def _cell(raw: dict[str, Any]) -> Cell:
    source = raw["source"]
    settings = {k: v for k, v in raw.get("metadata", {}).items() if k not in _IDLE}
    id_ = raw.get("id")
    return Cell(
        CellKind(raw["cell_type"]),
        id_ if isinstance(id_, str) else None,
        source if isinstance(source, str) else "".join(source),
        tuple(_output(output) for output in raw.get("outputs", ())),
        json.dumps(settings, sort_keys=True),
    )


def _output(raw: dict[str, Any]) -> str:
    """Equal for outputs that look the same."""
    return json.dumps({k: v for k, v in raw.items() if k != "execution_count"}, sort_keys=True)


def _changes(old: Sequence[Cell], new: Sequence[Cell]) -> Iterator[CellChange]:
    found = list(pairs(old, new))
    moved = moved_from(old, new, found)
    for i, j in found:
        if i is not None and j is not None:
            change = _difference(old[i], new[j], i + 1, j + 1)
            if change:
                yield change
        elif j is not None:
            from_ = moved.get(j)
            if from_ is None:
                yield _whole(new[j], CellFate.ADDED, j + 1)
            else:
                yield CellChange(new[j].kind, CellFate.MOVED, from_ + 1, j + 1)
        elif i is not None and i not in moved.values():
            yield _whole(old[i], CellFate.REMOVED, i + 1)


def _difference(old: Cell, new: Cell, before: int, after: int) -> CellChange | None:
    longest = max(len(old.outputs), len(new.outputs))
    outputs = sum(old.outputs[n : n + 1] != new.outputs[n : n + 1] for n in range(longest))
    settings = old.settings != new.settings
    if old.content == new.content:
        if not outputs and not settings:
            return None
        lines, cut = list[Line](), False
    else:
        lines, cut = _lines(_split(old.source), _split(new.source))
    return CellChange(
        new.kind, CellFate.CHANGED, before, after, tuple(lines), cut, outputs, settings
    )


def _lines(old: list[str], new: list[str]) -> tuple[list[Line], bool]:
    cut = max(len(old), len(new)) > MOST_COMPARED
    old, new = old[:MOST_COMPARED], new[:MOST_COMPARED]
    lines: list[Line] = []
    end = 0
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT):
        if group[0][1] > end:
            lines.append(Line(Mark.GAP))
        for tag, i, i_end, j, j_end in group:
            if tag == "equal":
                lines += _marked(Mark.SAME, old[i:i_end])
            else:
                lines += _marked(Mark.REMOVED, old[i:i_end]) + _marked(Mark.ADDED, new[j:j_end])
        end = group[-1][2]
    if end < len(old):
        lines.append(Line(Mark.GAP))
    return lines[:MOST_LINES], cut or len(lines) > MOST_LINES


def _whole(cell: Cell, fate: CellFate, number: int) -> CellChange:
    lines = _split(cell.source)
    added = fate is CellFate.ADDED
    marked = _marked(Mark.ADDED if added else Mark.REMOVED, lines[:MOST_LINES])
    before, after = (None, number) if added else (number, None)
    cut = len(lines) > MOST_LINES
    return CellChange(cell.kind, fate, before, after, tuple(marked), cut, len(cell.outputs))


def _split(source: str) -> list[str]:
    return source.split("\n")


def _marked(mark: Mark, lines: Sequence[str]) -> list[Line]:
    return [Line(mark, _plain(line)) for line in lines]


def _plain(line: str) -> str:
    """Half characters cannot be shown; signs that turn the direction would hide what is there."""
    text = line if len(line) <= MOST_LINE else line[:MOST_LINE] + "…"
    return text.encode(errors="replace").decode().translate(_TURNING)
