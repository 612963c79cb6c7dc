"""A hub that starts again finds what the one before it left."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest
from jupyterhub.spawner import SpawnException

from spawner.ending import Cause
from tests.spawner.fake_engine import slow, status
from tests.spawner.stage import (
    DOCKER_PY_LEAKS,
    NAME,
    SESSION,
    Stage,
    eventually,
    spawn,
    stop,
)

pytestmark = pytest.mark.filterwarnings(DOCKER_PY_LEAKS)


async def test_a_new_hub_finds_the_session_where_the_engine_says_it_is(stage: Stage) -> None:
    spawner = stage.spawner()
    await spawn(spawner)
    again = stage.spawner(state=spawner.get_state())
    assert await again.poll() is None
    assert await again.get_url() == f"http://127.0.0.1:{stage.engine.port}/user/ada/"
    await stop(again)
    assert stage.engine.containers == {} and stage.policy.causes == [Cause.STOPPED]


async def test_the_state_of_a_start_is_known_before_its_container_is_made(stage: Stage) -> None:
    spawner = stage.spawner()
    stage.engine.trouble["create"] = slow(0.3)
    start = asyncio.create_task(spawn(spawner))
    await eventually(lambda: "create" in stage.engine.calls)
    assert spawner.orm_spawner.state == {"session_id": SESSION, "object_name": NAME}
    await start


async def test_a_new_hub_waits_for_the_engine_before_it_judges(stage: Stage) -> None:
    spawner = stage.spawner()
    await spawn(spawner)
    await stage.engine.close()
    again = stage.spawner(state=spawner.get_state())
    polling = asyncio.create_task(again.poll())
    await asyncio.sleep(0.3)
    assert not polling.done()
    await stage.engine.start()
    assert await polling is None


async def test_a_new_hub_ends_a_start_that_never_started(stage: Stage) -> None:
    spawner = stage.spawner()
    await spawn(spawner)
    await stage.engine._quit(stage.engine.only)
    stage.engine.only.status = "created"
    again = stage.spawner(state=spawner.get_state())
    assert await again.poll() == 0
    await stop(again)
    assert stage.engine.containers == {}
    assert stage.policy.causes == [Cause.START_INTERRUPTED]


async def test_a_session_that_only_the_record_knows_is_ended_before_the_next(stage: Stage) -> None:
    await spawn(stage.spawner())
    forgetful = stage.spawner()  # a hub whose own database was lost
    assert await forgetful.poll() == 0
    await spawn(forgetful)
    assert len(stage.engine.containers) == 1
    assert stage.policy.causes == [Cause.START_INTERRUPTED]


async def test_a_leftover_that_cannot_be_ended_refuses_the_start(stage: Stage) -> None:
    await spawn(stage.spawner())
    stage.engine.trouble["stop"] = status(500)
    with pytest.raises(SpawnException) as refused:
        await spawn(stage.spawner())
    assert "does not answer" in refused.value.jupyterhub_message
    assert len(stage.engine.containers) == 1 and stage.policy.ended == []


async def test_nothing_was_started_is_not_running(stage: Stage) -> None:
    assert await stage.spawner().poll() == 0
    assert await stage.spawner(state={}).poll() == 0
    assert stage.engine.calls == []


async def test_one_that_ends_while_a_new_hub_looks_at_it_is_waited_for_no_longer(
    stage: Stage,
) -> None:
    spawner = stage.spawner()
    await spawn(spawner)
    await stage.engine.only.runner.cleanup()  # it runs, and answers nobody
    again = stage.spawner(state=spawner.get_state())
    again._check_pending = True
    await again.get_url()
    looking = asyncio.create_task(again.server.wait_up(http=True, timeout=3600, extra_path="api"))
    await asyncio.sleep(3)
    assert not looking.done()
    stage.engine.only.status = "exited"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(looking, 10)
    assert looking.done()
    again._check_pending = False
    assert await again.poll() == 0
    await stop(again)


async def test_one_that_is_slow_when_a_new_hub_looks_at_it_is_waited_for(stage: Stage) -> None:
    spawner = stage.spawner()
    await spawn(spawner)
    again = stage.spawner(state=spawner.get_state())
    again._check_pending = True
    where = urlsplit(await again.get_url())
    again.server.ip, again.server.port = where.hostname, where.port  # as JupyterHub does
    answer = await again.server.wait_up(http=True, timeout=20, extra_path="api")
    assert answer.status < 500


async def test_a_question_that_nobody_answers_any_more_is_cut_off(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spawner.life.ONE_QUESTION_S", 0.3)
    spawner = stage.spawner()
    await spawn(spawner)
    again = stage.spawner(state=spawner.get_state())
    again._check_pending = True

    async def never(**_how: object) -> None:
        await asyncio.sleep(60)

    again.server.wait_up = never
    await again.get_url()
    looking = asyncio.create_task(again.server.wait_up(http=True, timeout=3600))
    await asyncio.sleep(1)
    assert not looking.done()
    await stage.engine._quit(stage.engine.only)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(looking, 5)
    await stop(again)
