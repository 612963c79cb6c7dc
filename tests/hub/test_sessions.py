"""A session is opened once, closed once, and says why it ended."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hub import sessions
from hub.enums import Reason, State
from hub.sessions import Session
from hub.store import Store
from spawner.errors import CarrelError, Code

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def _open(store: Store, user: str = "mia", now: datetime = NOW) -> Session:
    return store.decide(sessions.open_session, user, "small", now)


def _close(store: Store, id_: str, reason: Reason = Reason.IDLE, now: datetime = NOW) -> Session:
    return store.decide(sessions.close_session, id_, reason, now)


def test_a_session_goes_from_queued_to_ended(store: Store) -> None:
    opened = _open(store)
    assert opened.state is State.QUEUED
    assert len(opened.id) == 12 and int(opened.id, 16) >= 0
    id_ = opened.id
    starting = store.decide(sessions.mark_starting, id_, NOW + SECOND)
    assert (starting.state, starting.started_at) == (State.STARTING, NOW + SECOND)
    running = store.decide(
        sessions.mark_running, id_, "c1", "http://10.0.0.9:8888", NOW + 2 * SECOND
    )
    assert (running.state, running.container_id, running.ready_at) == (
        State.RUNNING,
        "c1",
        NOW + 2 * SECOND,
    )
    assert running.url == "http://10.0.0.9:8888"
    assert store.decide(sessions.mark_draining, id_).state is State.DRAINING
    ended = _close(store, id_, Reason.STOPPED_BY_USER, NOW + 9 * SECOND)
    assert (ended.state, ended.reason) == (State.ENDED, Reason.STOPPED_BY_USER)
    assert ended.ended_at == NOW + 9 * SECOND
    assert ended.container_id == "c1"


def test_saying_it_twice_changes_nothing(store: Store) -> None:
    id_ = _open(store).id
    store.decide(sessions.mark_starting, id_, NOW)
    store.decide(sessions.mark_starting, id_, NOW + SECOND)
    store.decide(sessions.mark_running, id_, "c1", "u1", NOW)
    running = store.decide(sessions.mark_running, id_, "c2", "u2", NOW + SECOND)
    assert (running.started_at, running.container_id, running.ready_at) == (NOW, "c1", NOW)


def test_the_first_end_stays(store: Store) -> None:
    id_ = _open(store).id
    first = store.decide(sessions.close_session, id_, Reason.OUT_OF_MEMORY, NOW, "1 GiB used up")
    assert first.detail == "1 GiB used up"
    assert _close(store, id_, Reason.EXITED, NOW + SECOND) == first


@pytest.mark.parametrize("reason", Reason)
def test_an_ended_session_is_never_edited(store: Store, reason: Reason) -> None:
    ended = _close(store, _open(store).id, reason)
    for action in (
        lambda: store.decide(sessions.mark_starting, ended.id, NOW),
        lambda: store.decide(sessions.mark_running, ended.id, "c", "u", NOW),
        lambda: store.decide(sessions.mark_draining, ended.id),
    ):
        with pytest.raises(CarrelError) as caught:
            action()
        assert caught.value.code is Code.CONFLICT
    with store.reading() as tx:
        assert sessions.get(tx, ended.id) == ended


def test_a_second_session_is_a_conflict_until_the_first_has_ended(store: Store) -> None:
    first = _open(store)
    with pytest.raises(CarrelError) as caught:
        _open(store)
    assert caught.value.code is Code.CONFLICT
    _open(store, "tom")
    _close(store, first.id)
    assert _open(store).id != first.id


def test_of_many_starts_at_the_same_moment_one_wins(store: Store) -> None:
    start, outcomes = threading.Barrier(4), []

    def attempt() -> None:
        start.wait()
        try:
            outcomes.append(_open(store).state)
        except CarrelError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [Code.CONFLICT] * 3 + [State.QUEUED]


def test_a_clock_that_was_set_back_makes_no_negative_usage(store: Store) -> None:
    id_ = _open(store).id
    store.decide(sessions.mark_running, id_, "c", "u", NOW + 5 * SECOND)
    assert _close(store, id_, now=NOW - timedelta(hours=1)).ended_at == NOW + 5 * SECOND


def test_active_and_past_sessions_are_told_apart(store: Store) -> None:
    past = _close(store, _open(store, now=NOW - SECOND).id)
    mine, other = _open(store), _open(store, "tom", NOW + SECOND)
    with store.reading() as tx:
        assert sessions.active(tx) == [mine, other]
        assert sessions.active_of(tx, "mia") == mine
        assert sessions.active_of(tx, "zoe") is None
        assert sessions.of_user(tx, "mia") == [mine, past]
        assert sessions.of_user(tx, "mia", limit=1) == [mine]


def test_an_id_that_is_not_there_is_said_not_to_be(store: Store) -> None:
    with pytest.raises(CarrelError) as caught:
        _close(store, "000000000000")
    assert caught.value.code is Code.NOT_FOUND


def test_a_long_explanation_is_cut(store: Store) -> None:
    id_ = _open(store).id
    closed = store.decide(sessions.close_session, id_, Reason.EXITED, NOW, "x" * 100_000)
    assert len(closed.detail) == sessions.MAX_DETAIL


def test_the_index_and_not_code_is_what_stops_two(store: Store) -> None:
    _open(store)
    with pytest.raises(sa.exc.IntegrityError), store.deciding() as tx:
        tx.execute(
            sessions.rows.insert().values(
                id="f" * 12, user="mia", profile="small", state=State.RUNNING, requested_at=NOW
            )
        )
