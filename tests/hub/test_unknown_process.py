"""A silent engine and a paused container: told within seconds, and nothing ends."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

import pytest

from hub.enums import Reason, State
from tests.hub.world import Browser, World, until
from tests.spawner.fake_engine import status

SHOWN_S, BACK_S = 15, 10


async def told(world: World) -> dict[str, Any]:
    id_ = world.session("ada").id
    code, said = await world.hub.api("GET", f"/carrel/users/ada/sessions/{id_}")
    assert code == 200
    return said


async def becomes(world: World, why: str | None, within_s: float) -> float:
    began = time.monotonic()

    async def is_so() -> bool:
        return (await told(world))["unknown"] == why

    await until(is_so, within_s)
    return time.monotonic() - began


async def never() -> None:
    await asyncio.sleep(3600)


@pytest.mark.parametrize("trouble", ["gone", "500", "hangs"])
async def test_a_silent_engine_is_told_and_nothing_ends(
    world: World, browser: Browser, trouble: str
) -> None:
    world.add("ada")
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    await browser.log_in("ada")
    await becomes(world, None, 10)
    if trouble == "gone":
        await world.engine.close()
        world.engine.socket.unlink(missing_ok=True)
    else:
        verbs = ("list", "inspect")
        does = status(500) if trouble == "500" else never
        world.engine.trouble.update(dict.fromkeys(verbs, does))
    shown_s = await becomes(world, "engine", SHOWN_S)
    _, page = await browser.get("/home")
    assert "The container engine does not answer. Your session is kept" in page
    assert (await told(world))["ready"] is True
    if trouble == "gone":
        await world.engine.start()
    else:
        world.engine.trouble.clear()
    back_s = await becomes(world, None, BACK_S)
    print(f"{trouble}: shown after {shown_s:.1f} s, back after {back_s:.1f} s")
    _, page = await browser.get("/home")
    assert "does not answer" not in page.split("<script>")[0]
    assert world.session("ada").state is State.RUNNING and await world.ready("ada")


async def test_a_paused_container_is_unknown_until_it_goes_on(world: World) -> None:
    world.add("ada")
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    world.engine.only.status = "paused"
    await becomes(world, "paused", SHOWN_S)
    world.engine.only.status = "running"
    await becomes(world, None, BACK_S)
    assert world.session("ada").state is State.RUNNING


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("exit", Reason.EXITED),
        ("oom", Reason.OUT_OF_MEMORY),
        ("oom and removed", Reason.OUT_OF_MEMORY),
        ("exit and removed", Reason.EXITED),
        ("removed", Reason.ENGINE_LOST),
    ],
)
async def test_an_end_is_on_record_within_two_seconds(
    world: World, how: str, reason: Reason
) -> None:
    """Also why, where somebody removed the container before anybody could look at it."""
    world.add("ada")
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    await until(lambda: asyncio.sleep(0, bool(world.engine.listeners)))
    container = world.engine.only
    began = time.monotonic()
    if how != "removed":
        await world.engine.kill(container, 137 if "oom" in how else 3, oom="oom" in how)
    if "removed" in how:
        await world.engine.lose(container)

    await until(lambda: asyncio.sleep(0, world.session("ada").state is State.ENDED), 5)
    took_s = time.monotonic() - began
    print(f"{how}: on record after {took_s:.2f} s")
    assert took_s < 2
    assert world.session("ada").reason is reason
    await until(lambda: no_server(world))


async def no_server(world: World) -> bool:
    return not await world.servers("ada")


async def test_events_are_heard_again_after_the_engine_was_away_and_after_a_restart(
    world: World,
) -> None:
    world.add("ada")
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    await world.engine.close()
    world.engine.socket.unlink(missing_ok=True)
    await asyncio.sleep(2)
    await world.engine.start()
    await until(lambda: asyncio.sleep(0, bool(world.engine.listeners)))

    await world.hub.stop(signal.SIGKILL)
    await until(lambda: asyncio.sleep(0, not world.engine.listeners))
    await world.hub.start()
    await until(lambda: asyncio.sleep(0, bool(world.engine.listeners)))
    await until(lambda: world.ready("ada"))
    await world.engine.kill(world.engine.only, 0)
    await until(lambda: asyncio.sleep(0, world.session("ada").state is State.ENDED), 3)
    assert "Traceback" not in world.hub.log
