"""Every fault of the whole sync becomes a pause with a sentence."""

from __future__ import annotations

import pytest
from drivesync import faults, hub, pauses
from drivesync.engine import Outcome
from drivesync.faults import Fault
from drivesync.guards import Lately, mass_deletion
from drivesync.model import Kind, RemoteFile
from drivesync.ops import TrashThere
from drivesync.report import Pause


@pytest.mark.parametrize(
    ("fault", "pause"),
    [
        (faults.Lost("x"), Pause.OFFLINE),
        (hub.HubAway("x"), Pause.OFFLINE),
        (faults.Busy("x"), Pause.BUSY),
        (faults.DeadGrant("x"), Pause.RECONNECT),
        (faults.Unmounted("x"), Pause.UNMOUNTED),
        (faults.RemoteFull("x"), Pause.REMOTE_FULL),
        (faults.LocalFull("x"), Pause.LOCAL_FULL),
        (hub.NoFolders(""), Pause.NO_FOLDERS),
    ],
)
def test_a_fault_of_the_whole_is_a_pause(fault: Fault, pause: Pause) -> None:
    paused = pauses.of_fault(fault)
    assert paused is not None
    assert paused.pause is pause
    assert paused.detail


@pytest.mark.parametrize("fault", [faults.Changed, faults.LocalChanged, faults.Gone])
def test_a_fault_of_one_file_is_none(fault: type[Fault]) -> None:
    assert pauses.of_fault(fault("x")) is None


@pytest.mark.parametrize("pause", Pause)
def test_every_pause_has_a_sentence(pause: Pause) -> None:
    assert pauses.of(pause).detail.endswith(".")


def test_a_mass_deletion_says_that_everything_waits() -> None:
    assert "nothing goes up or down" in pauses.of(Pause.MASS_DELETE).detail
    thirty = [TrashThere(RemoteFile(f"{n}", "", "", Kind.FILE, ""), (), None, 1) for n in range(30)]
    assert mass_deletion(thirty, 40, Lately()) == (
        "30 of 40 files are gone from this disk. Put them back, or confirm that they go to Drive's"
        " trash: until then nothing goes up or down."
    )


def test_what_the_hub_says_to_do_is_said() -> None:
    paused = pauses.of_fault(faults.DeadGrant("Press Reconnect on your start page."))
    assert paused == pauses.Paused(Pause.RECONNECT, "Press Reconnect on your start page.")


def test_the_engines_pause_counts_with_its_sentence() -> None:
    assert pauses.of_outcome(Outcome(clean=True), None) is None
    outcome = Outcome(clean=False, pause=Pause.MASS_DELETE, detail="30 files.")
    assert pauses.of_outcome(outcome, None) == pauses.Paused(Pause.MASS_DELETE, "30 files.")


def test_why_the_hub_gave_no_access_is_what_counts() -> None:
    dead = Outcome(clean=False, pause=Pause.RECONNECT)
    away = Outcome(clean=False, pause=Pause.OFFLINE)
    none_chosen = pauses.of_outcome(dead, hub.NoFolders("Choose some."))
    assert none_chosen == pauses.Paused(Pause.NO_FOLDERS, "Choose some.")
    no_hub = pauses.of_outcome(away, hub.HubAway("x"))
    assert no_hub and "hub" in no_hub.detail
    assert pauses.of_outcome(away, None) == pauses.of(Pause.OFFLINE)
