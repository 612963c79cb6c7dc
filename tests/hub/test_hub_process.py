"""The hub as it is configured: a real process, real accounts, an engine that behaves."""

from __future__ import annotations

import asyncio
import io
import signal
from datetime import UTC, datetime

import aiohttp
import pytest
from jupyterhub.httpclient import JupyterHubHTTPClient
from yarl import URL

from hub import sessions
from hub.enums import Reason, Role, State
from hub.hub_api import HubApi
from hub.installation import load
from hub.origins import Origins
from hub.web.app import make_app
from hub.web.auth import hub_oauth
from tests.hub.world import Browser, World, until
from tests.spawner.fake_engine import slow


async def test_a_session_from_start_to_stop(world: World) -> None:
    world.add("ada")
    status, _ = await world.start("ada", {"profile": "datascience"})
    assert status in (201, 202)
    await until(lambda: world.ready("ada"))
    session = world.session("ada")
    assert (session.state, session.profile) == (State.RUNNING, "datascience")
    assert session.url == f"http://127.0.0.1:{world.engine.port}/user/ada/"
    assert world.engine.only.name == f"carrel-ada-{session.id}"
    assert world.hub.proxy.routes["/user/ada"]["target"] == session.url.removesuffix("/user/ada/")

    status, _ = await world.hub.api("DELETE", "/users/ada/server")
    assert status == 204
    assert world.engine.containers == {}
    session = world.session("ada")
    assert (session.state, session.reason) == (State.ENDED, Reason.STOPPED_BY_USER)
    assert "/user/ada" not in world.hub.proxy.routes


def _token(world: World) -> str:
    """What the session in the only container was given."""
    variables = dict(one.split("=", 1) for one in world.engine.only.body["Env"])
    return variables["JUPYTERHUB_API_TOKEN"]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_sessions_token_dies_with_it(world: World, restarted: bool) -> None:
    world.add("ada")
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    token = _token(world)
    _, own = await world.hub.api("POST", "/users/ada/tokens", {"note": "my own"})
    if restarted:
        await world.hub.stop(signal.SIGKILL)
        await world.hub.start()
        await until(lambda: world.ready("ada"))
    assert (await world.hub.api("GET", "/user", token=token))[0] == 200
    assert (await world.hub.api("DELETE", "/users/ada/server"))[0] == 204
    assert (await world.hub.api("GET", "/user", token=token))[0] == 403
    # What people made for themselves stays, and so does the next session's.
    assert (await world.hub.api("GET", "/user", token=own["token"]))[0] == 200
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    assert (await world.hub.api("GET", "/user", token=_token(world)))[0] == 200


async def test_a_token_of_a_session_that_ended_while_the_hub_was_away_is_dead(
    world: World,
) -> None:
    world.add("ada")
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    token = _token(world)
    await world.hub.stop(signal.SIGKILL)
    await world.engine.kill(world.engine.only, 1)
    await world.hub.start()

    async def dead() -> bool:
        return (await world.hub.api("GET", "/user", token=token))[0] == 403

    await until(dead)


async def test_starts_that_may_not_be_are_refused_with_a_sentence(world: World) -> None:
    world.add("ada")
    for options in ({"profile": "huge"}, {"image": "evil:1"}, {"profile": "small", "cmd": "x"}):
        status, answer = await world.start("ada", options)
        assert status == 400 and "Profiles offered here: small, datascience." in answer["message"]
    # A name that only the hub knows: Carrel's accounts decide.
    status, answer = await world.start("nobody")
    assert status == 403
    assert world.engine.containers == {} and world.store.read(sessions.active) == []
    # What was refused is not what starts the next time.
    status, _ = await world.start("ada")
    assert status in (201, 202)


async def test_a_form_of_more_than_a_mebibyte_is_not_taken_into_memory(world: World) -> None:
    form = io.BytesIO(b"x" * 3_000_000)
    async with aiohttp.ClientSession() as http:
        try:
            async with http.post(f"{world.hub.url}/login", data=form) as response:
                status = response.status
        except aiohttp.ClientError:
            status = 400  # the hub has hung up while we were still sending
    assert status == 400, "403 is what a form gets that was taken whole and has no XSRF token"


