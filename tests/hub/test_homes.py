"""Sizes of homes: recorded, and measured again when they may have changed."""

from __future__ import annotations

from datetime import timedelta

from hub import homes, sessions
from hub.enums import Reason
from hub.homes import Measured, to_measure
from hub.store import Store
from tests.hub.conftest import NOW

HOUR = timedelta(hours=1)


def test_the_last_size_counts(store: Store) -> None:
    store.decide(homes.record, "mia", 2**40, NOW)
    store.decide(homes.record, "mia", 7, NOW + HOUR)
    store.decide(homes.record, "tom", 9, NOW)

    assert store.read(homes.sizes) == {"mia": Measured(7, NOW + HOUR), "tom": Measured(9, NOW)}
    store.decide(homes.forget, ["mia", "nobody"])
    assert store.read(homes.sizes).keys() == {"tom"}


def test_a_home_was_used_until_its_session_ended_or_is_used_now(store: Store) -> None:
    for user, ends in (("mia", [1, 3]), ("tom", [2]), ("zoe", [])):
        for hours in ends:
            opened = store.decide(sessions.open_session, user, "small", NOW)
            store.decide(sessions.close_session, opened.id, Reason.IDLE, NOW + hours * HOUR)
    store.decide(sessions.open_session, "zoe", "small", NOW)

    assert store.read(homes.last_used, NOW + 9 * HOUR) == {
        "mia": NOW + 3 * HOUR,
        "tom": NOW + 2 * HOUR,
        "zoe": NOW + 9 * HOUR,
    }


def measured(hours_ago: float) -> Measured:
    return Measured(1, NOW - hours_ago * HOUR)


def test_only_what_may_have_changed_is_measured() -> None:
    known = {"used": measured(5), "rested": measured(5), "old": measured(25), "ahead": measured(-3)}
    used = {"used": NOW - 4 * HOUR, "rested": NOW - 6 * HOUR}
    assert to_measure(["new", *known], known, used, NOW) == ["new", "old", "used", "ahead"]


def test_what_ended_at_the_moment_of_the_measuring_is_measured_again() -> None:
    assert to_measure(["a"], {"a": measured(1)}, {"a": NOW - HOUR}, NOW) == ["a"]
