"""How long the loop waits, and what cuts it short."""

from __future__ import annotations

import pytest
from drivesync.bell import Ring
from drivesync.report import Pause
from drivesync.waits import LONGEST_S, Moment, heeded, next_wait

AT_REST = Moment(poll_s=5, requests_per_s=10)


def moment(**facts: object) -> Moment:
    return Moment(**{"poll_s": 5.0, "requests_per_s": 10.0, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("quiet_s", "wait"), [(0, 5), (30, 5), (50, 5), (120, 12), (600, 60), (90_000, 60)]
)
def test_the_longer_nothing_happens_the_rarer_it_looks(quiet_s: float, wait: float) -> None:
    assert next_wait(moment(quiet_s=quiet_s)) == wait


def test_while_a_document_is_open_it_looks_often() -> None:
    assert next_wait(moment(quiet_s=90_000, open_documents=True)) == 5


def test_a_site_that_polls_rarely_is_obeyed() -> None:
    assert next_wait(moment(poll_s=120, quiet_s=0)) == 120


def test_a_disk_that_does_not_tell_of_changes_is_looked_at_more_often() -> None:
    assert next_wait(moment(quiet_s=90_000, watched=False)) == 15


def test_looking_takes_at_most_half_of_the_share_of_requests() -> None:
    assert next_wait(moment(requests_per_s=0.1)) == 20


def test_passing_troubles_back_off_and_never_beyond_a_minute() -> None:
    waits = [next_wait(moment(pause=Pause.OFFLINE, failures=n)) for n in range(1, 9)]
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    assert next_wait(moment(pause=Pause.BUSY, failures=1)) == 5
    assert next_wait(moment(pause=Pause.BUSY, failures=10_000)) == LONGEST_S


def test_a_sites_sidecars_do_not_all_come_back_at_once() -> None:
    spread = {next_wait(moment(pause=Pause.BUSY, failures=5, spread=n / 10)) for n in range(10)}
    assert len(spread) == 10


@pytest.mark.parametrize("pause", Pause)
def test_every_pause_is_looked_at_again_within_75_seconds(pause: Pause) -> None:
    assert 0 < next_wait(moment(pause=pause, failures=99, spread=1)) <= 75


def test_faults_of_single_files_are_planned_anew_but_not_in_a_tight_loop() -> None:
    assert next_wait(moment(failures=1)) == pytest.approx(0.4)
    assert next_wait(moment(failures=50)) == LONGEST_S


def test_a_flush_goes_on_at_once() -> None:
    assert next_wait(moment(quiet_s=600, flushing=True)) == 0.5


def test_work_that_is_left_goes_on_soon() -> None:
    assert next_wait(moment(quiet_s=600, work_left=True)) == 1


@pytest.mark.parametrize("pause", [Pause.OFFLINE, Pause.BUSY, Pause.RECONNECT, Pause.REMOTE_FULL])
def test_changes_on_disk_do_not_shorten_a_backoff(pause: Pause) -> None:
    assert Ring.DISK not in heeded(pause)


@pytest.mark.parametrize("pause", [None, Pause.LOCAL_FULL, Pause.MASS_DELETE, Pause.UNMOUNTED])
def test_changes_on_disk_are_looked_at_where_they_may_help(pause: Pause | None) -> None:
    assert Ring.DISK in heeded(pause)


@pytest.mark.parametrize("pause", [None, *Pause])
def test_the_user_and_the_end_are_always_heard(pause: Pause | None) -> None:
    assert {Ring.STOP, Ring.SETTINGS, Ring.FLUSH} <= heeded(pause)
