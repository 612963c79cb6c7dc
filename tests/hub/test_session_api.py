"""The one way in which sessions end, in a real hub process: by their id, with their reason."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any

import pytest

from hub import sessions
from hub.enums import Reason, State
from tests.hub.world import Browser, World, answering_for_all, opened, until
from tests.spawner.fake_engine import slow

NOBODY = "0123456789ab"


async def runs(world: World, name: str) -> str:
    """The id of a session of theirs that runs."""
    if not world.store.read(sessions.of_user, name):
        with contextlib.suppress(Exception):
            world.add(name)
    await world.start(name)
    await until(lambda: world.ready(name))
    return world.session(name).id


async def end(
    world: World, name: str, session: str, body: Any = None, token: str | None = None
) -> tuple[int, Any]:
    return await world.hub.api("DELETE", f"/carrel/users/{name}/sessions/{session}", body, token)


async def token_of(world: World, name: str) -> str:
    _, answer = await world.hub.api("POST", f"/users/{name}/tokens", {})
    return str(answer["token"])


async def ended(world: World, session: str) -> None:
    async def is_over() -> bool:
        return world.store.read(sessions.get, session).state is State.ENDED

    await until(is_over)


async def test_a_session_ends_with_its_reason_and_only_once(world: World) -> None:
    session = await runs(world, "ada")
    ask = {"reason": "admin", "detail": "The room is needed."}
    assert (await end(world, "ada", session, ask))[0] == 204
    there = world.store.read(sessions.get, session)
    assert (there.state, there.reason, there.detail) == (
        State.ENDED, Reason.ADMIN, "The room is needed.",
    )  # fmt: skip
    assert world.engine.containers == {} and not await world.servers("ada")
    status, said = await end(world, "ada", session)
    assert (status, said["message"]) == (404, "This session has ended already.")


async def test_a_stop_that_comes_late_never_hits_the_session_started_since(world: World) -> None:
    first = await runs(world, "ada")
    await end(world, "ada", first)
    second = await runs(world, "ada")
    answers = await asyncio.gather(*(end(world, "ada", first) for _ in range(20)))
    assert {status for status, _ in answers} == {404}
    assert await world.ready("ada")
    assert world.store.read(sessions.get, second).state is State.RUNNING


async def test_many_ends_at_once_are_one_and_the_first_reason_stays(world: World) -> None:
    session = await runs(world, "ada")
    world.engine.trouble["stop"] = slow(0.5)
    first = asyncio.create_task(end(world, "ada", session, {"reason": "idle"}))
    await until(lambda: asyncio.sleep(0, "stop" in world.engine.calls))
    answers = await asyncio.gather(*(end(world, "ada", session) for _ in range(20)))
    assert {status for status, _ in answers} == {202}
    assert (await first)[0] == 204
    assert world.session("ada").reason is Reason.IDLE
    assert world.engine.calls.count("stop") == 1
    assert "Traceback" not in world.hub.log


async def test_a_start_is_ended_in_the_queue_and_while_its_container_starts(tmp_path, cheap_hashes):
    async with (
        opened(tmp_path, capacity={"start_slots": 1}) as world,
        answering_for_all(world),
    ):
        world.engine.trouble["start"] = slow(1.5)
        asking = []
        for name in ("ada", "bob"):
            world.add(name)
            asking.append(asyncio.create_task(world.start(name)))
            await until(lambda name=name: has_row(world, name))
        await until(lambda: asyncio.sleep(0, "start" in world.engine.calls))
        for name in ("bob", "ada"):
            session = world.session(name).id
            status, _ = await end(world, name, session, {"reason": "admin", "detail": "No."})
            assert status in (202, 204)
            await ended(world, session)
            there = world.session(name)
            assert (there.reason, there.detail) == (Reason.ADMIN, "No.")
        await until(lambda: asyncio.sleep(0, world.engine.containers == {}))
        assert {status for status, _ in await asyncio.gather(*asking)} == {409}
        assert not await world.servers("ada") and not await world.servers("bob")
        # And both start again.
        world.engine.trouble.clear()
        for name in ("ada", "bob"):
            await world.start(name)
            await until(lambda name=name: world.ready(name))
        assert "Traceback" not in world.hub.log


async def has_row(world: World, name: str) -> bool:
    return bool(world.store.read(sessions.of_user, name))


async def test_between_a_cancel_and_its_end_nothing_is_started_or_taken_for_ready(
    world: World,
) -> None:
    world.add("ada")
    world.engine.trouble["start"] = slow(1)
    asking = asyncio.create_task(world.start("ada"))
    await until(lambda: asyncio.sleep(0, "start" in world.engine.calls))
    ending = asyncio.create_task(end(world, "ada", world.session("ada").id))
    seen, starts = set(), []
    while not ending.done():
        for server in (await world.servers("ada")).values():
            seen.add((server["ready"], server["pending"]))
        starts.append((await world.hub.api("POST", "/users/ada/server"))[0])
    await ending
    assert seen <= {(False, "spawn"), (False, "stop")}
    assert max(starts) < 500
    assert (await asking)[0] == 409  # whoever asked for it is told


@pytest.mark.parametrize("session", [NOBODY, "theirs"])
async def test_nobody_ends_sees_or_starts_what_is_anothers(
    world: World, browser: Browser, session: str
) -> None:
    theirs = await runs(world, "ada")
    world.add("eve")
    await world.hub.api("POST", "/users/eve")
    token = await token_of(world, "eve")
    id_ = theirs if session == "theirs" else session
    for name in ("ada", "eve"):
        status, _ = await end(world, name, id_, token=token)
        assert status == 404
    for path in (f"/carrel/users/ada/sessions/{id_}", "/carrel/sessions"):
        status, _ = await world.hub.api("GET", path, token=token)
        assert status in (403, 404)
    # Nor starts something for others, or a second one under another name.
    for path in ("/users/ada/server", "/users/ada/servers/second", "/users/eve/servers/second"):
        status, _ = await world.hub.api("POST", path, token=token)
        assert status in (400, 403, 404), path
    await browser.log_in("eve")
    xsrf = next(c.value for c in browser.http.cookie_jar if c.key == "_xsrf")
    url = f"{browser.url}/spawn/ada?_xsrf={xsrf}"
    async with browser.http.post(url, data={"profile": "small"}) as answer:
        assert answer.status in (403, 404)
    assert len(world.engine.containers) == 1
    status, _ = await end(world, "ada", theirs, token="0" * 32)
    assert status == 403
    assert await world.ready("ada")


REFUSED = [
    ({"reason": "out_of_memory"}, 403),
    ({"reason": "no such"}, 400),
    ({"reason": ["admin"]}, 400),
    ({"detail": "two\nlines"}, 400),
    ({"detail": "x" * 501}, 400),
    ({"more": 1}, 400),
    (["admin"], 400),
    ("admin", 400),
]


async def test_what_it_may_not_be_told_is_refused(one: World) -> None:
    session = one.session("ada").id
    for body, status in REFUSED:
        answered, said = await end(one, "ada", session, body)
        assert (answered, said["status"]) == (status, status), body
        assert said["message"]
    assert one.session("ada").state is State.RUNNING


@pytest.fixture
async def one(world: World) -> World:
    await runs(world, "ada")
    return world


async def test_people_say_of_themselves_only_what_is_true(one: World) -> None:
    token = await token_of(one, "ada")
    session = one.session("ada").id
    for reason in ("admin", "idle"):
        status, _ = await end(one, "ada", session, {"reason": reason}, token)
        assert status == 403
    assert (await end(one, "ada", session, None, token))[0] == 204
    assert one.session("ada").reason is Reason.STOPPED_BY_USER


async def test_a_form_of_another_site_ends_nothing(one: World, browser: Browser) -> None:
    await browser.log_in("ada")
    session = one.session("ada").id
    url = f"{browser.url}/api/carrel/users/ada/sessions/{session}"
    async with browser.http.delete(url, headers={"Origin": "http://evil.example"}) as answer:
        assert answer.status == 403
    assert await one.ready("ada")


async def test_the_hub_lists_what_it_has_in_one_answer(one: World) -> None:
    token = (one.hub.data_dir / "secrets" / "hub" / "cli_token").read_text()
    status, said = await one.hub.api("GET", "/carrel/sessions", token=token)
    assert status == 200
    assert said["sessions"] == [{"user": "ada", "session": one.session("ada").id, "pending": None}]


async def test_a_form_sent_many_times_at_once_starts_one_and_all_see_it(
    world: World, browser: Browser
) -> None:
    world.add("ada")
    await browser.log_in("ada")
    _, page = await browser.get("/spawn")
    action = re.search(r'<form[^>]*action="/hub(/spawn[^"]*)"', page)
    assert action

    async def send() -> tuple[int, str]:
        url = f"{browser.url}{action[1].replace('&amp;', '&')}"
        form = {"profile": "small"}
        async with browser.http.post(url, data=form, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location", "")

    answers = await asyncio.gather(*(send() for _ in range(40)))
    assert {(status, to.partition("?")[0]) for status, to in answers} <= {
        (302, "/hub/spawn-pending/ada"),
        (400, ""),  # it was ready before that one was looked at
        (409, ""),
    }
    assert "Traceback" not in world.hub.log
    await until(lambda: world.ready("ada"))
    assert len(world.store.read(sessions.of_user, "ada")) == 1
    assert len(world.engine.containers) == 1


async def test_an_end_while_the_proxy_is_away_comes_when_it_is_back(one: World) -> None:
    session = one.session("ada").id
    await one.hub.proxy.close()
    assert (await end(one, "ada", session, {"reason": "idle"}))[0] == 202
    assert one.session("ada").state is State.RUNNING
    await one.hub.proxy.start()
    await ended(one, session)
    assert one.session("ada").reason is Reason.IDLE
