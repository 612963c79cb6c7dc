"""Secrets through a real hub: sealed for web, opened for a session and a granted notebook."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from hub import accounts, secret_grants, user_secrets
from hub.audit import By
from hub.enums import GrantState, Role
from hub.hub_api import HubApi
from hub.models import secrets as rows
from hub.sealing import KEY
from hub.secret_grants import MOST_ASKED, Reader
from hub.user_secrets import Sealed
from spawner.errors import CarrelError, Code
from tests.hub.test_course_api import token_of
from tests.hub.world import Browser, World, answering_for_all
from tests.images.session_server import SKEL

VALUE = "hf_very-secret-ä\nsecond line"
PAGE = "/services/carrel/secrets"


def by(who: str) -> By:
    return By(who, datetime.now(UTC))


def web(world: World) -> HubApi:
    """The hub's API as web calls it."""
    token = (world.hub.data_dir / "secrets" / "web" / "token").read_text()
    return HubApi(token, f"{world.hub.url}/api")


async def keep(world: World, user: str, name: str = "KEY", value: str = VALUE) -> None:
    """What web does with what is typed on its page."""
    sealed = await asyncio.to_thread(web(world).seal, user, name, value)
    world.store.decide(user_secrets.save, user, Sealed(name, sealed, True), by(user))


async def ask(
    world: World, token: str, notebook: str = "lab1.ipynb", name: str = "KEY"
) -> tuple[int, Any]:
    url = f"/carrel/secrets/{name}?notebook={notebook}"
    return await world.hub.api("GET", url, None, token)


def asked(world: World, user: str = "ada") -> list[str]:
    grants = world.store.read(secret_grants.of_user, user)
    return [grant.notebook for grant in grants if grant.state is GrantState.ASKED]


def everything_logged(world: World) -> str:
    with world.store.reading() as tx:
        audit = str(tx.execute(sa.text("SELECT * FROM audit")).all())
    return world.hub.log + audit


async def test_a_notebook_is_refused_remembered_allowed_and_reads(world: World) -> None:
    world.add("ada")
    token = await token_of(world, "ada")
    await keep(world, "ada")

    status, said = await ask(world, token)
    assert status == 403 and "Press Allow on the page Secrets" in said["message"]
    assert said["page"].endswith(PAGE) and said["page"].startswith("http://")
    assert (await ask(world, token))[0] == 403
    assert asked(world) == ["lab1.ipynb"]

    world.store.decide(secret_grants.allow, Reader("ada", "KEY", "lab1.ipynb"), by("ada"))
    assert await ask(world, token) == (200, {"value": VALUE})
    assert (await ask(world, token, "lab2.ipynb"))[0] == 403
    world.store.decide(secret_grants.withdraw, Reader("ada", "KEY", "lab1.ipynb"), by("ada"))
    assert (await ask(world, token))[0] == 403
    world.store.decide(user_secrets.set_everywhere, "ada", "KEY", True, by("ada"))
    for notebook in ("lab2.ipynb", "", "../x.ipynb"):
        assert await ask(world, token, notebook) == (200, {"value": VALUE})

    with world.store.reading() as tx:
        assert VALUE not in str(tx.execute(sa.select(rows)).all())
    for word in (VALUE, "hf_very", "second line", "KEY", "lab1"):
        assert word not in everything_logged(world)


