"""What is unknown, and how that is put on record: on both databases."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from hub import engine_look, reach, sessions
from hub.engine_look import EngineLook
from hub.enums import Reason, State, Unknown
from hub.reach import STALE, Reach, why
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.conftest import NOW

SECOND = timedelta(seconds=1)


@dataclass
class FakeNode:
    """Knows what is paused, or is away, or never answers."""

    held: list[str] = field(default_factory=list)
    away: bool = False
    stuck: bool = False

    async def paused(self) -> list[str]:
        if self.stuck:
            await asyncio.sleep(60)
        if self.away:
            raise CarrelError(Code.UNAVAILABLE, "away")
        return self.held


def running(store: Store, user: str) -> str:
    session = store.decide(sessions.open_session, user, "small", NOW)
    return store.decide(sessions.mark_running, session.id, "c", "http://x/", NOW).id


def unknown(store: Store, id_: str, now=NOW) -> Unknown | None:
    return reach.unknown(store.read(sessions.get, id_), store.read(reach.last), now)


async def test_a_silent_engine_makes_what_runs_unknown_and_its_answer_known_again(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    node, caplog_level = FakeNode(), logging.INFO
    caplog.set_level(caplog_level)
    look, id_ = EngineLook(store, node), running(store, "ada")
    assert unknown(store, id_) is None  # nobody has looked yet
    node.away = True
    for second in (1, 4):
        await look.look(NOW + second * SECOND)
        assert unknown(store, id_, NOW + second * SECOND) is Unknown.ENGINE
    assert store.read(reach.last) == Reach(NOW + 4 * SECOND, NOW + SECOND)
    node.away = False
    await look.look(NOW + 7 * SECOND)
    assert unknown(store, id_, NOW + 7 * SECOND) is None
    said = [record.message for record in caplog.records]
    assert len(said) == 2 and said[1] == "The engine answers again."


async def test_an_engine_that_never_answers_is_silent_too(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_look, "PATIENCE_S", 0.05)
    id_ = running(store, "ada")
    await EngineLook(store, FakeNode(stuck=True)).look(NOW)
    assert unknown(store, id_) is Unknown.ENGINE


async def test_a_paused_container_makes_its_own_session_unknown_and_no_other(store: Store) -> None:
    held, other, over = (running(store, name) for name in ("ada", "bob", "eve"))
    store.decide(sessions.close_session, over, Reason.EXITED, NOW)
    node = FakeNode([held, over, "feedfeedfeed"])
    look = EngineLook(store, node)
    for _ in range(2):
        await look.look(NOW)
    assert [unknown(store, id_) for id_ in (held, other, over)] == [Unknown.PAUSED, None, None]
    node.held = []
    await look.look(NOW + SECOND)
    assert unknown(store, held, NOW + SECOND) is None
    assert store.read(sessions.get, over).paused_at is None


def test_a_session_that_ends_while_paused_is_paused_no_more(store: Store) -> None:
    held = running(store, "ada")
    store.decide(reach.record_answer, [held], NOW)
    ended = store.decide(sessions.close_session, held, Reason.EXITED, NOW)
    assert ended.paused_at is None


@pytest.mark.parametrize("state", [None, State.QUEUED, State.ENDED])
def test_what_needs_no_engine_is_never_unknown(state: State | None) -> None:
    assert why(state, None, Reach(NOW, NOW), NOW) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_what_nobody_looks_at_is_unknown_whichever_way_the_clock_jumped(sign: int) -> None:
    looked = Reach(NOW, None)
    assert why(State.RUNNING, None, looked, NOW + sign * STALE) is None
    assert why(State.RUNNING, None, looked, NOW + sign * (STALE + SECOND)) is Unknown.UNWATCHED
