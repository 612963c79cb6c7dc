"""A start from options to a server that answers, and the form before it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from spawner.options_form import Lack
from tests.spawner.fake_engine import notebook, slow
from tests.spawner.stage import (
    DOCKER_PY_LEAKS,
    NAME,
    Stage,
    spawn,
    stop,
)

pytestmark = pytest.mark.filterwarnings(DOCKER_PY_LEAKS)


async def test_a_start_ends_where_the_server_answers(stage: Stage) -> None:
    spawner = stage.spawner()
    address = await spawn(spawner)
    assert address == ("127.0.0.1", stage.engine.port)
    assert await spawner.poll() is None
    assert stage.engine.only.name == NAME
    assert stage.policy.urls == [f"http://127.0.0.1:{stage.engine.port}/user/ada/"]


async def test_the_server_is_given_its_own_token_and_its_limits(stage: Stage) -> None:
    await spawn(stage.spawner(), {"profile": "big"})
    environment = dict(item.split("=", 1) for item in stage.engine.only.body["Env"])
    assert environment["JUPYTERHUB_API_TOKEN"] == "a-token"
    assert environment["JUPYTERHUB_API_URL"] == "http://10.203.0.2:8081/hub/api"
    assert environment["JUPYTERHUB_SERVICE_PREFIX"] == "/user/ada/"
    assert environment["MEM_LIMIT"] == str(3 * 1024**3)
    assert environment["CPU_LIMIT"] == "2.0"
    assert stage.engine.only.body["Image"] == "carrel/ds:1"


async def test_jupyterhub_is_told_that_no_container_comes_back(stage: Stage) -> None:
    """Else it keeps the session's token and OAuth client after the session's end."""
    assert stage.spawner().will_resume is False


async def test_progress_tells_the_true_steps_to_whoever_comes_whenever(stage: Stage) -> None:
    spawner = stage.spawner()
    early = asyncio.create_task(first_events(spawner, 4))
    await asyncio.sleep(0)
    await spawn(spawner)
    told = [(10, "You have a place: Small."), (30, "The container is made."),
            (50, "The container runs; the notebook server starts."),
            (90, "The notebook server answers.")]  # fmt: skip
    assert await early == told
    assert await first_events(spawner, 4) == told


async def first_events(spawner: Any, count: int) -> list[tuple[int, str]]:
    events = []
    async for event in spawner.progress():
        events.append((event["progress"], event["message"]))
        if len(events) == count:
            break
    return events


async def test_what_was_started_last_is_offered_first(stage: Stage) -> None:
    spawner = stage.spawner()
    spawner.orm_spawner.user_options = {"profile": "big"}
    offers = await spawner.offers()
    assert offers.first and offers.first.slug == "big"
    assert [offer.slug for offer in offers.others] == ["small"]
    assert await spawner.get_options_form(), "without it JupyterHub starts at the first look"


async def test_a_profile_that_is_proposed_comes_first_and_one_that_is_gone_is_passed_over(
    stage: Stage,
) -> None:
    spawner = stage.spawner()
    for proposed, first in (("big", "big"), ("small", "small"), ("gone", "small"), (None, "small")):
        offers = await spawner.offers(proposed)
        assert offers.first and offers.first.slug == first


async def test_what_is_still_being_built_is_offered_but_not_to_start(stage: Stage) -> None:
    stage.engine.images.discard("carrel/ds:1")
    spawner = stage.spawner()
    spawner.orm_spawner.user_options = {"profile": "big"}
    offers = await spawner.offers()
    assert offers.first and offers.first.slug == "small"
    assert [(offer.slug, offer.lacks) for offer in offers.others] == [("big", Lack.IMAGE)]
    stage.engine.images.add("carrel/ds:1")
    assert (await spawner.offers()).others[0].lacks is None
    stage.engine.images.clear()
    stage.spawner_class.ready_images._seen.clear()
    offers = await spawner.offers()
    assert offers.first is None and len(offers.others) == 2


async def test_an_engine_that_cannot_be_asked_hides_no_profile(stage: Stage) -> None:
    await stage.engine.close()
    offers = await stage.spawner().offers()
    assert offers.first and all(offer.lacks is None for offer in offers.others)


async def test_thirty_at_once_all_start(stage: Stage) -> None:
    served = notebook(None)

    def one_server_for_all(_container: Any) -> Any:
        stage.engine.server = lambda _container: None
        return served

    stage.engine.server = one_server_for_all
    stage.engine.trouble["create"] = slow(0.05)
    spawners = [stage.spawner(f"user{n}") for n in range(30)]
    await asyncio.gather(*(spawn(spawner) for spawner in spawners))
    assert len(stage.engine.containers) == len(stage.policy.open) == 30
    await asyncio.gather(*(stop(spawner) for spawner in spawners))
    assert stage.engine.containers == {} and stage.policy.open == {}
