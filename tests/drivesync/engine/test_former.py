"""Another Google account is connected: no file of the former one's is sent to it unasked."""

from __future__ import annotations

import pytest

from tests.drivesync.sim.remote import SimRemote
from tests.drivesync.sim.rig import Rig
from tests.drivesync.sim.world import Crash


@pytest.fixture
def rig() -> Rig:
    """Ann's Drive, in step; one file is edited here since, another was made."""
    one = Rig()
    for path in ("same", "edited", "f/same", "g/edited"):
        names = tuple(path.split("/"))
        if names[:-1]:
            one.local.folder(names[:-1])
        one.local.write(names, path.encode())
    one.settle()
    one.local.write(("edited",), b"ann's edit")
    one.local.write(("g", "edited"), b"another edit")
    one.local.write(("new",), b"new")
    return one


def ben(rig: Rig) -> SimRemote:
    return SimRemote(rig.world, "root of ben", "ben@example.org")


def until_quiet(rig: Rig) -> None:
    for _ in range(6):
        outcome = rig.cycle()
    assert outcome is not None and not outcome.done and outcome.pause is None


def trashed(rig: Rig) -> set[bytes]:
    return {data for _, _, data in rig.local.trashed}


def unsynced(rig: Rig) -> dict[str, str]:
    return {one.path: one.why for one in rig.engine.report().unsynced}


def test_what_the_former_account_has_goes_to_the_trash_and_its_edits_stay_here(rig: Rig) -> None:
    rig.connect(ben(rig))
    until_quiet(rig)
    assert rig.there() == {"new": b"new"}
    assert trashed(rig) == {b"same", b"f/same"}
    assert rig.here() == {
        "edited": b"ann's edit", "g": None, "g/edited": b"another edit", "new": b"new",
    }  # fmt: skip
    assert unsynced(rig).keys() == {"edited", "g/edited"}
    assert "ann@example.org" in unsynced(rig)["edited"]


def test_the_new_accounts_files_come_and_replace_no_edit_of_the_former_ones(rig: Rig) -> None:
    other = ben(rig)
    other.put("same", b"ben's same")
    other.put("edited", b"ben's edited")
    folder = other.put("f", None)
    other.put("ben's", b"ben's", folder)
    rig.connect(other)
    until_quiet(rig)
    assert rig.here() == {
        "edited": b"ann's edit", "f": None, "f/ben's": b"ben's", "g": None,
        "g/edited": b"another edit", "new": b"new", "same": b"ben's same",
    }  # fmt: skip
    assert not {b"ann's edit", b"same", b"f/same", b"another edit"} & other.holds()


def test_a_renamed_edit_is_still_the_former_accounts_and_a_copy_is_the_users_own(rig: Rig) -> None:
    rig.connect(ben(rig))
    until_quiet(rig)
    rig.local.rename(("edited",), ("renamed",))
    rig.local.write(("copy",), b"ann's edit")
    until_quiet(rig)
    assert rig.there() == {"new": b"new", "copy": b"ann's edit"}
    assert unsynced(rig).keys() == {"renamed", "g/edited"}


def test_what_was_renamed_while_nothing_ran_is_the_former_accounts(rig: Rig) -> None:
    rig.local.rename(("same",), ("elsewhere",))
    rig.connect(ben(rig))
    until_quiet(rig)
    assert b"same" in trashed(rig) and rig.there() == {"new": b"new"}


def test_a_new_file_in_a_folder_of_the_former_ones_goes_up_alone(rig: Rig) -> None:
    rig.local.write(("g", "mine"), b"mine")
    rig.connect(ben(rig))
    until_quiet(rig)
    assert rig.there() == {"new": b"new", "g": None, "g/mine": b"mine"}


def test_with_the_former_account_connected_again_its_edits_go_where_they_belong(rig: Rig) -> None:
    ann = rig.remote
    rig.connect(ben(rig))
    until_quiet(rig)
    rig.connect(ann)
    until_quiet(rig)
    assert rig.here()["same"] == b"same" and unsynced(rig) == {}
    assert {b"ann's edit", b"another edit", b"edited", b"g/edited"} <= set(rig.there().values())
    assert rig.here() == rig.there()


def test_a_document_of_the_former_ones_that_is_open_is_left_until_it_is_closed(rig: Rig) -> None:
    rig.open = frozenset({("same",)})
    rig.connect(ben(rig))
    until_quiet(rig)
    assert rig.here()["same"] == b"same" and rig.there() == {"new": b"new"}
    rig.open = frozenset()
    until_quiet(rig)
    assert "same" not in rig.here()


@pytest.mark.parametrize(
    "boundary", ["after account", "after scan", "after cursor", "before trash_here"]
)
def test_a_crash_while_the_account_changes_sends_nothing_either(rig: Rig, boundary: str) -> None:
    def crash() -> None:
        raise Crash

    rig.world.at[boundary] = [crash]
    rig.connect(ben(rig))
    assert rig.cycle() is None
    until_quiet(rig)
    assert rig.there() == {"new": b"new"}
