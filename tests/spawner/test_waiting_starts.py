"""A start that waits in the queue: its place is told, and it can be left at any moment."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from spawner.carrel_spawner import CarrelSpawner
from spawner.ending import Cause
from spawner.steps import Steps
from spawner.wait import Wait
from tests.spawner.stage import DOCKER_PY_LEAKS, Stage, eventually, spawn, stop

pytestmark = pytest.mark.filterwarnings(DOCKER_PY_LEAKS)


async def told(spawner: CarrelSpawner, into: list[dict[str, Any]]) -> None:
    async for event in spawner.progress():
        into.append(event)


async def test_the_place_is_one_step_that_changes_until_it_is_their_turn(stage: Stage) -> None:
    first, second = asyncio.Event(), asyncio.Event()
    stage.policy.queue = [first, second]
    spawner = stage.spawner()
    start = asyncio.create_task(spawn(spawner))
    await eventually(lambda: spawner.steps.waiting)
    early: list[dict[str, Any]] = []
    following = asyncio.create_task(told(spawner, early))
    await eventually(lambda: early)
    assert early == [
        {
            "progress": 5,
            "message": "You are number 2 in the queue. The machine is full.",
            "place": 2,
            "reason": "The machine is full.",
        }
    ]
    second.set()
    await eventually(lambda: len(early) == 2)
    assert early[1]["place"] == 1 and stage.engine.calls == []
    late: list[dict[str, Any]] = []
    following_late = asyncio.create_task(told(spawner, late))
    await eventually(lambda: late)
    assert late == early[1:]
    first.set()
    await start
    assert spawner.steps.waiting is None
    await eventually(lambda: len(late) == 5)
    assert [event["message"] for event in late[1:]] == [
        "You have a place: Small.",
        "The container is made.",
        "The container runs; the notebook server starts.",
        "The notebook server answers.",
    ]
    following.cancel()
    following_late.cancel()


async def test_who_leaves_the_queue_leaves_at_once_and_nothing_behind(stage: Stage) -> None:
    stage.policy.queue = [asyncio.Event()]
    spawner = stage.spawner()
    start = asyncio.create_task(spawn(spawner))
    await eventually(lambda: spawner.steps.waiting)
    began = time.monotonic()
    start.cancel()
    await asyncio.wait([start])
    assert "ready" not in spawner.progress_ready_hook(spawner, {"ready": True})
    await stop(spawner)
    assert time.monotonic() - began < 0.3  # JupyterHub gives one second
    assert stage.policy.causes == [Cause.START_CANCELLED] and stage.policy.open == {}
    assert stage.engine.containers == {} and stage.engine.calls == []


async def test_who_leaves_while_the_database_is_away_is_settled_later(
    stage: Stage,
) -> None:
    stage.policy.queue = [asyncio.Event()]
    spawner = stage.spawner()
    start = asyncio.create_task(spawn(spawner))
    await eventually(lambda: spawner.steps.waiting)
    stage.policy.database_down = True
    start.cancel()
    await asyncio.wait([start])
    assert await spawner.poll() is None  # the hub must not forget it yet
    stage.policy.database_down = False
    await stop(spawner)
    assert stage.policy.causes == [Cause.START_CANCELLED]


async def test_waiting_is_not_counted_by_any_limit_of_a_start(stage: Stage) -> None:
    called = asyncio.Event()
    stage.policy.queue = [called]
    spawner = stage.spawner()
    spawner.start_timeout = 1
    start = asyncio.create_task(spawn(spawner))
    await asyncio.sleep(1.5)
    called.set()
    await start
    assert await spawner.poll() is None


async def test_steps_that_come_fast_are_told_in_their_last_state() -> None:
    steps = Steps()
    seen: list[str] = []

    async def follow() -> None:
        async for step in steps.follow():
            seen.append(step.message)

    following = asyncio.create_task(follow())
    for place in (3, 2, 1):
        steps.wait(5, Wait(place, "Why."))
    steps.add(10, "Yours.")
    steps.wait(20, Wait(9, "Again."))
    await eventually(lambda: len(seen) == 2)
    steps.add(30, "Done.")
    await eventually(lambda: len(seen) == 3)
    assert seen == ["Yours.", "You are number 9 in the queue. Again.", "Done."]
    following.cancel()
