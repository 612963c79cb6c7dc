"""Housekeeping as the hub starts it: real processes, real homes, an engine that behaves."""

from __future__ import annotations

import asyncio
import signal
import time
from datetime import UTC, datetime, timedelta

from hub import accounts, departures, homes
from hub.audit import COMMAND_LINE, By
from hub.enums import Reason, State
from tests.hub.world import World, until


def _by() -> By:
    return By(COMMAND_LINE, datetime.now(UTC))


async def test_what_was_left_half_done_is_done_when_the_hub_is_back(world: World) -> None:
    """Disabled and deleted in the database, and then everything died before the hub was told."""
    for name in ("off", "well"):
        world.add(name)
        await world.start(name)
        await until(lambda name=name: world.ready(name))
        # One address for all containers: the next one takes the port.
        if name == "off":
            await world.engine._quit(world.engine.only)
    world.store.decide(accounts.disable, "off", _by())
    await world.hub.stop(signal.SIGKILL)

    await world.hub.start()

    async def gone() -> bool:
        status, _ = await world.hub.api("GET", "/users/off")
        return status == 404

    await until(gone)
    session = world.session("off")
    assert session.state is State.ENDED
    assert session.reason is not Reason.OUT_OF_MEMORY
    assert (await world.hub.api("GET", "/users/well"))[0] == 200
    assert "off is not let in any more: session and logins are ended." in world.hub.log
    assert "well is not let in" not in world.hub.log


async def test_a_proxy_that_was_restarted_has_its_routes_back_within_ten_seconds(
    world: World,
) -> None:
    world.add("ada")
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    routes = world.hub.proxy.routes
    await until(lambda: asyncio.sleep(0, {"/", "/user/ada"} <= routes.keys()))
    wanted = {path: route["target"] for path, route in routes.items()}
    # Away for a while, then back with none: nothing else may come of it.
    await world.hub.proxy.close()
    routes.clear()
    await asyncio.sleep(4)
    await world.hub.proxy.start()
    began = time.monotonic()

    async def back() -> bool:
        return wanted == {path: route["target"] for path, route in routes.items()}

    await until(back, 10)
    assert time.monotonic() - began < 10
    assert await world.ready("ada")
    assert "The proxy had no routes and has them again." in world.hub.log
    assert "Traceback" not in world.hub.log


async def test_it_outlives_a_node_that_does_not_know_its_questions(world: World) -> None:
    """The stand-in for node answers 404 to questions about homes: an empty list is not made up."""
    world.add("mia")
    world.store.decide(homes.record, "mia", 1, datetime.now(UTC))
    world.store.decide(accounts.remove, "mia", _by(), datetime.now(UTC) + timedelta(days=1))
    said = "[housekeeping] WARNING The program that reads files does not answer right now."
    await until(lambda: asyncio.sleep(0, said in world.hub.log))
    assert "Traceback" not in world.hub.log
    assert world.store.read(homes.sizes).keys() == {"mia"}
    assert world.store.read(departures.listed)
