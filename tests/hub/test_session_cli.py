"""The verbs on sessions, against a real hub; the sessions table beside it is the record."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from hub import accounts, hub_api, reach, sessions
from hub import store as store_module
from hub.audit import By
from hub.cli import session as session_cli
from hub.cli.app import app
from hub.enums import Reason, Role
from hub.settings import Settings
from tests.hub.real_hub.cheap import CHEAP
from tests.hub.real_hub.running import Hub

HASH = CHEAP.hash("four plain words here")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PROFILES = ("small", "refused", "slow-and-broken")


@pytest.fixture(autouse=True)
def inside(hub: Hub, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = [
        {"slug": slug, "title": slug, "image": "base", "machine": "small"} for slug in PROFILES
    ]
    settings = Settings(data_dir=tmp_path, profiles=profiles)
    monkeypatch.setattr(session_cli, "ensure_inside", lambda: settings)
    monkeypatch.setattr(store_module, "url", lambda _settings: hub.database)
    monkeypatch.setattr(hub_api, "of", lambda _settings: hub.api)


@pytest.fixture
def person(hub: Hub, by: By, request: pytest.FixtureRequest) -> str:
    name = f"s{abs(hash(request.node.name)) % 10**9}"
    hub.store.decide(accounts.create, accounts.NewAccount(name, Role.STUDENT, HASH), by)
    return name


def carrel(*arguments: str):
    result = CliRunner().invoke(app, ["session", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_start_and_stop_are_idempotent(hub: Hub, person: str) -> None:
    """Also for somebody who never logged in: the hub does not know them yet."""
    started = carrel("start", person.upper())
    assert started.exit_code == 0
    assert f"{person} is starting (profile small)" in started.stderr
    assert hub.api.server(person)["user_options"] == {"profile": "small"}
    again = carrel("start", person)
    assert (again.exit_code, "nothing changed" in again.stderr) == (0, True)
    stopped = carrel("stop", person)
    assert (stopped.exit_code, "has stopped" in stopped.stderr) == (0, True)
    assert hub.api.server(person) is None
    assert "nothing changed" in carrel("stop", person).stderr


def test_wait_returns_when_it_is_ready_and_prints_where(hub: Hub, person: str) -> None:
    result = carrel("start", person, "--profile", "small", "--wait")
    assert result.exit_code == 0
    assert result.stdout == f"/user/{person}/\n"
    assert hub.api.server(person)["ready"]
    carrel("stop", person)


def test_what_cannot_be_asked_about_is_listed_as_unknown_with_why(hub: Hub, person: str) -> None:
    """The record stays as it is: scripts find both."""
    now = datetime.now(UTC)
    session = hub.store.decide(sessions.open_session, person, "small", now)
    hub.store.decide(sessions.mark_running, session.id, "c", "http://x/", now)
    hub.store.decide(reach.record_silence, now)
    listed = carrel("list", person)
    assert "unknown" in listed.stdout and "running" not in listed.stdout
    assert "The container engine does not answer." in listed.stderr
    (told,) = json.loads(carrel("list", person, "--json").stdout)
    assert (told["state"], told["unknown"]) == ("running", "engine")
    hub.store.decide(reach.record_answer, [], now)
    (told,) = json.loads(carrel("list", person, "--json").stdout)
    assert (told["state"], told["unknown"]) == ("running", None)
    hub.store.decide(sessions.close_session, session.id, Reason.EXITED, now)


def test_wait_tells_of_a_start_that_failed(person: str) -> None:
    result = carrel("start", person, "--profile", "slow-and-broken", "--wait")
    assert result.exit_code == 1
    assert "half way" in result.stderr
    assert "did not start" in result.stderr


def test_admissions_no_is_a_refusal(person: str) -> None:
    result = carrel("start", person, "--profile", "refused")
    assert result.exit_code == 2
    assert "the machine is full" in result.stderr


@pytest.mark.parametrize("name", ["nobody", "../x", "x" * 200, "<b>"])
def test_who_has_no_account_gets_no_session(name: str) -> None:
    assert carrel("start", name).exit_code == 2


def test_who_is_disabled_gets_no_session(hub: Hub, by: By, person: str) -> None:
    hub.store.decide(accounts.disable, person, by)
    result = carrel("start", person)
    assert result.exit_code == 2
    assert "disabled" in result.stderr
    assert hub.api.server(person) is None


def test_a_profile_that_is_not_there_is_refused_with_those_that_are(person: str) -> None:
    result = carrel("start", person, "--profile", "../x")
    assert result.exit_code == 2
    assert all(slug in result.stderr for slug in PROFILES)


def test_list_shows_what_has_not_ended_or_all_of_one_user(hub: Hub, person: str) -> None:
    past = hub.store.decide(sessions.open_session, person, "small", NOW)
    hub.store.decide(sessions.close_session, past.id, Reason.OUT_OF_MEMORY, NOW)
    now = hub.store.decide(sessions.open_session, person, "small", datetime.now(UTC))
    everything = json.loads(carrel("list", "--json").stdout)
    assert [s["id"] for s in everything if s["user"] == person] == [now.id]
    mine = json.loads(carrel("list", person.upper(), "--json").stdout)
    assert [(s["id"], s["state"], s["reason"]) for s in mine] == [
        (now.id, "queued", None),
        (past.id, "ended", "out_of_memory"),
    ]
    (place,) = [s["place"] for s in everything if s["user"] == person]
    assert re.search(rf"{now.id}\s+{person}\s+small\s+queued\s+{place}", carrel("list").stdout)
    hub.store.decide(sessions.close_session, now.id, Reason.IDLE, datetime.now(UTC))
    assert carrel("list", "nobody").exit_code == 2
