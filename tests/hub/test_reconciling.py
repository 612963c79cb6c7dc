"""What is to end when rows, containers and the hub do not agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.enums import Reason, State
from hub.reconciling import (
    CLEARING_UP_FOR,
    FORGOTTEN_FOR,
    GOES_ON_WITHIN,
    Container,
    Denied,
    Scene,
    Stand,
    abandoned,
    hubs_own,
    strays,
)
from hub.sessions import Session

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NOW = BEGAN + timedelta(hours=1)
BEFORE = BEGAN - timedelta(hours=1)


def row(id_: str, state: State = State.RUNNING, at: datetime = BEFORE) -> Session:
    ready = at if state is State.RUNNING else None
    started = None if state is State.QUEUED else at
    return Session(id_, f"u{id_}", "small", state, None, None, at, started, ready, None, None, "")


def container(id_: str, stand: Stand = Stand.LIVE) -> Container:
    return Container(f"carrel-u{id_}-{id_}", id_, stand)


def test_a_container_that_no_session_has_is_a_stray_unless_it_is_leaving() -> None:
    scene = Scene(
        (
            container("a"),
            container("b"),
            container("c", Stand.NEVER_STARTED),
            container("d", Stand.ENDED),
            container("e", Stand.LEAVING),
        ),
        (row("a"),),
    )
    assert [one.session for one in strays(scene)] == ["b", "c", "d"]


def test_who_waits_in_the_queue_is_left_alone() -> None:
    assert hubs_own([row("a", State.QUEUED), row("b")]) == [row("b")]


@pytest.mark.parametrize(
    ("state", "stand", "reason"),
    [
        (State.STARTING, None, Reason.FAILED_TO_START),
        (State.STARTING, Stand.NEVER_STARTED, Reason.FAILED_TO_START),
        (State.STARTING, Stand.LIVE, Reason.FAILED_TO_START),
        (State.RUNNING, None, Reason.ENGINE_LOST),
        (State.RUNNING, Stand.ENDED, Reason.EXITED),
        (State.RUNNING, Stand.LIVE, Reason.UNKNOWN),
        (State.DRAINING, None, Reason.ENGINE_LOST),
    ],
)
def test_what_an_earlier_hub_left_ends_and_says_why(
    state: State, stand: Stand | None, reason: Reason
) -> None:
    there = () if stand is None else (container("a", stand),)
    scene = Scene(there, (row("a", state),))
    assert abandoned(scene, {}, NOW) == []
    since = NOW - GOES_ON_WITHIN if state is State.STARTING else NOW
    (lost,) = abandoned(scene, {"a": Denied(since, interrupted=True)}, NOW)
    assert (lost.reason, lost.container) == (reason, there[0] if there else None)
    assert lost.detail


def test_a_start_of_before_has_a_moment_in_which_it_may_go_on() -> None:
    scene = Scene((container("a", Stand.NEVER_STARTED),), (row("a", State.STARTING),))
    denied = {"a": Denied(NOW, interrupted=True)}
    assert abandoned(scene, denied, NOW + GOES_ON_WITHIN - SECOND) == []
    assert len(abandoned(scene, denied, NOW + GOES_ON_WITHIN)) == 1


def test_this_hub_is_given_time_to_clear_up_after_its_own_starts() -> None:
    scene = Scene((), (row("a", State.STARTING, at=BEGAN + SECOND),))
    denied = {"a": Denied(NOW, interrupted=False)}
    assert abandoned(scene, denied, NOW + CLEARING_UP_FOR - SECOND) == []
    assert len(abandoned(scene, denied, NOW + CLEARING_UP_FOR)) == 1


def test_a_session_that_ran_and_that_this_hub_lost_waits_for_its_record_and_no_longer() -> None:
    scene = Scene((container("a"),), (row("a", at=BEGAN + SECOND),))
    denied = {"a": Denied(NOW, interrupted=False)}
    assert abandoned(scene, denied, NOW + FORGOTTEN_FOR - SECOND) == []
    (lost,) = abandoned(scene, denied, NOW + FORGOTTEN_FOR)
    assert lost.reason is Reason.UNKNOWN and lost.container


ids = st.sampled_from("abcdef")
scenes = st.builds(
    lambda containers, rows: Scene(tuple(containers), tuple(rows)),
    st.lists(st.builds(container, ids, st.sampled_from(Stand)), unique_by=lambda c: c.session),
    st.lists(
        st.builds(
            row,
            ids,
            st.sampled_from([State.QUEUED, State.STARTING, State.RUNNING, State.DRAINING]),
            st.integers(-4000, 3600).map(lambda s: BEGAN + s * SECOND),
        ),
        unique_by=lambda r: r.id,
    ),
)


@given(scenes, st.sets(ids))
def test_what_the_hub_vouches_for_never_ends_and_has_no_container_removed(
    scene: Scene, vouched: set[str]
) -> None:
    asked = {one.id for one in hubs_own(scene.rows)}
    denied = {id_: Denied(BEGAN, interrupted=True) for id_ in asked - vouched}
    ending = {one.row.id for one in abandoned(scene, denied, NOW)}
    assert not ending & vouched
    on_record = {one.id for one in scene.rows}
    assert not {one.session for one in strays(scene)} & on_record


@given(scenes)
def test_with_a_hub_that_knows_nobody_one_container_a_session_is_left_and_all_on_record(
    scene: Scene,
) -> None:
    asked = hubs_own(scene.rows)
    denied = {one.id: Denied(BEGAN, interrupted=True) for one in asked}
    gone = {one.session for one in strays(scene)}
    gone |= {one.row.id for one in abandoned(scene, denied, NOW)}
    left = {one.session for one in scene.containers if one.stand is not Stand.LEAVING} - gone
    assert left <= {one.id for one in scene.rows} - gone
