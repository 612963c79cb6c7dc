"""Hub and housekeeping as they run: whoever is out of a course is held to what is left."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hub import courses, members
from hub.audit import By
from hub.courses import Wish
from hub.enums import Role
from hub.powers import Actor
from tests.hub.test_open_page import location
from tests.hub.world import Browser, World, opened, until
from tests.spawner.fake_engine import FakeEngine

TESS, ADA = Actor("tess", Role.TEACHER), Actor("ada", Role.STUDENT)


def by(who: Actor) -> By:
    return By(who.name, datetime.now(UTC))


class Asked:
    """What a node was asked about courses; ``showing`` happens while it shows one."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.kept: list[list[str]] = []
        self.showing: Callable[[], Any] = lambda: None

    async def show(self, request: web.Request) -> web.Response:
        self.shown.append(request.match_info["slug"])
        self.showing()
        return web.Response(status=204)

    async def keep(self, request: web.Request) -> web.Response:
        self.kept.append((await request.json())["courses"])
        return web.Response(status=204)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    made = Asked()
    routes = [
        web.post("/carrel/sessions/{name}/courses/{slug}", made.show),
        web.put("/carrel/sessions/{name}/courses", made.keep),
    ]
    monkeypatch.setattr(FakeEngine, "more_routes", lambda _: routes)
    return made


@pytest.fixture
async def world(tmp_path: Path, cheap_hashes: None, asked: Asked) -> AsyncIterator[World]:
    """Somebody with a session, who joins a course then."""
    async with opened(tmp_path) as world:
        world.add("tess", Role.TEACHER)
        world.add("ada")
        world.store.decide(courses.make, TESS, "ds-24", Wish("Data"), by(TESS))
        await world.start("ada")
        await until(lambda: world.ready("ada"))
        world.store.decide(members.join, ADA, "ds-24", "", by(ADA))
        yield world


def times(asked: Asked, count: int, slugs: list[str]) -> Callable[[], Any]:
    async def are() -> bool:
        return asked.kept.count(slugs) == count

    return are


async def test_housekeeping_takes_it_away(world: World, asked: Asked) -> None:
    await until(times(asked, 1, ["ds-24"]))
    before = asked.kept.count([])
    world.store.decide(members.remove, TESS, "ds-24", "ada", by(TESS))
    await until(times(asked, before + 1, []), 10)


async def test_who_is_put_out_while_it_is_shown_does_not_see_it(
    world: World, browser: Browser, asked: Asked
) -> None:
    """Housekeeping may have been there just before."""
    await until(times(asked, 1, ["ds-24"]))
    before = asked.kept.count([])
    asked.showing = lambda: world.store.decide(members.remove, TESS, "ds-24", "ada", by(TESS))
    await browser.log_in("ada")
    assert await location(browser, "/open/course/ds-24") == "/user/ada/carrel/course/ds-24"
    assert asked.shown == ["ds-24"]
    # Once by the hub itself, once by housekeeping.
    await until(times(asked, before + 2, []), 10)
