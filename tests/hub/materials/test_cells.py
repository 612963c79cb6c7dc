"""Two notebooks are compared as a person reads them: cells, and lines in them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.materials import cells
from hub.materials.cells import CellChange, CellFate, Line, Mark
from hub.materials.pairing import CellKind
from tests.hub.materials.trees import cell, notebook

ADDED, REMOVED, CHANGED, MOVED = CellFate


def compared(old: list[dict], new: list[dict]) -> tuple[CellChange, ...]:
    return cells.compare(notebook(*old), notebook(*new)).changes


def fates(old: list[dict], new: list[dict]) -> list[tuple]:
    return [(c.fate, c.before, c.after) for c in compared(old, new)]


def test_lines_that_differ_are_marked_among_those_that_stay() -> None:
    old = cell("import os\nx = 1\nprint(x)", id_="a")
    new = cell("import os\nx = 2\nprint(x)", id_="a")
    assert compared([old], [new]) == (
        CellChange(
            CellKind.CODE, CHANGED, 1, 1,
            (Line(Mark.SAME, "import os"), Line(Mark.REMOVED, "x = 1"), Line(Mark.ADDED, "x = 2"),
             Line(Mark.SAME, "print(x)")),
        ),
    )  # fmt: skip


def test_lines_far_from_a_change_are_a_gap() -> None:
    lines = [f"line {n}" for n in range(40)]
    changed = [*lines[:20], "new", *lines[21:]]
    (change,) = compared([cell("\n".join(lines), id_="a")], [cell("\n".join(changed), id_="a")])
    marks = [line.mark for line in change.lines]
    assert marks == [Mark.GAP, *[Mark.SAME] * 3, Mark.REMOVED, Mark.ADDED, *[Mark.SAME] * 3,
                     Mark.GAP]  # fmt: skip


def test_a_cell_that_comes_in_between_changes_no_other() -> None:
    old = [cell("a"), cell("b")]
    assert fates(old, [cell("a"), cell("new", "markdown"), cell("b")]) == [(ADDED, None, 2)]
    assert fates([cell("a"), cell("c"), cell("b")], old) == [(REMOVED, 2, None)]


def test_cells_without_ids_are_known_by_what_is_in_them() -> None:
    old = [cell("x = 1\ny = 2\nz = 3"), cell("same")]
    new = [cell("quite another thing"), cell("x = 1\ny = 5\nz = 3"), cell("same")]
    assert fates(old, new) == [(ADDED, None, 1), (CHANGED, 1, 2)]


def test_ids_that_were_made_anew_hide_nothing() -> None:
    old = [cell("a = 1", id_="one"), cell("b = 2", id_="two")]
    new = [cell("a = 1", id_="three"), cell("b = 3", id_="four")]
    assert fates(old, new) == [(CHANGED, 2, 2)]


def test_an_id_that_comes_twice_is_none() -> None:
    old = [cell("a", id_="x"), cell("b", id_="x")]
    assert fates(old, [cell("a", id_="x"), cell("c", id_="x")]) == [
        (REMOVED, 2, None), (ADDED, None, 2),
    ]  # fmt: skip


def test_a_cell_that_moved_is_not_gone() -> None:
    old = [cell("first cell"), cell("b"), cell("c")]
    assert fates(old, [cell("b"), cell("c"), cell("first cell")]) == [(MOVED, 1, 3)]


def test_a_cell_of_another_kind_is_another_cell() -> None:
    assert fates([cell("a b c")], [cell("a b c", "markdown")]) == [
        (REMOVED, 1, None), (ADDED, None, 1),
    ]  # fmt: skip


def test_outputs_are_counted_and_runs_are_not() -> None:
    def ran(count: int, *texts: str) -> dict:
        outputs = [{"output_type": "stream", "name": "stdout", "text": text} for text in texts]
        return cell("print(1)", id_="a", outputs=outputs, execution_count=count)

    assert compared([ran(1, "1")], [ran(9, "1")]) == ()
    (change,) = compared([ran(1, "1", "2")], [ran(2, "1", "3", "4")])
    assert (change.outputs, change.lines) == (2, ())


def test_settings_of_a_cell_count_but_not_how_it_was_looked_at() -> None:
    plain = cell("a", id_="a")
    assert compared([plain], [{**plain, "metadata": {"collapsed": True, "scrolled": True}}]) == ()
    (change,) = compared([plain], [{**plain, "metadata": {"tags": ["hide"]}}])
    assert change.settings


def test_sources_as_lists_and_as_texts_are_equal() -> None:
    assert compared([cell(["a\n", "b"])], [cell("a\nb")]) == ()  # type: ignore[arg-type]


def test_only_metadata_differ_is_said() -> None:
    found = cells.compare(notebook(cell("a")), notebook(cell("a"), metadata={"kernelspec": {}}))
    assert found.changes == ()
    assert "metadata" in found.note


def test_a_new_notebook_is_all_added() -> None:
    found = cells.compare(None, notebook(cell("a"), cell("b")))
    assert [change.fate for change in found.changes] == [ADDED, ADDED]


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"no json", b"[]", b"7", b'{"nbformat": 4}', b'{"nbformat": 4, "cells": 7}',
        b"\xff\xfe", b'{"nbformat": 4, "cells": [7]}',
        b'{"nbformat": 4, "cells": [{"cell_type": "odd"}]}',
        b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": 7}]}', b"[" * 100_000,
        b'{"nbformat": ' + b"9" * 5000 + b"}", b'{"nbformat": 3, "worksheets": []}',
        b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "", "metadata": []}]}',
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_said_and_not_compared(raw: bytes) -> None:
    for found in (cells.compare(raw, notebook()), cells.compare(notebook(), raw)):
        assert found.changes == ()
        assert "not compared" in found.note


def test_too_many_cells_are_not_compared() -> None:
    many = notebook(*[cell("")] * 2001)
    assert "2,000 cells" in cells.compare(notebook(), many).note


def test_what_is_shown_is_bounded() -> None:
    found = cells.compare(None, notebook(*[cell(f"{n}") for n in range(1000)]))
    assert (len(found.changes), found.more) == (cells.MOST_SHOWN, 1000 - cells.MOST_SHOWN)
    (change,) = compared([cell("a\nb", id_="a")], [cell("x" * 9999 + "\n" * 9999, id_="a")])
    assert change.cut
    assert len(change.lines) == cells.MOST_LINES
    assert max(len(line.text) for line in change.lines) == cells.MOST_LINE + 1


def test_what_would_hide_or_break_a_page_is_spelled_out() -> None:
    raw = notebook().replace(b'"cells": []', b'"cells": [%s]' % json.dumps(
        cell("a \ud800 \u202e b")).encode())  # fmt: skip
    (change,) = cells.compare(None, raw).changes
    assert change.lines == (Line(Mark.ADDED, "a ? \\u202e b"),)


SOURCES = st.lists(st.tuples(st.sampled_from(["code", "markdown"]), st.text("ab \n", max_size=8)),
                   max_size=8)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(SOURCES, SOURCES)
def test_every_cell_of_both_is_accounted_for_once(old: list, new: list) -> None:
    """What stays, and what is told, together are both notebooks."""
    before, after = ([cell(source, kind) for kind, source in side] for side in (old, new))
    changes = compared(before, after)
    gone = [c.before for c in changes if c.before]
    come = [c.after for c in changes if c.after]
    assert len(gone) == len(set(gone))
    assert len(come) == len(set(come))
    kept_old = [old[n] for n in range(len(old)) if n + 1 not in gone]
    kept_new = [new[n] for n in range(len(new)) if n + 1 not in come]
    assert kept_old == kept_new
    same = cells.unpacked(cells.work(cells.packed(notebook(*before), notebook(*after))))
    assert same.changes == changes
