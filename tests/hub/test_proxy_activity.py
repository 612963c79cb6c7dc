"""What the proxy knows of a session's activity reaches the hub's record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.hub.world import World, until


async def started(world: World) -> None:
    world.add("ada")
    await world.start("ada")
    await until(lambda: world.ready("ada"))


def told(world: World, at: datetime) -> None:
    world.hub.proxy.routes["/user/ada"]["last_activity"] = at.isoformat()


async def checked(world: World) -> None:
    """The hub compared its routes with the proxy's: it does so when its own one is lost."""
    routes = world.hub.proxy.routes

    async def is_there() -> bool:
        return "/" in routes

    await until(is_there)
    routes.pop("/")
    await until(is_there)


async def on_record(world: World) -> tuple[datetime, datetime]:
    """Of the user and of the server."""
    _, model = await world.hub.api("GET", "/users/ada")
    times = model["last_activity"], model["servers"][""]["last_activity"]
    first, second = (datetime.fromisoformat(time) for time in times)
    return first, second


async def test_activity_that_the_proxy_saw_is_on_record_and_never_goes_back(world: World) -> None:
    await started(world)
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10)
    told(world, later)
    await checked(world)
    assert await on_record(world) == (later, later)
    told(world, later - timedelta(hours=1))
    await checked(world)
    assert await on_record(world) == (later, later)


async def test_a_route_of_nobody_is_passed_over_and_removed(world: World) -> None:
    await started(world)
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10)
    told(world, later)
    world.hub.proxy.routes["/user/gone"] = {
        "target": "http://127.0.0.1:1", "jupyterhub": True, "user": "gone", "server_name": "",
        "last_activity": later.isoformat(),
    }  # fmt: skip
    await checked(world)
    assert await on_record(world) == (later, later)

    async def is_gone() -> bool:
        return "/user/gone" not in world.hub.proxy.routes

    await until(is_gone)
