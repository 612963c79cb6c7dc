"""Unknown is not dead: what ends a session, and what does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from spawner.ending import Cause
from tests.spawner.fake_engine import slow, status
from tests.spawner.stage import (
    DOCKER_PY_LEAKS,
    SESSION,
    Stage,
    eventually,
    spawn,
    stop,
)

pytestmark = pytest.mark.filterwarnings(DOCKER_PY_LEAKS)


@pytest.mark.parametrize("trouble", [status(500), status(503), status(429), slow(1.5)])
async def test_an_engine_that_cannot_be_asked_ends_nothing(stage: Stage, trouble: Any) -> None:
    spawner = stage.spawner()
    await spawn(spawner)
    stage.engine.trouble["inspect"] = trouble
    assert await spawner.poll() is None
    stage.engine.trouble.clear()
    assert await spawner.poll() is None
    assert spawner.get_state()["session_id"] == SESSION


async def test_an_engine_that_is_down_ends_nothing(stage: Stage) -> None:
    spawner = stage.spawner()
    await spawn(spawner)
    await stage.engine.close()
    assert await spawner.poll() is None


async def test_a_paused_container_is_not_dead(stage: Stage) -> None:
    spawner = stage.spawner()
    await spawn(spawner)
    stage.engine.only.status = "paused"
    assert await spawner.poll() is None


async def test_a_container_that_is_gone_has_ended(stage: Stage) -> None:
    spawner = stage.spawner()
    await spawn(spawner)
    await stage.engine._quit(stage.engine.only)
    stage.engine.containers.clear()
    assert await spawner.poll() == 0
    await stop(spawner)
    assert stage.policy.causes == [Cause.GONE]


@pytest.mark.parametrize(
    ("exit_code", "oom", "cause"),
    [
        (0, False, Cause.EXITED),
        (1, False, Cause.EXITED),
        (137, False, Cause.EXITED),
        (137, True, Cause.OUT_OF_MEMORY),
        (0, True, Cause.EXITED),  # a kernel was killed, the server itself ended in order
    ],
)
async def test_a_server_that_ended_by_itself_says_why_and_is_removed(
    stage: Stage, exit_code: int, oom: bool, cause: Cause
) -> None:
    spawner = stage.spawner()
    await spawn(spawner)
    await stage.engine.kill(stage.engine.only, exit_code, oom=oom)
    assert await spawner.poll() == exit_code
    await stop(spawner)
    (ending,) = stage.policy.ended
    assert (ending.cause, ending.detail) == (cause, f"exit code {exit_code}")
    assert stage.engine.containers == {}


async def test_a_stop_removes_the_container_and_tells_once(stage: Stage) -> None:
    spawner = stage.spawner()
    await spawn(spawner)
    await stop(spawner)
    assert stage.engine.containers == {}
    assert stage.policy.causes == [Cause.STOPPED]
    assert await spawner.poll() == 0


@pytest.mark.parametrize("verb", ["inspect", "stop", "remove"])
async def test_a_stop_waits_for_an_engine_that_cannot_be_asked(stage: Stage, verb: str) -> None:
    spawner = stage.spawner()
    await spawn(spawner)
    stage.engine.trouble[verb] = status(500)
    stopping = asyncio.create_task(stop(spawner))
    await asyncio.sleep(0.5)
    assert not stopping.done() and stage.policy.ended == []
    stage.engine.trouble.clear()
    await stopping
    assert stage.engine.containers == {}
    assert stage.policy.causes == [Cause.STOPPED]


async def test_a_stop_waits_for_an_engine_that_is_down(stage: Stage) -> None:
    spawner = stage.spawner()
    await spawn(spawner)
    await stage.engine.close()
    stopping = asyncio.create_task(stop(spawner))
    await asyncio.sleep(0.3)
    assert not stopping.done()
    await stage.engine.start()
    await stopping
    assert stage.engine.containers == {}


async def test_a_database_that_is_away_delays_the_record_not_the_stop(stage: Stage) -> None:
    spawner = stage.spawner()
    await spawn(spawner)
    stage.policy.database_down = True
    await stop(spawner)
    assert stage.engine.containers == {} and stage.policy.ended == []
    stage.policy.database_down = False
    await eventually(lambda: stage.policy.causes == [Cause.STOPPED])
