"""What was kept long enough goes: soon after the start, then every hour, delaying nothing."""

from __future__ import annotations

import threading

from drivesync.faults import Unmounted
from drivesync.tidying import EVERY_S, Tidying

from tests.drivesync.process.conftest import until


def test_it_tidies_at_once_and_then_every_hour() -> None:
    done, now = [], [0.0]
    tidying = Tidying(lambda: done.append(now[0]), lambda: now[0])
    for at in (0.0, 5.0, EVERY_S - 1, EVERY_S):
        now[0] = at
        tidying.begin_if_due()
        until(lambda: bool(done))
    until(lambda: done == [0.0, EVERY_S])


def test_a_big_trash_delays_nothing_and_is_not_tidied_twice_at_once() -> None:
    over, begun, now = threading.Event(), [], [0.0]

    def tidy() -> None:
        begun.append(now[0])
        over.wait(10)

    tidying = Tidying(tidy, lambda: now[0])
    tidying.begin_if_due()
    now[0] = EVERY_S * 3
    tidying.begin_if_due()
    over.set()
    assert begun == [0.0]


def test_what_cannot_be_tidied_now_is_tidied_an_hour_later() -> None:
    tries, now = [], [0.0]

    def tidy() -> None:
        tries.append(now[0])
        raise Unmounted

    tidying = Tidying(tidy, lambda: now[0])
    tidying.begin_if_due()
    until(lambda: bool(tries))
    now[0] = EVERY_S
    until(lambda: tidying.begin_if_due() or len(tries) == 2)
