"""What the session is told of its wish that everything be in Drive."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from drivesync import flush, pauses
from drivesync.flush import Progress, Stage
from drivesync.report import Amount, Pause, Report, State, Unsynced

CLEAN = Progress(cycles=1, seconds=1, paused=None, report=Report(State.IDLE))
ON_ITS_WAY = replace(CLEAN, report=Report(State.SYNCING, up=Amount(3, 30)))
STUCK = replace(
    CLEAN, report=Report(State.IDLE, unsynced=(Unsynced("a", "too large"),), unsynced_count=1)
)


def stage(progress: Progress) -> Stage:
    return flush.decide("id", progress).stage


@pytest.mark.parametrize("told", [{"id": "a-1.B_2"}, {"id": "x" * 100, "at": 1}])
def test_a_wish_has_an_id(drive: Path, told: object) -> None:
    (drive / ".carrel" / "flush").write_text(json.dumps(told))
    assert flush.requested(drive) == told["id"]  # type: ignore[index]


@pytest.mark.parametrize("told", [{}, {"id": ""}, {"id": 1}, {"id": "x" * 101}, {"id": "a b"}, []])
def test_anything_else_is_no_wish(drive: Path, told: object) -> None:
    (drive / ".carrel" / "flush").write_text(json.dumps(told))
    assert flush.requested(drive) is None


def test_clean_is_said_only_after_a_look_that_began_after_the_wish() -> None:
    assert stage(replace(CLEAN, cycles=0)) is Stage.WORKING
    assert stage(CLEAN) is Stage.CLEAN


def test_what_is_on_its_way_is_waited_for_and_not_for_ever() -> None:
    assert stage(replace(ON_ITS_WAY, cycles=50, seconds=59)) is Stage.WORKING
    answer = flush.decide("id", replace(ON_ITS_WAY, cycles=50, seconds=60))
    assert answer.stage is Stage.NOT_CLEAN
    assert answer.unsynced == (Unsynced("", "3 files are still on their way."),)


def test_what_cannot_be_synced_is_named_after_some_looks() -> None:
    assert stage(replace(STUCK, cycles=2)) is Stage.WORKING
    answer = flush.decide("id", replace(STUCK, cycles=3))
    assert answer.as_dict() == {
        "id": "id",
        "state": "not clean",
        "unsynced": [{"path": "a", "why": "too large"}],
    }


@pytest.mark.parametrize("pause", Pause)
def test_a_pause_is_never_clean(pause: Pause) -> None:
    assert stage(replace(CLEAN, paused=pauses.of(pause))) is not Stage.CLEAN


def test_what_needs_somebody_is_told_at_once() -> None:
    answer = flush.decide("id", replace(CLEAN, paused=pauses.of(Pause.RECONNECT)))
    assert answer.stage is Stage.NOT_CLEAN
    assert "Reconnect" in answer.unsynced[0].why


def test_what_passes_is_waited_for() -> None:
    away = replace(CLEAN, paused=pauses.of(Pause.OFFLINE))
    assert stage(away) is Stage.WORKING
    assert stage(replace(away, seconds=60)) is Stage.NOT_CLEAN