async def test_the_program_in_a_session_gets_it_with_colabs_words(world: World) -> None:
    world.add("ada")
    token = await token_of(world, "ada")
    await keep(world, "ada")
    home = world.hub.data_dir / "homes" / "ada"

    async def cell(code: str) -> str:
        more = {
            "PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(SKEL / "lib"),
            "CARREL_HOME": str(home), "JPY_SESSION_NAME": str(home / "courses" / "lab 1.ipynb"),
            "JUPYTERHUB_API_URL": f"{world.hub.url}/api", "JUPYTERHUB_API_TOKEN": token,
            "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        code = f"from google.colab import userdata\n{code}"
        ran = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", code], env=more, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        return ran.stdout or ran.stderr

    read = 'print(userdata.get("KEY"))'
    refused = await cell(read)
    assert (
        "NotebookAccessError: Notebook does not have access to secret KEY. Press Allow" in refused
    )
    assert refused.rstrip().endswith(PAGE)
    assert asked(world) == ["courses/lab 1.ipynb"]
    world.store.decide(secret_grants.allow, Reader("ada", "KEY", "courses/lab 1.ipynb"), by("ada"))
    assert await cell(read) == f"{VALUE}\n"
    assert "SecretNotFoundError: Secret NONE does not exist." in await cell('userdata.get("NONE")')
    (world.hub.data_dir / KEY).write_text("00" * 32)
    assert "SecretNotReadableError: Secret KEY: This secret cannot be opened" in await cell(read)


async def test_another_persons_token_and_a_service_read_nothing(world: World) -> None:
    for name, role in (("ada", Role.STUDENT), ("bob", Role.STUDENT), ("root", Role.ADMIN)):
        world.add(name, role)
    await keep(world, "ada")
    world.store.decide(user_secrets.set_everywhere, "ada", "KEY", True, by("ada"))
    async with answering_for_all(world):
        bob, root = await token_of(world, "bob"), await token_of(world, "root")
    for token in (bob, root):
        status, said = await ask(world, token)
        assert (status, said["secret"]) == (404, "KEY") and "value" not in said
    for token in (None, "wrong", (world.hub.data_dir / "secrets" / "web" / "token").read_text()):
        status, said = await ask(world, token or "")
        assert status == 403 and "value" not in said, token
    assert asked(world) == []


async def test_a_token_that_may_not_open_the_session_reads_nothing(world: World) -> None:
    world.add("ada")
    await keep(world, "ada")
    world.store.decide(user_secrets.set_everywhere, "ada", "KEY", True, by("ada"))
    await world.hub.api("POST", "/users/ada")
    for scopes, expected in ((["read:users!user"], 403), (["access:servers!user"], 200)):
        wish = {"note": "x", "expires_in": 300, "scopes": scopes}
        _, made = await world.hub.api("POST", "/users/ada/tokens", wish)
        status, _ = await ask(world, made["token"])
        assert status == expected, scopes


async def test_a_login_in_the_browser_reads_nothing(world: World, browser: Browser) -> None:
    world.add("ada")
    await keep(world, "ada")
    world.store.decide(user_secrets.set_everywhere, "ada", "KEY", True, by("ada"))
    await browser.log_in("ada")
    status, page = await browser.get("/api/carrel/secrets/KEY?notebook=lab1.ipynb")
    assert status == 403 and VALUE not in page


async def test_whoever_is_disabled_reads_nothing(world: World) -> None:
    world.add("ada")
    token = await token_of(world, "ada")
    await keep(world, "ada")
    world.store.decide(user_secrets.set_everywhere, "ada", "KEY", True, by("ada"))
    world.store.decide(accounts.disable, "ada", by("root"))
    status, said = await ask(world, token)
    assert status == 403 and "value" not in said


async def test_only_web_has_anything_sealed(world: World) -> None:
    world.add("ada")
    world.add("root", Role.ADMIN)
    async with answering_for_all(world):
        ada, root = await token_of(world, "ada"), await token_of(world, "root")
    _, made = await world.hub.api("POST", "/users/root/tokens", {"note": "x", "expires_in": 300})
    body = {"user": "ada", "name": "KEY", "value": VALUE}
    for token in (ada, root, made["token"], None, "wrong"):  # None: the command line's
        status, said = await world.hub.api("POST", "/carrel/seal", body, token)
        assert status == 403 and "sealed" not in said
    assert VALUE not in everything_logged(world)


@pytest.mark.parametrize(
    "more",
    [{"value": ""}, {"value": None}, {"value": "x" * 9000}, {"value": "a\0"}, {"name": "../x"},
     {"name": "x" * 10_000}, {"name": 5}, {"user": None}, {"value": "hf_very" * 20_000}],
)  # fmt: skip
async def test_what_cannot_be_sealed_is_refused_without_a_word_of_it(
    world: World, more: dict[str, Any]
) -> None:
    token = (world.hub.data_dir / "secrets" / "web" / "token").read_text()
    body = {"user": "ada", "name": "KEY", "value": "hf_very"} | more
    status, said = await world.hub.api("POST", "/carrel/seal", body, token)
    assert status == 400 and "hf_very" not in str(said)
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"token {token}"}) as http,
        http.post(f"{world.hub.url}/api/carrel/seal", data='{"value": "hf_very') as answer,
    ):
        assert answer.status == 400 and "hf_very" not in await answer.text()
    assert "hf_very" not in world.hub.log


