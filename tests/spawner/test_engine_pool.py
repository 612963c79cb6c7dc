"""Nobody waits for another's slow engine call, and no call overtakes one of the same user."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, wait
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spawner.engine_pool import EnginePool
from tests.spawner.stage import DOCKER_PY_LEAKS, Stage, eventually, spawn, stop

HANG_S = 60


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    """Calls that wait for it hang until the test is over."""
    event = threading.Event()
    yield event
    event.set()


class Watch:
    """Notes which calls ran, and whether ever more of them at a time than may."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.begun: list[tuple[str, int]] = []
        self.running: Counter[str] = Counter()
        self.most = self.most_of_one = 0

    def call(self, user: str, number: int, milliseconds: int) -> int:
        with self.lock:
            self.begun.append((user, number))
            self.running[user] += 1
            self.most = max(self.most, self.running.total())
            self.most_of_one = max(self.most_of_one, *self.running.values())
        time.sleep(milliseconds / 1000)
        with self.lock:
            self.running[user] -= 1
        if milliseconds == 1:
            raise LookupError(number)
        return number


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    threads=st.integers(1, 4),
    asked=st.lists(
        st.tuples(st.sampled_from("abcde"), st.integers(0, 3), st.booleans()), max_size=40
    ),
)
def test_each_users_calls_keep_their_order_whatever_happens(
    threads: int, asked: list[tuple[str, int, bool]]
) -> None:
    pool, watch = EnginePool(threads), Watch()
    futures: list[Future[Any]] = []
    for number, (user, milliseconds, leaves) in enumerate(asked):
        futures.append(pool.submit(user, watch.call, user, number, milliseconds))
        if leaves:
            futures[number // 2].cancel()
    wait(futures, 20)
    pool.shutdown()

    for user in "abcde":
        begun = [number for name, number in watch.begun if name == user]
        assert begun == sorted(begun)
    assert watch.most <= threads and watch.most_of_one <= 1
    for number, future in enumerate(futures):
        made = any(number == n for _, n in watch.begun)
        assert future.done() and made is not future.cancelled()
        if made and asked[number][1] == 1:
            assert isinstance(future.exception(), LookupError)
        elif made:
            assert future.result() == number
    assert pool._lines == {}


def test_a_user_with_many_slow_calls_holds_one_thread(hanging: threading.Event) -> None:
    pool = EnginePool(2)
    slow = [pool.submit("slow", hanging.wait, HANG_S) for _ in range(20)]
    others = [pool.submit(f"user{n}", time.sleep, 0) for n in range(20)]
    assert wait(others, 5).not_done == set()
    assert not any(future.done() for future in slow)
    hanging.set()
    pool.shutdown()


def test_a_users_next_call_queues_behind_those_of_others() -> None:
    pool, made = EnginePool(1), []
    gate = threading.Event()
    pool.submit("gate", gate.wait, HANG_S)
    futures = [pool.submit(user, made.append, user) for user in ("a", "a", "a", "b", "c")]
    gate.set()
    wait(futures, 5)
    assert made == ["a", "b", "c", "a", "a"]
    pool.shutdown()


async def test_who_leaves_does_not_let_the_next_call_overtake(hanging: threading.Event) -> None:
    """Cancelled while it runs: it runs on, and the same user's next waits for its end."""
    pool, ended = EnginePool(4), []

    def removing() -> None:
        hanging.wait(HANG_S)
        ended.append("first")

    first = asyncio.wrap_future(pool.submit("ada", removing))
    second = asyncio.wrap_future(pool.submit("ada", ended.append, "second"))
    await asyncio.sleep(0.05)
    first.cancel()
    await asyncio.wrap_future(pool.submit("bob", ended.append, "bob"))
    assert ended == ["bob"]
    hanging.set()
    await second
    assert ended == ["bob", "first", "second"]
    pool.shutdown()


def test_at_its_end_what_has_not_begun_is_cancelled() -> None:
    pool, gate = EnginePool(1), threading.Event()
    running = pool.submit("ada", gate.wait, HANG_S)
    waiting = [pool.submit(user, time.sleep, 0) for user in ("ada", "bob")]
    threading.Timer(0.2, gate.set).start()
    pool.shutdown()
    assert running.result() is True and all(future.cancelled() for future in waiting)
    with pytest.raises(RuntimeError):
        pool.submit("ada", time.sleep, 0)


@pytest.mark.filterwarnings(DOCKER_PY_LEAKS)
@pytest.mark.parametrize("verb", ["create", "start", "inspect", "stop", "remove"])
async def test_others_start_and_stop_while_one_users_call_hangs_for_a_minute(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr("spawner.carrel_spawner.ENGINE_TIMEOUT_S", HANG_S)
    let_go, hangs = asyncio.Event(), [True]

    async def first_one_hangs() -> None:
        if hangs:
            hangs.clear()
            await asyncio.wait_for(let_go.wait(), HANG_S)

    slow = stage.spawner("slow")
    if verb in ("stop", "remove"):
        await spawn(slow)
    stage.engine.trouble[verb] = first_one_hangs
    hung = asyncio.create_task(stop(slow) if verb in ("stop", "remove") else spawn(slow))
    await eventually(lambda: not hangs)
    for container in stage.engine.containers.values():
        await stage.engine._quit(container)  # all have one address: others take its port

    began = time.monotonic()
    for name in ("ada", "bob", "eve"):
        spawner = stage.spawner(name)
        await spawn(spawner)
        assert await spawner.poll() is None
        await stop(spawner)
    assert time.monotonic() - began < 10 and not hung.done()

    let_go.set()
    await asyncio.gather(hung, return_exceptions=True)
