"""The client of the hub's API, against a real hub."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from hub import accounts, hub_api
from hub.audit import By
from hub.enums import Role
from hub.hub_api import HubApi
from hub.settings import Settings
from spawner.errors import CarrelError, Code
from tests.hub.real_hub.cheap import CHEAP
from tests.hub.real_hub.running import Hub

HASH = CHEAP.hash("four plain words here")
WAIT_S = 20


@pytest.fixture
def person(hub: Hub, by: By, request: pytest.FixtureRequest) -> str:
    """An account of the test's own; the name needs quoting in an address."""
    name = f"a+{abs(hash(request.node.name)) % 10**9}@x.org"
    hub.store.decide(accounts.create, accounts.NewAccount(name, Role.STUDENT, HASH), by)
    return name


def test_a_session_is_started_followed_and_stopped(hub: Hub, person: str) -> None:
    assert hub.api.server(person) is None
    assert hub.api.start_server(person, "small") is True
    assert hub.api.server(person)["user_options"] == {"profile": "small"}
    events = list(hub.api.progress(person))
    assert events[-1]["ready"]
    assert events[-1]["url"].startswith("/user/")
    assert hub.api.start_server(person, "small") is False
    assert hub.api.stop_server(person, WAIT_S) is True
    assert hub.api.server(person) is None
    assert hub.api.stop_server(person, WAIT_S) is False


def test_a_refused_start_is_told_in_the_hubs_words(hub: Hub, person: str) -> None:
    with pytest.raises(CarrelError) as caught:
        hub.api.start_server(person, "refused")
    assert caught.value.code is Code.REFUSED
    assert "the machine is full" in caught.value.message


def test_a_start_that_fails_later_is_told_by_its_progress(hub: Hub, person: str) -> None:
    hub.api.start_server(person, "slow-and-broken")
    last = list(hub.api.progress(person))[-1]
    assert last["failed"]
    assert "ready" not in last


def test_a_start_that_is_under_way_can_be_stopped(hub: Hub, person: str) -> None:
    hub.api.start_server(person, "slow")
    assert hub.api.server(person)["pending"] == "spawn"
    assert hub.api.stop_server(person, WAIT_S) is True
    assert hub.api.server(person) is None


def test_removing_a_user_ends_session_cookies_and_tokens(hub: Hub, person: str) -> None:
    browser = hub.browser()
    browser.log_in(person, "four plain words here")
    hub.api.start_server(person, "small")
    token = hub.api.create_token(person, "test", 600)
    headers = {"Authorization": f"token {token}"}
    assert hub.browser().get("/hub/api/user", headers=headers).json()["name"] == person
    hub.api.remove_user(person, WAIT_S)
    assert browser.me() is None
    assert hub.browser().get("/hub/api/user", headers=headers).status_code == 403
    assert hub.api.server(person) is None
    hub.api.remove_user(person, WAIT_S)  # again: nothing to do is no error


def test_removing_a_user_does_not_wait_for_ever(hub: Hub, person: str) -> None:
    hub.api.start_server(person, "stubborn")
    list(hub.api.progress(person))
    began = time.monotonic()
    with pytest.raises(CarrelError) as caught:
        hub.api.remove_user(person, 0.1)
    assert caught.value.code is Code.FAILED
    assert time.monotonic() - began < WAIT_S
    hub.api.remove_user(person, WAIT_S)


def test_a_token_may_do_what_its_user_may(hub: Hub, person: str) -> None:
    made = HubApi(hub.api.create_token(person, "mine", 600), f"{hub.url}/hub/api")
    assert made.server(person) is None
    with pytest.raises(CarrelError):
        made.ensure_user("somebody-else")


def test_a_wrong_token_is_a_failure_with_a_remedy(hub: Hub) -> None:
    with pytest.raises(CarrelError) as caught:
        HubApi("wrong", f"{hub.url}/hub/api").ensure_user("x")
    assert caught.value.code is Code.FAILED
    assert "./carrel up" in caught.value.hint


def test_a_hub_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(CarrelError) as caught:
        HubApi("t", "http://127.0.0.1:1/hub/api").server("mia")
    assert caught.value.code is Code.UNAVAILABLE


def test_the_environments_proxy_is_not_asked(hub: Hub, person: str) -> None:
    ask = "import sys, hub.hub_api as h; print(h.HubApi(*sys.argv[2:]).server(sys.argv[1]))"
    proxy = {"http_proxy": "http://127.0.0.1:9", "no_proxy": "", "NO_PROXY": ""}
    done = subprocess.run(
        [sys.executable, "-c", ask, person, hub.token, f"{hub.url}/hub/api"],
        env={**os.environ, **proxy},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "None\n", done.stderr


def test_the_token_is_read_from_its_file(tmp_path) -> None:
    settings = Settings(data_dir=tmp_path)
    with pytest.raises(CarrelError) as caught:
        hub_api.of(settings)
    assert caught.value.code is Code.UNAVAILABLE
    secret = tmp_path / "secrets" / "hub" / "cli_token"
    secret.parent.mkdir(parents=True)
    secret.write_text("abc\n")
    assert hub_api.of(settings)._token == "abc"
