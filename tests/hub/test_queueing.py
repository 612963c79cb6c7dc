"""The queue's rules: in order, never more than there is, and nobody is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.enums import State
from hub.queueing import House, Limits, Standing, decide
from hub.sessions import Session
from spawner.confinement import GIB
from spawner.profiles import Catalog, Profile

T = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
PATIENCE = timedelta(minutes=10)
SMALL = Profile("small", "Small", "", "base", 1, GIB, GIB)
BIG = Profile("big", "Big", "", "base", 2, 4 * GIB, 3 * GIB)
CATALOG = Catalog((SMALL, BIG), {"base": "b:1"})
HOUSE = House(CATALOG, Limits(4 * GIB, 2, PATIENCE))


def session(number: int, profile: str = "small", state: State = State.QUEUED) -> Session:
    """``number`` seconds after nine."""
    at = T + timedelta(seconds=number)
    return Session(
        f"{number:012x}", f"u{number}", profile, state, None, None, at, None, None, None, None, ""
    )


def look(*active: Session, house: House = HOUSE, now: datetime = T) -> list[Standing]:
    return decide(active, house, now)


def called(*active: Session, house: House = HOUSE, now: datetime = T) -> list[str]:
    return [s.session.user for s in look(*active, house=house, now=now) if s.wait is None]


def reason(standing: Standing) -> str:
    assert standing.wait
    return standing.wait.reason


def test_who_came_first_starts_first_and_the_others_are_told_their_place() -> None:
    found = look(*(session(n) for n in (4, 2, 3, 1)))
    assert [s.session.user for s in found] == ["u1", "u2", "u3", "u4"]
    assert [s.wait and s.wait.place for s in found] == [None, None, 1, 2]
    assert str(found[3].wait) == (
        "You are number 2 in the queue. At most 2 sessions start at a time, and 2 are starting."
    )


def test_two_of_the_same_moment_have_an_order() -> None:
    pair = [replace(session(1), id="b" * 12, user="b"), replace(session(1), id="a" * 12, user="a")]
    one = replace(HOUSE, limits=replace(HOUSE.limits, start_slots=1))
    assert called(*pair, house=one) == called(*pair[::-1], house=one) == ["a"]


def test_a_slot_is_held_until_the_server_answers() -> None:
    assert called(session(1, state=State.STARTING), session(2), session(3)) == ["u2"]
    assert called(session(1, state=State.RUNNING), session(2), session(3)) == ["u2", "u3"]


def test_a_full_machine_says_so_and_what_would_fit() -> None:
    runs = [session(1, "big", State.RUNNING)]
    (waits,) = look(*runs, session(2, "big"))
    assert reason(waits) == (
        "The machine is full: its memory is promised to one session. "
        "If you cancel, you can start “Small” now."
    )
    runs.append(session(3, state=State.DRAINING))
    (waits,) = look(*runs, session(4))
    assert reason(waits) == "The machine is full: its memory is promised to 2 sessions."


def test_small_ones_pass_a_big_one_that_does_not_fit_but_not_for_ever() -> None:
    active = (session(1, state=State.RUNNING), session(2, state=State.RUNNING))
    active = (*active, session(3, "big"), session(4))
    assert called(*active, now=T) == ["u4"]
    late = T + timedelta(seconds=3) + PATIENCE
    assert called(*active, now=late) == []
    big, small = look(*active, now=late)
    assert reason(small) == (
        "The machine is full: memory that becomes free is kept for somebody before you who needs "
        "3.0 GiB."
    )
    assert big.wait and small.wait and (big.wait.place, small.wait.place) == (1, 2)
    assert called(*active[1:], now=late) == ["u3"]


def test_an_admin_can_forbid_passing() -> None:
    strict = replace(HOUSE, limits=replace(HOUSE.limits, overtake=timedelta(0)))
    active = (session(1, state=State.RUNNING), session(2, state=State.RUNNING))
    now = T + timedelta(seconds=9)
    assert called(*active, session(3, "big"), session(4), house=strict, now=now) == []


def test_a_profile_that_was_taken_away_still_counts() -> None:
    assert called(session(1, "gone", State.RUNNING), session(2), session(3)) == ["u2"]


wishes = st.lists(st.sampled_from(["small", "big"]), min_size=1, max_size=30)


@given(wishes, st.integers(3, 12), st.integers(1, 5), st.data())
def test_everybody_starts_once_and_no_limit_is_ever_passed(
    profiles: list[str], room: int, slots: int, data: st.DataObject
) -> None:
    """Any order of arrivals, readiness and ends; after all of it the queue is empty."""
    house = House(CATALOG, Limits(room * GIB, slots, PATIENCE))
    active = {f"u{n}": session(n, profile) for n, profile in enumerate(profiles)}
    now = T + timedelta(seconds=len(profiles))
    for _ in range(4 * len(profiles) + 1):
        standings = decide(list(active.values()), house, now)
        places = [s.wait.place for s in standings if s.wait]
        assert places == list(range(1, len(places) + 1))
        for s in standings:
            if s.wait is None:
                active[s.session.user] = replace(s.session, state=State.STARTING)
        starting = [s for s in active.values() if s.state is State.STARTING]
        assert len(starting) <= slots
        assert house.promised_bytes(active.values()) <= room * GIB
        if not any(s.state is State.QUEUED for s in active.values()):
            return
        # Something happens: a server answers, or a session ends.
        begun = [s for s in active.values() if s.state is not State.QUEUED]
        assert begun, "somebody always can start on an empty machine"
        one = data.draw(st.sampled_from(begun))
        if one.state is State.STARTING:
            active[one.user] = replace(one, state=State.RUNNING)
        else:
            del active[one.user]
        now += timedelta(seconds=data.draw(st.integers(0, 600)))
    raise AssertionError("somebody waits for ever")


@given(wishes, st.integers(0, 9))
def test_among_equals_nobody_is_overtaken(profiles: list[str], running: int) -> None:
    active = [session(n, state=State.RUNNING) for n in range(running)]
    active += [session(10 + n, profile) for n, profile in enumerate(profiles)]
    for profile in ("small", "big"):
        of_it = [s.wait is None for s in look(*active) if s.session.profile == profile]
        assert of_it == sorted(of_it, reverse=True)
