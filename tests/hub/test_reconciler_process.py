"""What a killed hub leaves is adopted or removed by the next one: real processes."""

from __future__ import annotations

import asyncio
import signal
import time
from datetime import UTC, datetime

from hub import sessions
from hub.enums import Reason, State
from tests.hub.world import World, until
from tests.spawner.fake_engine import FakeContainer, slow


def _left(world: World, name: str, user: str, session: str, status: str) -> None:
    body = {"Labels": {"carrel.user": user, "carrel.session": session}}
    world.engine.containers[name] = FakeContainer(name.ljust(64, "0"), name, body, status=status)


async def test_orphans_are_removed_and_interrupted_starts_ended_within_half_a_minute(
    world: World,
) -> None:
    """Four ways: with no row, before and after the container was made, a second one of a user."""
    now = datetime.now(UTC)
    for name in ("ada", "bob", "eve"):
        world.add(name)
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    await world.hub.stop(signal.SIGKILL)
    left = {}
    for name in ("bob", "eve"):
        left[name] = world.store.decide(sessions.open_session, name, "small", now).id
        world.store.decide(sessions.mark_starting, left[name], now)
    second = "carrel-ada-feedfeedfee1"
    orphans = {f"carrel-eve-{left['eve']}", "carrel-mia-feedfeedfeed", second}
    _left(world, second, "ada", "feedfeedfee1", "running")
    _left(world, f"carrel-eve-{left['eve']}", "eve", left["eve"], "created")
    _left(world, "carrel-mia-feedfeedfeed", "mia", "feedfeedfeed", "created")

    began = time.monotonic()
    await world.hub.start()

    async def clean() -> bool:
        states = {world.store.read(sessions.get, id_).state for id_ in left.values()}
        return states == {State.ENDED} and not orphans & world.engine.containers.keys()

    await until(clean, 30)
    assert time.monotonic() - began < 30
    reasons = {world.store.read(sessions.get, id_).reason for id_ in left.values()}
    assert reasons == {Reason.FAILED_TO_START}
    assert f"carrel-ada-{world.session('ada').id}" in world.engine.containers
    assert world.session("ada").state is State.RUNNING
    assert await world.ready("ada")


async def test_a_session_that_the_hub_has_lost_ends_within_a_minute(world: World) -> None:
    """On record as running, with a container that lives, and this hub says nothing of it."""
    for name in ("ada", "bob"):
        world.add(name)
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    now = datetime.now(UTC)
    lost = world.store.decide(sessions.open_session, "bob", "small", now)
    world.store.decide(sessions.mark_running, lost.id, "c", "http://127.0.0.1/", now)
    _left(world, f"carrel-bob-{lost.id}", "bob", lost.id, "running")
    began = time.monotonic()

    async def is_over() -> bool:
        return world.store.read(sessions.get, lost.id).state is State.ENDED

    await until(is_over, 60)
    print(f"noticed and ended after {time.monotonic() - began:.0f} s")
    assert world.store.read(sessions.get, lost.id).reason is Reason.UNKNOWN
    assert [*world.engine.containers] == [f"carrel-ada-{world.session('ada').id}"]
    assert await world.ready("ada")


async def test_a_hub_killed_in_the_middle_of_a_start_leaves_one_session_or_none(
    world: World,
) -> None:
    world.add("ada")
    world.engine.trouble["start"] = slow(1.5)
    starting = asyncio.create_task(world.start("ada"))
    await until(lambda: asyncio.sleep(0, "start" in world.engine.calls))
    await world.hub.stop(signal.SIGKILL)
    await asyncio.gather(starting, return_exceptions=True)
    world.engine.trouble.clear()
    await world.hub.start()

    async def settled() -> bool:
        state = world.session("ada").state
        containers = len(world.engine.containers)
        return (state, containers) in ((State.ENDED, 0), (State.RUNNING, 1))

    await until(settled, 30)
    adopted = world.session("ada").state is State.RUNNING
    assert await world.ready("ada") is adopted
