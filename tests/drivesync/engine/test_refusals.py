"""What Drive does not give is named, and asked for seldom; everything else goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from drivesync.model import Kind
from drivesync.options import Export
from drivesync.report import State

from tests.drivesync.engine.test_edits import equal
from tests.drivesync.sim.rig import ALL, Rig


def skipped(rig: Rig) -> dict[str, str]:
    return {one.path: one.why for one in rig.engine.report().skipped}


def unsynced(rig: Rig) -> set[str]:
    return {one.path for one in rig.engine.report().unsynced}


def asked(rig: Rig) -> int:
    return rig.world.calls.count("before download")


def refused(rig: Rig, name: str, data: bytes = b"much wanted") -> str:
    id_ = rig.remote.put(name, data)
    rig.remote.refused.add(id_)
    return id_


def test_a_refused_download_is_named_and_not_on_its_way() -> None:
    rig = Rig()
    refused(rig, "popular")
    rig.remote.put("other", b"1")
    outcome = rig.cycle()
    told = rig.engine.report()
    assert rig.here() == {"other": b"1"}
    assert outcome is not None and outcome.clean and not outcome.again
    assert told.state is State.IDLE and told.down.files == 0 and told.skipped_count == 1
    assert "The download quota for this file has been exceeded." in skipped(rig)["popular"]


def test_a_refused_download_is_asked_for_again_after_ten_minutes() -> None:
    rig = Rig()
    id_ = refused(rig, "popular")
    for _ in range(100):  # 5 s each
        rig.cycle()
    assert asked(rig) == 1
    rig.world.jump(timedelta(minutes=2))
    for _ in range(10):
        rig.cycle()
    assert asked(rig) == 2
    rig.remote.refused.discard(id_)
    rig.world.jump(timedelta(minutes=10))
    rig.settle()
    assert rig.here() == {"popular": b"much wanted"} and skipped(rig) == {}


def test_a_refused_download_is_asked_for_at_once_when_the_file_changes() -> None:
    rig = Rig()
    id_ = refused(rig, "popular")
    rig.cycle()
    rig.remote.refused.clear()
    rig.remote.edit(id_, b"new")
    rig.settle()
    assert rig.here() == {"popular": b"new"} and skipped(rig) == {}


def test_an_edit_here_that_waits_for_a_refused_version_is_told_as_not_synced() -> None:
    rig = equal("a", "open", "unchanged")
    for name in ("a", "open", "unchanged"):
        rig.remote.edit(rig.id_of(name), f"{name} of theirs".encode())
        rig.remote.refused.add(rig.id_of(name))
    rig.local.write(("a",), b"mine")
    rig.local.write(("open",), b"mine, too")
    rig.open = frozenset({("open",)})
    outcome = rig.cycle()
    assert outcome is not None and not outcome.clean
    assert unsynced(rig) == {"a", "open"} and skipped(rig).keys() == {"unchanged"}
    assert rig.here() == {"a": b"mine", "open": b"mine, too", "unchanged": b"unchanged"}
    rig.remote.refused.clear()
    rig.open = frozenset()
    rig.world.jump(timedelta(minutes=10))
    rig.settle()
    assert b"mine" in rig.here().values() and b"mine, too" in rig.here().values()


def forbid(rig: Rig, id_: str) -> None:
    rig.remote.nodes[id_].downloadable = False
    rig.remote._touch(id_)


def test_what_may_not_be_downloaded_is_named_and_never_asked_for() -> None:
    rig = equal("newer", "removed")
    asked_before = asked(rig)
    forbid(rig, rig.remote.put("new", b"1"))
    rig.remote.edit(rig.id_of("newer"), b"2")
    rig.local.remove(("removed",))
    rig.remote.edit(rig.id_of("removed"), b"3")
    for name in ("newer", "removed"):
        forbid(rig, rig.id_of(name))
    rig.cycle()
    rig.require_quiet()
    assert rig.here() == {"newer": b"newer"} and asked(rig) == asked_before
    assert skipped(rig).keys() == {"new", "newer", "removed"}
    assert set(skipped(rig).values()) == {"Drive does not let it be downloaded."}
    assert rig.engine.report().down.files == 0


def test_a_document_that_may_not_be_downloaded_comes_as_a_link() -> None:
    for export in Export:
        rig = Rig(options=replace(ALL, export=export))
        id_ = rig.remote.put("Essay", None, mime="application/vnd.google-apps.document")
        rig.remote.nodes[id_].kind = Kind.DOCUMENT
        forbid(rig, id_)
        rig.cycle()
        rig.require_quiet()
        assert list(rig.here()) == ["Essay.gdoc"] and skipped(rig) == {}


def test_an_edit_in_drive_that_may_not_be_downloaded_is_not_overwritten() -> None:
    rig = equal("a")
    id_ = rig.id_of("a")
    real = rig.remote.file
    rig.remote.file = lambda n: replace(real(n), downloadable=n.id != id_)
    rig.remote.edit(id_, b"theirs")
    rig.local.write(("a",), b"mine")
    for _ in range(3):
        rig.cycle()
    assert rig.remote.nodes[id_].data == b"theirs"


@pytest.fixture
def without_md5() -> Rig:
    """Drive tells no md5 of ``a`` for a while: then it looks like a document of Google's."""
    rig = equal("a")
    id_, real = rig.id_of("a"), rig.remote.file
    rig.remote.file = lambda n: (
        replace(real(n), kind=Kind.DOCUMENT, md5="") if n.id == id_ else real(n)
    )
    rig.remote._touch(id_)
    rig.local.write(("a",), b"edited here")
    rig.cycle()
    rig.remote.file = real
    rig.remote._touch(id_)
    for _ in range(3):
        rig.cycle()
    return rig


def test_an_edit_of_a_file_of_which_drive_tells_no_md5_for_a_while_is_sent(without_md5) -> None:
    assert b"edited here" in without_md5.there().values()


def test_a_file_of_which_drive_tells_no_md5_for_a_while_keeps_its_name(without_md5) -> None:
    assert list(without_md5.here()) == ["a"]