async def test_names_and_paths_that_cannot_be_are_answered_and_not_remembered(
    world: World,
) -> None:
    world.add("ada")
    token = await token_of(world, "ada")
    await keep(world, "ada")
    for name in ("%3Cb%3E", "a%0Ab", "x" * 10_000, "..%2Fcourses", "%00", "NONE"):
        status, said = await ask(world, token, name=name)
        assert status == 404 and said["secret"], name
    status, said = await ask(world, token, name="")
    assert (status, said["secret"]) == (404, "")
    for notebook in ("", "lab1.py", "..%2Fx.ipynb", "a%0Ab.ipynb", "x" * 5000 + ".ipynb"):
        status, said = await ask(world, token, notebook)
        assert status == 403 and "cannot be told which notebook" in said["message"]
    assert asked(world) == []


async def test_a_flood_of_questions_is_remembered_in_a_short_list(world: World) -> None:
    world.add("ada")
    token = await token_of(world, "ada")
    await keep(world, "ada")
    names = [f"n{number}.ipynb" for number in range(MOST_ASKED + 20)]
    answers = await asyncio.gather(*(ask(world, token, name) for name in names))
    assert {status for status, _ in answers} == {403}
    assert len(asked(world)) == MOST_ASKED
    status, said = await ask(world, token, "one-more.ipynb")
    assert status == 403 and "Allow its path" in said["message"]


async def test_a_row_that_was_moved_opens_nothing(world: World) -> None:
    world.add("ada")
    world.add("bob")
    await keep(world, "ada")
    await keep(world, "bob", value="bobs")
    with world.store.deciding() as tx:
        adas = tx.scalar(sa.select(rows.c.sealed).where(rows.c.user == "ada"))
        tx.execute(rows.update().where(rows.c.user == "bob").values(sealed=adas, everywhere=True))
    status, said = await ask(world, await token_of(world, "bob"))
    assert status == 503 and "cannot be opened any more" in said["message"]
    assert VALUE not in everything_logged(world)


async def test_without_its_key_the_hub_says_so_and_goes_on(world: World) -> None:
    world.add("ada")
    token = await token_of(world, "ada")
    await keep(world, "ada")
    world.store.decide(user_secrets.set_everywhere, "ada", "KEY", True, by("ada"))
    path = world.hub.data_dir / KEY
    key = path.read_text()
    path.unlink()
    status, said = await ask(world, token)
    assert status == 503 and "missing or damaged" in said["message"]
    with pytest.raises(CarrelError, match="missing or damaged") as caught:
        await asyncio.to_thread(web(world).seal, "ada", "OTHER", "x")
    assert caught.value.code is Code.UNAVAILABLE
    path.write_text(key)
    assert await ask(world, token) == (200, {"value": VALUE})


async def test_no_cache_keeps_an_answer(world: World) -> None:
    world.add("ada")
    token = await token_of(world, "ada")
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"token {token}"}) as http,
        http.get(f"{world.hub.url}/api/carrel/secrets/KEY") as answer,
    ):
        assert answer.status == 404 and answer.headers["Cache-Control"] == "no-store"