async def test_a_start_cancelled_at_create_leaves_no_container_and_no_ghost(world: World) -> None:
    world.add("ada")
    world.engine.trouble["create"] = slow(2.5)
    starting = asyncio.create_task(world.start("ada"))
    await until(lambda: asyncio.sleep(0, "create" in world.engine.calls))
    status, _ = await world.hub.api("DELETE", "/users/ada/server")
    assert status in (202, 204)
    await starting
    await until(lambda: asyncio.sleep(0, world.session("ada").state is State.ENDED))
    await until(lambda: _none(world, "ada"))
    assert world.engine.containers == {}
    world.engine.trouble.clear()
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    assert len(world.engine.containers) == 1


async def _none(world: World, name: str) -> bool:
    return not await world.servers(name)


async def test_a_killed_hub_finds_its_sessions_though_the_engine_comes_later(world: World) -> None:
    world.add("ada")
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    session = world.session("ada")
    await world.hub.stop(signal.SIGKILL)
    await world.engine.close()
    await world.hub.start()
    await asyncio.sleep(2)
    assert (await world.servers("ada"))[""]["pending"] == "check"
    await world.engine.start()
    await until(lambda: world.ready("ada"))
    assert world.session("ada") == session and len(world.engine.containers) == 1


async def test_a_hub_killed_during_a_start_adopts_the_server(world: World) -> None:
    world.add("ada")
    world.engine.trouble["inspect"] = slow(3)
    starting = asyncio.create_task(world.start("ada"))
    await until(lambda: asyncio.sleep(0, "inspect" in world.engine.calls))
    await world.hub.stop(signal.SIGKILL)
    with pytest.raises(aiohttp.ClientError):
        await starting
    assert world.session("ada").state is State.STARTING
    world.engine.trouble.clear()
    await world.hub.start()
    await until(lambda: world.ready("ada"))
    assert world.session("ada").state is State.RUNNING
    await until(lambda: asyncio.sleep(0, "/user/ada" in world.hub.proxy.routes))


async def test_a_session_that_dies_says_why(world: World) -> None:
    world.add("ada")
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    await world.engine.kill(world.engine.only, 137, oom=True)
    await world.hub.api("POST", "/users/ada/server")  # whoever asks finds out at once
    await until(lambda: asyncio.sleep(0, len(world.store.read(sessions.of_user, "ada")) == 2))
    assert world.store.read(sessions.of_user, "ada")[1].reason is Reason.OUT_OF_MEMORY


async def test_the_pages_of_a_student(world: World, browser: Browser) -> None:
    world.add("ada")
    await browser.log_in("ada")
    status, start = await browser.get("/spawn")
    assert status == 200 and 'value="small"' in start and 'value="datascience"' in start
    assert start.index('value="small"') < start.index('value="datascience"')
    status, home = await browser.get("/home")
    assert status == 200 and 'value="small"' in home and 'id="stop"' not in home

    status, refused = await browser.submit(start, profile="huge")
    assert status == 400 and 'role="alert"' in refused and "small, datascience" in refused

    world.engine.trouble["create"] = slow(2)
    status, progress = await browser.submit(home, profile="datascience")
    assert status == 200 and 'aria-live="polite"' in progress and 'id="cancel"' in progress
    await until(lambda: world.ready("ada"))
    status, home = await browser.get("/home")
    assert status == 200 and 'id="stop"' in home and "Data science" in home
    await world.hub.api("DELETE", "/users/ada/server")
    status, start = await browser.get("/spawn")
    assert start.index('value="datascience"') < start.index('value="small"')  # what was last


async def test_a_failed_start_says_what_happened_and_leads_back(
    world: World, browser: Browser
) -> None:
    world.add("ada")
    await browser.log_in("ada")
    _, start = await browser.get("/spawn")
    world.engine.server = lambda _container: None
    await browser.submit(start, profile="small")
    await world.engine.kill(world.engine.only, 3)
    await until(lambda: _none(world, "ada"))
    status, page = await browser.get("/spawn-pending/ada")
    assert status == 500 and "exit code 3" in page and "SpawnException" not in page
    assert 'href="/hub/spawn/ada/"' in page or 'href="/hub/spawn/ada"' in page


