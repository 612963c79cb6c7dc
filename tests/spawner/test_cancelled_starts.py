"""A start that is cancelled leaves at once, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import time

import pytest

from spawner.ending import Cause
from tests.spawner.fake_engine import slow
from tests.spawner.stage import (
    DOCKER_PY_LEAKS,
    Stage,
    eventually,
    noted,
    spawn,
    stop,
)

pytestmark = pytest.mark.filterwarnings(DOCKER_PY_LEAKS)


@pytest.mark.parametrize("verb", ["create", "start", "inspect"])
async def test_cancelling_at_an_engine_call_leaves_at_once_and_nothing_behind(
    stage: Stage, verb: str
) -> None:
    carried_out: list[bool] = []
    stage.engine.trouble[verb] = slow(0.6)
    stage.engine.after[verb] = lambda: noted(carried_out)
    spawner = stage.spawner()
    start = asyncio.create_task(spawn(spawner))
    await eventually(lambda: verb in stage.engine.calls)
    began = time.monotonic()
    start.cancel()
    await asyncio.wait([start])
    assert time.monotonic() - began < 0.3  # JupyterHub gives one second
    await stop(spawner)
    await eventually(lambda: carried_out)
    await eventually(lambda: not stage.engine.containers)
    await eventually(lambda: stage.policy.causes == [Cause.START_CANCELLED])
    assert stage.policy.open == {}


async def test_cancelling_while_the_server_is_awaited_leaves_nothing_behind(stage: Stage) -> None:
    stage.engine.server = lambda _container: None
    spawner = stage.spawner()
    start = asyncio.create_task(spawn(spawner))
    await eventually(lambda: "inspect" in stage.engine.calls)
    start.cancel()
    await asyncio.wait([start])
    await stop(spawner)
    assert stage.engine.containers == {}
    assert stage.policy.causes == [Cause.START_CANCELLED]


async def test_cancelling_during_admission_gives_the_place_back(stage: Stage) -> None:
    stage.policy.delay_s = 0.2
    spawner = stage.spawner()
    start = asyncio.create_task(spawn(spawner))
    await eventually(lambda: stage.policy.open)
    start.cancel()
    await asyncio.wait([start])
    assert await spawner.poll() is None  # the hub must not forget it yet
    await stop(spawner)
    assert stage.policy.open == {} and stage.policy.causes == [Cause.START_CANCELLED]
    assert stage.engine.containers == {}


async def test_nobody_is_sent_to_a_server_whose_start_was_cancelled(stage: Stage) -> None:
    spawner = stage.spawner()
    ready = {"progress": 100, "ready": True}
    assert spawner.progress_ready_hook(spawner, ready) == ready
    stage.engine.trouble["start"] = slow(0.3)
    start = asyncio.create_task(spawn(spawner))
    await eventually(lambda: "start" in stage.engine.calls)
    start.cancel()
    await asyncio.wait([start])
    assert "ready" not in spawner.progress_ready_hook(spawner, ready)
    await stop(spawner)


async def test_a_start_right_after_a_cancelled_one_never_makes_two(stage: Stage) -> None:
    stage.engine.trouble["start"] = slow(0.5)
    spawner = stage.spawner()
    start = asyncio.create_task(spawn(spawner))
    await eventually(lambda: "start" in stage.engine.calls)
    start.cancel()
    await asyncio.wait([start])
    stage.engine.trouble.clear()
    await spawn(stage.spawner())  # nobody waited for the first one's end
    assert len(stage.engine.containers) == 1
    await asyncio.sleep(0.7)
    assert len(stage.engine.containers) == 1 and len(stage.policy.open) == 1
