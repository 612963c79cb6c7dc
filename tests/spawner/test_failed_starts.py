"""A start that does not come off says why, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest
from jupyterhub.spawner import SpawnException

from spawner.ending import Cause
from spawner.errors import CarrelError, Code
from tests.spawner.fake_engine import slow, status
from tests.spawner.stage import (
    DOCKER_PY_LEAKS,
    Stage,
    eventually,
    noted,
    spawn,
)

pytestmark = pytest.mark.filterwarnings(DOCKER_PY_LEAKS)


@pytest.mark.parametrize(
    "options", [{"profile": "huge"}, {"image": "evil:1"}, {"profile": "small", "cpu_limit": 64}]
)
async def test_options_that_no_profile_offers_start_nothing(stage: Stage, options: Any) -> None:
    spawner = stage.spawner()
    with pytest.raises(SpawnException) as refused:
        await spawn(spawner, options)
    assert refused.value.status_code == 400
    assert "small, big" in refused.value.jupyterhub_message
    assert stage.engine.containers == {} and stage.policy.ended == []
    # JupyterHub would start the next time with what was stored.
    assert spawner.orm_spawner.user_options == {}


async def test_the_form_refuses_what_no_profile_offers(stage: Stage) -> None:
    spawner = stage.spawner()
    assert spawner.run_options_from_form({"profile": ["big"], "_xsrf": ["x"]}) == {"profile": "big"}
    for form in ({"profile": ["huge"]}, {"profile": ["small"], "image": ["evil"]}):
        with pytest.raises(SpawnException) as refused:
            spawner.run_options_from_form(form)
        assert "small, big" in refused.value.jupyterhub_message


async def test_a_refusal_of_policy_is_told_as_it_is(stage: Stage) -> None:
    stage.policy.refusal = CarrelError(Code.UNAVAILABLE, "The machine is full.", "Try later.")
    with pytest.raises(SpawnException) as refused:
        await spawn(stage.spawner())
    assert refused.value.status_code == 503
    assert refused.value.jupyterhub_message == "The machine is full. Try later."


async def test_a_missing_image_is_still_being_built(stage: Stage) -> None:
    stage.engine.images.clear()
    with pytest.raises(SpawnException) as refused:
        await spawn(stage.spawner())
    assert "still being built" in refused.value.jupyterhub_message
    await eventually(lambda: stage.policy.causes == [Cause.START_FAILED])


@pytest.mark.parametrize("verb", ["create", "start", "inspect"])
@pytest.mark.parametrize(("answer", "words"), [(500, "does not answer"), (403, "refused")])
async def test_an_engine_that_says_no_leaves_nothing_behind(
    stage: Stage, verb: str, answer: int, words: str
) -> None:
    stage.engine.trouble[verb] = status(answer)
    with pytest.raises(SpawnException) as failed:
        await spawn(stage.spawner())
    assert words in failed.value.jupyterhub_message
    stage.engine.trouble.clear()
    await eventually(lambda: not stage.engine.containers)
    await eventually(lambda: stage.policy.causes == [Cause.START_FAILED])


async def test_a_create_that_was_carried_out_without_an_answer_is_undone(stage: Stage) -> None:
    stage.engine.after["create"] = status(500)
    with pytest.raises(SpawnException):
        await spawn(stage.spawner())
    await eventually(lambda: not stage.engine.containers)


async def test_a_create_that_is_carried_out_late_is_undone(stage: Stage) -> None:
    made = []
    stage.engine.trouble["create"] = slow(2)  # the client gives up after one second
    stage.engine.after["create"] = lambda: noted(made)
    with pytest.raises(SpawnException):
        await spawn(stage.spawner())
    await eventually(lambda: made)
    await eventually(lambda: not stage.engine.containers)
    await eventually(lambda: stage.policy.causes == [Cause.START_FAILED])


async def test_a_server_that_dies_while_starting_is_not_waited_for(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.engine.server = lambda _container: None
    spawner = stage.spawner()
    spawner.log = logging.getLogger("hub")
    start = asyncio.create_task(spawn(spawner))
    await eventually(lambda: "start" in stage.engine.calls)
    began = time.monotonic()
    await stage.engine.kill(stage.engine.only, 1)
    with pytest.raises(SpawnException) as failed:
        await start
    assert time.monotonic() - began < 1.5
    assert "exit code 1" in failed.value.jupyterhub_message
    assert "the last line" in caplog.text
    assert "the last line" not in failed.value.jupyterhub_message
    await eventually(lambda: not stage.engine.containers)


async def test_a_server_killed_for_its_memory_is_told_so(stage: Stage) -> None:
    stage.engine.server = lambda _container: None
    start = asyncio.create_task(spawn(stage.spawner()))
    await eventually(lambda: "start" in stage.engine.calls)
    await stage.engine.kill(stage.engine.only, 137, oom=True)
    with pytest.raises(SpawnException) as failed:
        await start
    assert "more memory" in failed.value.jupyterhub_message


async def test_a_server_that_never_answers_is_given_up_after_the_limit(stage: Stage) -> None:
    stage.engine.server = lambda _container: None
    with pytest.raises(SpawnException) as failed:
        await spawn(stage.spawner())
    assert "did not answer within 2 seconds" in failed.value.jupyterhub_message
    await eventually(lambda: not stage.engine.containers)
    assert stage.policy.causes == [Cause.START_FAILED]


async def test_an_engine_that_goes_silent_does_not_end_a_start(stage: Stage) -> None:
    stage.engine.server = lambda _container: None
    start = asyncio.create_task(spawn(stage.spawner()))
    await eventually(lambda: "inspect" in stage.engine.calls)
    stage.engine.trouble["inspect"] = status(500)
    await asyncio.sleep(0.3)
    assert not start.done()
    start.cancel()
    await asyncio.wait([start])
