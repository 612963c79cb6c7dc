"""The list of conflict copies: those that are still there, whoever removed the others."""

from __future__ import annotations

import pytest

from tests.drivesync.engine.test_edits import equal
from tests.drivesync.sim.rig import Rig

COPY = "a (conflict from this notebook, 2026-11-24 08.00)"


@pytest.fixture
def rig() -> Rig:
    """``f/a`` and ``g/a`` were edited on both sides."""
    one = equal("f/", "f/a", "g/", "g/a", "h/")
    for folder in "fg":
        one.local.write((folder, "a"), f"{folder} here".encode())
    for node in list(one.remote.nodes.values()):
        if node.title == "a":
            one.remote.edit(node.id, f"{node.id} there".encode())
    one.settle()
    assert told(one) == {f"f/{COPY}": "f/a", f"g/{COPY}": "g/a"}
    return one


def told(rig: Rig) -> dict[str, str]:
    report = rig.engine.report()
    assert report.conflict_count == len(report.conflicts)
    return {one.copy: one.path for one in report.conflicts}


def id_of(rig: Rig, folder: str) -> str:
    (found,) = (
        n.id for n in rig.remote.nodes.values() if n.title == COPY and n.parent == rig.id_of(folder)
    )
    return found


def test_a_copy_that_was_removed_here_is_not_counted_any_more(rig: Rig) -> None:
    rig.world.written.clear()
    rig.local.remove(("f", COPY))
    rig.cycle()
    assert told(rig).keys() == {f"g/{COPY}"}


def test_a_copy_that_was_removed_in_drive_is_not_counted_any_more(rig: Rig) -> None:
    rig.remote.throw(id_of(rig, "f"))
    rig.cycle()
    assert told(rig).keys() == {f"g/{COPY}"}


@pytest.mark.parametrize("here", [True, False])
def test_a_copy_that_was_renamed_is_a_file_like_any_other(rig: Rig, here: bool) -> None:
    if here:
        rig.local.rename(("f", COPY), ("f", "kept"))
    else:
        rig.remote.rename(id_of(rig, "f"), "kept")
    rig.cycle()
    rig.start()  # another sidecar knows it, too
    rig.cycle()
    assert told(rig).keys() == {f"g/{COPY}"}


@pytest.mark.parametrize("here", [True, False])
def test_a_copy_that_moved_with_its_folder_is_still_one(rig: Rig, here: bool) -> None:
    if here:
        rig.local.rename(("f",), ("h", "f"))
    else:
        rig.remote.rename(rig.id_of("f"), parent=rig.id_of("h"))
    rig.cycle()
    assert told(rig) == {f"h/f/{COPY}": "h/f/a", f"g/{COPY}": "g/a"}


def test_what_a_scan_could_not_see_still_counts(rig: Rig) -> None:
    rig.local.skipped.add(("f",))
    rig.cycle()
    assert told(rig).keys() == {f"f/{COPY}", f"g/{COPY}"}
