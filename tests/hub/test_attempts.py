"""Wrong passwords are counted per name and per address, in a window that slides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import attempts
from hub.attempts import Counted, Limits
from hub.knobs import Auth
from hub.store import Store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LIMITS = Limits(per_name=3, per_address=5, window=10 * MINUTE)


def _ago(*minutes: int) -> list[datetime]:
    return [NOW - m * MINUTE for m in minutes]


def test_below_the_limits_one_may_go_on() -> None:
    assert attempts.decide(Counted(_ago(0, 1), _ago(0, 1, 2, 3)), LIMITS) is None


def test_at_the_limit_of_a_name_one_waits_until_there_is_room_for_one_more() -> None:
    assert attempts.decide(Counted(_ago(1, 4, 9), ()), LIMITS) == NOW + MINUTE


def test_more_than_the_limit_counts_from_the_one_that_makes_room() -> None:
    assert attempts.decide(Counted(_ago(1, 2, 4, 9), ()), LIMITS) == NOW + 6 * MINUTE


def test_of_two_limits_the_later_end_holds() -> None:
    found = attempts.decide(Counted(_ago(0, 1, 9), _ago(1, 1, 1, 1, 2)), LIMITS)
    assert found == NOW + 8 * MINUTE


@given(st.lists(st.integers(0, 600), max_size=12), st.integers(1, 12))
def test_waiting_as_told_is_enough_and_not_too_long(ages_s: list[int], limit: int) -> None:
    limits = Limits(limit, 1000, timedelta(seconds=600))
    times = sorted((NOW - timedelta(seconds=age) for age in ages_s), reverse=True)
    until = attempts.decide(Counted(times, ()), limits)
    if until is None:
        assert len(times) < limit
        return
    left = [t for t in times if t > until - limits.window]
    assert len(left) < limit
    just_before = [t for t in times if t > until - timedelta(seconds=1) - limits.window]
    assert len(just_before) >= limit


def test_the_settings_are_the_limits() -> None:
    found = Limits.of(Auth(attempts_per_name=4, attempts_per_address=9, attempts_window_minutes=2))
    assert found == Limits(4, 9, 2 * MINUTE)


def _reserve(store: Store, name: str | None, address: str, now: datetime = NOW) -> int | datetime:
    return store.decide(attempts.reserve, name, address, LIMITS, now)


def test_a_name_waits_from_every_address_and_others_do_not(store: Store) -> None:
    for i in range(3):
        assert isinstance(_reserve(store, "mia", f"10.0.0.{i}"), int)
    assert _reserve(store, "mia", "10.0.0.9") == NOW + LIMITS.window
    assert isinstance(_reserve(store, "tom", "10.0.0.9"), int)


def test_an_address_waits_whatever_name_it_tries(store: Store) -> None:
    for i in range(5):
        assert isinstance(_reserve(store, f"name{i}" if i else None, "10.0.0.1"), int)
    assert isinstance(_reserve(store, "tom", "10.0.0.1"), datetime)
    assert isinstance(_reserve(store, None, "10.0.0.1"), datetime)
    assert isinstance(_reserve(store, "tom", "10.0.0.2"), int)


def test_a_right_password_does_not_count_but_takes_nothing_else_back(store: Store) -> None:
    wrong = [_reserve(store, "mia", "a") for _ in range(2)]
    for _ in range(20):
        store.decide(attempts.forgive, _reserve(store, "mia", "a"))
    assert all(isinstance(w, int) for w in wrong)
    assert isinstance(_reserve(store, "mia", "a"), int)
    assert isinstance(_reserve(store, "mia", "a"), datetime)


def test_after_the_window_it_begins_anew_and_old_rows_are_gone(store: Store) -> None:
    for _ in range(3):
        _reserve(store, "mia", "a")
    later = NOW + LIMITS.window + MINUTE
    assert isinstance(_reserve(store, "mia", "a", later), int)
    with store.reading() as tx:
        assert len(tx.execute(attempts.rows.select()).all()) == 1


def test_a_clock_that_was_set_back_locks_nobody_out(store: Store) -> None:
    for _ in range(3):
        _reserve(store, "mia", "a", NOW + timedelta(days=1))
    assert isinstance(_reserve(store, "mia", "a"), int)


@pytest.mark.parametrize("order", [1, -1])
def test_attempts_that_were_quicker_than_an_older_one_count(store: Store, order: int) -> None:
    """A request that waited in the queue carries an older time than those before it."""
    for i in (0, 1, 2):
        _reserve(store, "mia", "a", NOW + order * i * timedelta(seconds=1))
    assert isinstance(_reserve(store, "mia", "a", NOW - timedelta(seconds=5)), datetime)
