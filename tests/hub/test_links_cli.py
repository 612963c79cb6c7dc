"""The verbs on links: what they print, what they never print, and their exit codes."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from hub import accounts, invitations, resets
from hub import store as store_module
from hub.accounts import NewAccount
from hub.audit import INVITED, By
from hub.cli import links
from hub.cli.app import app
from hub.enums import Role
from hub.powers import Actor
from hub.settings import Settings
from hub.store import Store
from spawner.errors import CarrelError

LINK = r"https://carrel\.example/hub/(invitation|reset)#([\w-]{43})"
pytestmark = pytest.mark.usefixtures("inside")


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, tmp_path, url: sa.URL) -> None:
    """The verbs believe that they run in the hub's container, on the test's database."""
    settings = Settings(
        data_dir=tmp_path / "data",
        server={"public_url": "https://carrel.example"},
        auth={"invitation_days": 3, "reset_link_hours": 5},
    )
    monkeypatch.setattr(links, "ensure_inside", lambda: settings)
    monkeypatch.setattr(store_module, "url", lambda _settings: url)


def carrel(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["user", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def _token(result: Result, kind: str = "invitation") -> str:
    assert result.exit_code == 0, result.stderr
    found = re.fullmatch(LINK + "\n", result.stdout)
    assert found and found[1] == kind, result.stdout
    assert found[2] not in result.stderr
    return found[2]


def _accept(store: Store, token: str, name: str) -> Role:
    by = By(INVITED, datetime.now(UTC))
    new = NewAccount(name, Role.ADMIN, "hash")
    return store.decide(invitations.accept, token, new, by).role


def _list() -> list[dict]:
    return json.loads(carrel("invitations", "--json").stdout)


def test_an_invitation_is_for_one_student_unless_one_says_otherwise(store: Store) -> None:
    token = _token(carrel("invite"))
    link = store.read(invitations.find_usable, token, datetime.now(UTC))
    assert (link.role, link.most_uses) == (Role.STUDENT, 1)
    assert link.expires_at - link.created_at == timedelta(days=3)
    assert _accept(store, token, "mia") is Role.STUDENT
    result = carrel("invite", "--role", "teacher", "--uses", "30", "--days", "7")
    link = store.read(invitations.find_usable, _token(result), datetime.now(UTC))
    assert (link.role, link.most_uses) == (Role.TEACHER, 30)
    assert link.expires_at - link.created_at == timedelta(days=7)
    assert "30 people (teacher)" in result.stderr


def test_a_script_gets_the_link_as_json(store: Store) -> None:
    result = carrel("invite", "--uses", "2", "--json")
    shown = json.loads(result.stdout)
    assert (shown["role"], shown["uses"], result.stderr) == ("student", 2, "")
    assert re.fullmatch(LINK, shown["link"])
    assert datetime.fromisoformat(shown["expires_at"]).tzinfo
    assert [link["id"] for link in _list()] == [shown["id"]]


@pytest.mark.parametrize(
    "options",
    [
        ["--uses", "0"],
        ["--uses", "1001"],
        ["--uses", "-3"],
        ["--days", "0"],
        ["--days", "366"],
        ["--role", "boss"],
        ["--uses", "many"],
    ],
)
def test_invitations_out_of_bounds_are_refused(store: Store, options: list[str]) -> None:
    result = carrel("invite", *options)
    assert (result.exit_code, result.stdout) == (2, "") and result.stderr
    assert _list() == []


def test_the_list_says_how_each_stands_and_shows_no_code(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "./carrel user invite" in carrel("invitations").stdout
    assert _list() == []
    tokens = [_token(carrel("invite", "--uses", "2")) for _ in range(3)]
    used, few, gone = tokens
    for name in ("mia", "tom"):
        _accept(store, used, name)
    _accept(store, few, "zoe")
    carrel("withdraw", str(_list()[0]["id"]))
    shown = carrel("invitations").stdout
    assert [re.split(r"\s{2,}", line)[1:4] for line in shown.splitlines()[1:]] == [
        ["withdrawn", "student", "0/2"],
        ["open", "student", "1/2"],
        ["used", "student", "2/2"],
    ]
    assert [(x["state"], x["uses"], x["most_uses"], x["created_by"]) for x in _list()] == [
        ("withdrawn", 0, 2, "(command line)"),
        ("open", 1, 2, "(command line)"),
        ("used", 2, 2, "(command line)"),
    ]
    assert not any(token in shown + str(_list()) for token in tokens)
    monkeypatch.setattr(links, "by", lambda: By("x", datetime.now(UTC) + timedelta(days=4)))
    assert [x["state"] for x in _list()] == ["withdrawn", "expired", "used"]
    with pytest.raises(CarrelError, match="withdrawn"):
        store.read(invitations.find_usable, gone, datetime.now(UTC))


def test_the_list_says_whose_links_died_with_their_powers(store: Store, by: By) -> None:
    tess = Actor("tess", Role.TEACHER)
    store.decide(accounts.create, NewAccount("tess", Role.TEACHER, "hash"), by)
    made = By("tess", datetime.now(UTC))
    wanted = invitations.Invitation(Role.STUDENT, timedelta(days=1))
    store.decide(invitations.invite, tess, wanted, made)
    carrel("invite")
    assert [x["maker_may_invite"] for x in _list()] == [True, True]
    store.decide(accounts.disable, "tess", by)
    assert [x["maker_may_invite"] for x in _list()] == [True, False]
    assert "tess (may not invite any more)" in carrel("invitations").stdout


def test_withdrawing_twice_changes_nothing(store: Store) -> None:
    used = _token(carrel("invite"))
    _accept(store, used, "mia")
    open_ = _token(carrel("invite"))
    number = str(_list()[0]["id"])
    first, second = carrel("withdraw", number), carrel("withdraw", number)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "is withdrawn." in first.stderr and "nothing changed" not in first.stderr
    assert "withdrawn already; nothing changed" in second.stderr
    with pytest.raises(CarrelError, match="withdrawn"):
        store.read(invitations.find_usable, open_, datetime.now(UTC))
    assert "used up; nothing changed" in carrel("withdraw", str(_list()[1]["id"])).stderr
    assert store.read(accounts.require, "mia").enabled


@pytest.mark.parametrize("number", ["0", "999", str(2**70), "x", "--", "-1"])
def test_an_invitation_that_is_not_there_is_said_not_to_be(number: str) -> None:
    result = carrel("withdraw", number)
    assert result.exit_code == 2 and result.stderr


def test_a_reset_link_sets_a_new_password_and_replaces_the_one_before(store: Store, by: By) -> None:
    store.decide(accounts.create, NewAccount("mia", Role.STUDENT, "old"), by)
    first, second = (
        _token(carrel("reset", " MIA"), "reset"),
        _token(carrel("reset", "mia"), "reset"),
    )
    now = datetime.now(UTC)
    with pytest.raises(CarrelError, match="replaced"):
        store.read(resets.find_usable, first, now)
    store.read(resets.find_usable, second, now + timedelta(hours=4, minutes=59))
    with pytest.raises(CarrelError, match="expired"):
        store.read(resets.find_usable, second, now + timedelta(hours=5, minutes=1))
    shown = json.loads(carrel("reset", "mia", "--json").stdout)
    assert shown["name"] == "mia" and re.fullmatch(LINK, shown["link"])
    assert _list() == []  # those are invitations


@pytest.mark.parametrize("name", ["nobody", "off", "../mia", "m\u0456a", ""])
def test_who_cannot_be_reset_is_refused(store: Store, by: By, name: str) -> None:
    store.decide(accounts.create, NewAccount("off", Role.STUDENT, "old"), by)
    store.decide(accounts.disable, "off", by)
    result = carrel("reset", "--", name)
    assert (result.exit_code, result.stdout) == (2, "") and result.stderr


@pytest.mark.parametrize("verb", ["invite", "reset", "invitations", "withdraw"])
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    result = carrel(verb, "--help")
    assert result.exit_code == 0
    assert f"./carrel user {verb}" in result.stdout