async def test_an_admin_may_do_everything_but_enter_a_students_server(
    world: World, browser: Browser
) -> None:
    world.add("root", Role.ADMIN)
    world.add("ada")
    await browser.log_in("root")
    status, _ = await browser.get("/admin")
    assert status == 403, "JupyterHub's own page makes users that Carrel knows nothing of"
    _, token = await world.hub.api("POST", "/users/root/tokens", {})
    _, me = await world.hub.api("GET", "/user", token=token["token"])
    assert "custom:carrel:admin" in me["scopes"] and "admin:users" in me["scopes"]
    assert not any(s.startswith("access:servers") and "=root" not in s for s in me["scopes"])
    await world.start("ada")
    _, ada = await world.hub.api("GET", "/users/ada", token=token["token"])
    assert ada["name"] == "ada"
    status, _ = await world.hub.api("DELETE", "/users/ada/server", token=token["token"])
    assert status in (202, 204)


async def test_the_web_service_lets_in_whom_the_hub_lets_in(world: World, browser: Browser) -> None:
    world.add("root", Role.ADMIN)
    world.add("ada")
    hub, ours = world.hub, load(world.hub.data_dir / "etc")
    token, api = ours.secret("web/token"), f"{hub.url}/api"
    auth = hub_oauth(token, Origins("", ""), api)
    server = make_app(ours, world.store, auth, HubApi(token, api)).listen(hub.web_port)

    async def visit(path: str) -> tuple[int, str]:
        """Follows redirects as a browser behind the proxy would."""
        for _ in range(6):
            port = hub.web_port if path.startswith("/services/carrel/") else hub.hub_port
            where = URL(f"http://127.0.0.2:{port}{path}", encoded=True)
            async with browser.http.get(where, allow_redirects=False) as answer:
                if answer.status != 302:
                    return answer.status, await answer.text()
                path = answer.headers["Location"]
        raise AssertionError(f"no end of redirects: {path}")

    try:
        assert "<h1>Log in to Carrel</h1>" in (await visit("/services/carrel/"))[1]
        await browser.log_in("ada")
        status, page = await visit("/services/carrel/")
        assert status == 200 and "<strong>ada</strong>" in page
        assert (await visit("/services/carrel/admin"))[0] == 403
        browser.http.cookie_jar.clear()
        await browser.log_in("root")
        status, page = await visit("/services/carrel/admin")
        assert status == 200 and "holds about" in page
    finally:
        server.stop()
        await server.close_all_connections()
        await JupyterHubHTTPClient.loop_instance().close()


async def test_a_place_that_the_hub_has_forgotten_is_shown_as_kept_and_taken_up(
    world: World, browser: Browser
) -> None:
    world.add("ada")
    await browser.log_in("ada")
    assert "No session is running" in (await browser.get("/spawn-pending/ada"))[1]
    kept = world.store.decide(sessions.open_session, "ada", "small", datetime.now(UTC))
    _, page = await browser.get("/spawn-pending/ada")
    assert "Your place in the queue is kept" in page and 'http-equiv="refresh"' in page
    await world.start("ada", {"profile": "small"})
    await until(lambda: world.ready("ada"))
    assert world.session("ada").id == kept.id


async def test_students_see_neither_the_machine_nor_others(world: World, browser: Browser) -> None:
    world.add("ada")
    world.add("bob")
    await browser.log_in("ada")
    assert (await browser.get("/admin"))[0] == 403
    assert (await browser.get("/spawn/bob"))[0] == 404
    _, token = await world.hub.api("POST", "/users/ada/tokens", {})
    status, _ = await world.hub.api("POST", "/users/bob/server", token=token["token"])
    assert status in (403, 404)
    assert world.engine.containers == {}


async def test_errors_are_pages_with_a_way_back(world: World, browser: Browser) -> None:
    status, page = await browser.get("/no-such-page")
    assert status == 404 and "There is no such page" in page and "Traceback" not in page
