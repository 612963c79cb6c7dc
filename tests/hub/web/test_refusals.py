"""Refusals on record: the first of a minute, of each person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hub.web import refusals
from hub.web.refusals import MOST, WITHIN, Refusals

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_so_many_a_minute_count_and_no_more() -> None:
    seen = Refusals()
    assert [seen.counts("ada", NOW) for _ in range(MOST + 2)] == [True] * MOST + [False] * 2
    assert seen.counts("bob", NOW)
    assert seen.counts("ada", NOW + WITHIN)


def test_those_that_do_not_count_hold_nobody_up(monkeypatch) -> None:
    monkeypatch.setattr(refusals, "MOST_PEOPLE", 2)
    seen = Refusals()
    for second in range(120):
        seen.counts("ada", NOW + timedelta(seconds=second))
    assert seen.counts("ada", NOW + timedelta(seconds=200))
    for name in ("b", "c", "d"):
        seen.counts(name, NOW)
    assert len(seen._seen) == 2
