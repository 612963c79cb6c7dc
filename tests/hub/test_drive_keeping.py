"""Which sidecars are started, ended and closed, case by case."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.drive_keeping import (
    FIRST_WAIT,
    MOST_WAIT,
    WELL_AFTER,
    Open,
    Scene,
    Setback,
    Sidecar,
    Todo,
    after_failure,
    decide,
)
from hub.drive_links import Wanted
from hub.reconciling import Stand
from tests.hub.conftest import NOW

ADA, NEW = Wanted("ada", "a" * 12), Wanted("ada", "b" * 12)
RUNS = Sidecar("ada", "a" * 12, Stand.LIVE)
OPEN = Open("ada", "a" * 12)
SECOND = timedelta(seconds=1)


def ended(code: int) -> Sidecar:
    return Sidecar("ada", "a" * 12, Stand.ENDED, code)


@pytest.mark.parametrize(
    ("scene", "todo"),
    [
        (Scene((), (), ()), Todo()),
        # Nothing there: it is started, also after a bearer that was never used.
        (Scene((ADA,), (), ()), Todo(starts=(ADA,))),
        (Scene((ADA,), (), (OPEN,)), Todo(starts=(ADA,))),
        # It runs: left alone, whoever started it.
        (Scene((ADA,), (RUNS,), (OPEN,)), Todo()),
        # Nobody wants it any more: its session has ended, or its user disconnected.
        (Scene((), (RUNS,), (OPEN,)), Todo(ends=(RUNS,))),
        (Scene((), (RUNS,), ()), Todo(ends=(RUNS,))),
        # Disconnected and connected again meanwhile: its bearer opens nothing.
        (Scene((ADA,), (RUNS,), ()), Todo(ends=(RUNS,))),
        # It ended by itself, or never began: removed first, then the next.
        (Scene((ADA,), (ended(1),), (OPEN,)), Todo(ends=(ended(1),))),
        (Scene((), (ended(0),), (OPEN,)), Todo(ends=(ended(0),))),
        # One a user: the new session's waits until the one before has flushed.
        (Scene((NEW,), (RUNS,), (OPEN,)), Todo(ends=(RUNS,))),
        (Scene((ADA, NEW), (), ()), Todo(starts=(NEW,))),
        # Taken away by hand, with its session.
        (Scene((), (), (OPEN,)), Todo(closed=(OPEN,))),
        # Under way, or on its way out.
        (Scene((ADA,), (), (OPEN,), frozenset({"ada"})), Todo()),
        (Scene((), (RUNS,), (OPEN,), frozenset({"ada"})), Todo()),
        (Scene((), (), (OPEN,), frozenset({"ada"})), Todo()),
        (Scene((ADA,), (Sidecar("ada", "c" * 12, Stand.LEAVING),), ()), Todo()),
    ],
)
def test_what_is_to_be_done(scene: Scene, todo: Todo) -> None:
    assert decide(scene, {}, NOW) == todo


def test_what_one_user_has_never_keeps_another_waiting() -> None:
    bob = Wanted("bob", "d" * 12)
    scene = Scene((NEW, bob), (RUNS,), (OPEN,), frozenset({"ada"}))
    assert decide(scene, {}, NOW) == Todo(starts=(bob,))


def test_what_went_wrong_waits_for_its_time_and_nobody_elses() -> None:
    bob = Wanted("bob", "d" * 12)
    setbacks = {ADA.session: Setback(3, NOW + 8 * SECOND)}
    scene = Scene((ADA, bob), (), ())
    assert decide(scene, setbacks, NOW).starts == (bob,)
    assert decide(scene, setbacks, NOW + 8 * SECOND).starts == (ADA, bob)


def test_a_clock_that_was_set_back_keeps_nobody_waiting() -> None:
    setbacks = {ADA.session: Setback(1, NOW + timedelta(days=1))}
    assert decide(Scene((ADA,), (), ()), setbacks, NOW).starts == (ADA,)


def test_tries_come_ever_later_up_to_a_minute_and_anew_after_one_that_went_well() -> None:
    setback, waits = None, []
    for _ in range(8):
        setback = after_failure(setback, SECOND, NOW)
        waits.append((setback.until - NOW).total_seconds())
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    assert after_failure(Setback(2000, NOW), None, NOW).until - NOW == MOST_WAIT
    assert after_failure(setback, WELL_AFTER, NOW) == Setback(1, NOW + FIRST_WAIT)
