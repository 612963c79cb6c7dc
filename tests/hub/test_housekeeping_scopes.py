"""What housekeeping's token may do on the hub: go on with starts, end sessions, compare routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hub import accounts, departures
from hub.accounts import NewAccount
from hub.audit import By
from hub.enums import Role
from hub.hub_api import HubApi
from spawner.errors import CarrelError, Code
from tests.hub.real_hub.running import Hub


@pytest.fixture
def api(hub: Hub) -> HubApi:
    return HubApi(hub.housekeeping_token, f"{hub.url}/hub/api")


@pytest.fixture
def person(hub: Hub, by: By) -> Iterator[str]:
    hub.store.decide(accounts.create, NewAccount("put+out@x.org", Role.STUDENT), by)
    yield "put+out@x.org"
    hub.api.remove_user("put+out@x.org", 20)
    hub.store.decide(accounts.remove, "put+out@x.org", by, by.at)
    hub.store.decide(departures.forget, "put+out@x.org", by)


@pytest.mark.parametrize("profile", ["small", "stubborn"])
def test_it_ends_a_session_and_its_user(hub: Hub, api: HubApi, person: str, profile: str) -> None:
    hub.api.start_server(person, profile)
    list(hub.api.progress(person))
    assert api.knows(person)

    api.remove_user(person, 20)

    assert not hub.api.knows(person)
    assert not api.knows(person)
    api.remove_user(person, 20)


def test_it_has_the_hub_compare_the_routes(api: HubApi) -> None:
    api.check_proxy()


def test_it_goes_on_with_a_start_for_somebody_whom_the_hub_knows(
    hub: Hub, api: HubApi, person: str
) -> None:
    with pytest.raises(CarrelError) as caught:
        api.resume_server(person, "small")
    assert caught.value.code is Code.REFUSED
    hub.api.ensure_user(person)
    api.resume_server(person, "small")
    assert api.server(person)


@pytest.mark.parametrize(
    "more",
    [
        lambda api, person: api.create_token(person, "n", 60),
        lambda api, _: api.ensure_user("another"),
        lambda api, _: api._call("GET", "/users"),
        lambda api, _: api._call("GET", "/info"),
    ],
    ids=["token", "user", "list", "info"],
)
def test_it_may_do_no_more(
    hub: Hub, api: HubApi, person: str, more: Callable[[HubApi, str], object]
) -> None:
    hub.api.ensure_user(person)
    with pytest.raises(CarrelError) as caught:
        more(api, person)
    assert caught.value.code in (Code.FAILED, Code.REFUSED)
