"""The engine's events: what they say, and a stream that breaks and comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawner import engine_watch
from spawner.ending import Cause
from spawner.engine_events import Happened, Seen, What, completed, read
from spawner.engine_watch import EngineWatch
from tests.spawner.fake_engine import FakeContainer, FakeEngine, free_port
from tests.spawner.stage import eventually

SESSION = "0123456789ab"


def event(action: str = "die", **more: Any) -> dict[str, Any]:
    labels = {"carrel.session": SESSION, "exitCode": "137"}
    return {
        "Action": action,
        "Actor": {"Attributes": labels},
        "timeNano": 1_700_000_000_000_000_005,
    } | more


def test_an_event_says_whose_end_it_is_and_when() -> None:
    assert read(json.dumps(event()).encode()) == Happened(
        SESSION, What.DIED, 137, "1700000000.000000005"
    )


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b"null", b"{", b"\xff", b'{"Action": "die"}',
     json.dumps(event("exec_die")).encode(), json.dumps(event(timeNano="x")).encode(),
     json.dumps(event(Actor={"Attributes": {}})).encode(), json.dumps(event(Actor=[])).encode()],
)  # fmt: skip
def test_what_is_no_event_of_ours_is_passed_over(line: bytes) -> None:
    assert read(line) is None


@given(st.binary(max_size=200))
def test_no_line_breaks_the_reader(line: bytes) -> None:
    assert read(line) is None or line


@pytest.mark.parametrize(
    ("seen", "cause", "detail"),
    [
        (Seen(True, 137), Cause.OUT_OF_MEMORY, "exit code 137"),
        # The kernel killed some process of it; the server itself ended later.
        (Seen(True, 0), Cause.EXITED, "exit code 0"),
        (Seen(False, 137), Cause.EXITED, "exit code 137"),
        (Seen(True, None), Cause.GONE, "the container was removed"),
        (Seen(), Cause.GONE, "the container was removed"),
    ],
)
def test_where_the_state_is_lost_what_was_seen_says_why(
    seen: Seen, cause: Cause, detail: str
) -> None:
    assert completed(Cause.GONE, "the container was removed", seen) == (cause, detail)
    assert completed(Cause.STOPPED, "", seen) == (Cause.STOPPED, "")


@pytest.fixture
async def engine(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FakeEngine]:
    monkeypatch.setattr(engine_watch, "RETRY_FIRST_S", 0.02)
    monkeypatch.setattr(engine_watch, "RETRY_MOST_S", 0.05)
    engine = FakeEngine(tmp_path / "node.sock", free_port())
    yield engine
    await engine.end()


@pytest.fixture
async def watch(engine: FakeEngine) -> AsyncIterator[EngineWatch]:
    watch = EngineWatch(engine.socket)
    yield watch
    if watch._listening:
        watch._listening.cancel()
        await asyncio.wait([watch._listening])


def container() -> FakeContainer:
    return FakeContainer("c" * 64, "carrel-ada-x", {"Labels": {"carrel.session": SESSION}})


async def test_it_listens_again_for_ever_whatever_breaks(
    engine: FakeEngine, watch: EngineWatch
) -> None:
    heard: list[What] = []
    # Not there yet, then there, away again, and back.
    watch.follow(SESSION, lambda event: heard.append(event.what))
    for times in (1, 2):
        await asyncio.sleep(0.1)
        await engine.start()
        await eventually(lambda: engine.listeners)
        await engine.kill(container(), 137)
        await eventually(lambda times=times: heard.count(What.DIED) == times)
        await engine.close()
        engine.socket.unlink(missing_ok=True)
    assert watch._listening and not watch._listening.done()


async def test_a_follower_that_fails_keeps_nobody_from_hearing(
    engine: FakeEngine, watch: EngineWatch
) -> None:
    heard: list[What] = []

    def told(event: Happened) -> None:
        heard.append(event.what)
        raise RuntimeError("no such luck")

    await engine.start()
    watch.follow(SESSION, told)
    await eventually(lambda: engine.listeners)
    await engine.kill(container(), 137, oom=True)
    await eventually(lambda: heard == [What.OUT_OF_MEMORY, What.DIED])
    watch.forget(SESSION)
    watch.forget("never followed")
    await engine.kill(container(), 0)
    await asyncio.sleep(0.05)
    assert len(heard) == 2
