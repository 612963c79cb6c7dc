"""What a new password ends, and that the session goes on: a hub process on our configuration."""

from __future__ import annotations

import re

from tests.hub.world import PASSWORD, Browser, World, until

NEW = "quite another good one"


async def _token(world: World, name: str, note: str) -> str:
    status, made = await world.hub.api("POST", f"/users/{name}/tokens", {"note": note})
    assert status == 201
    return made["token"]


async def _knows(world: World, token: str) -> bool:
    return (await world.hub.api("GET", "/user", token=token))[0] == 200


async def _change_password(browser: Browser) -> None:
    _, page = await browser.get("/account")
    xsrf = re.search(r'name="_xsrf" value="([^"]+)"', page)
    assert xsrf
    form = {"_xsrf": xsrf[1], "change": "password", "old": PASSWORD}
    form |= {"password": NEW, "password2": NEW}
    async with browser.http.post(f"{browser.url}/account", data=form) as answer:
        assert "Your password is changed" in await answer.text()


async def test_after_a_restart_of_the_hub_too_the_session_keeps_its_token_and_no_other_stays(
    world: World, browser: Browser
) -> None:
    """A token that only says it is the session's ends as well, whenever it was made."""
    world.add("ada")
    await browser.log_in("ada")
    others = [await _token(world, "ada", note) for note in ("a program", "Server at /user/ada/")]
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    others.append(await _token(world, "ada", "Server at /user/ada/"))
    given = dict(item.split("=", 1) for item in world.engine.only.body["Env"])
    session = given["JUPYTERHUB_API_TOKEN"]
    await world.hub.stop()
    await world.hub.start()
    await until(lambda: world.ready("ada"))
    assert [await _knows(world, token) for token in (*others, session)] == [True] * 4

    await _change_password(browser)

    assert [await _knows(world, token) for token in others] == [False] * 3
    assert await _knows(world, session)
    assert await world.ready("ada")
