"""The verbs on people: what they change, what they print, and their exit codes."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from hub import accounts, hub_api, invitations, passwords
from hub import store as store_module
from hub.audit import COMMAND_LINE
from hub.cli import links, new_password, people
from hub.cli.app import app
from hub.enums import Role
from hub.models import audit
from hub.settings import Settings
from hub.store import Store
from spawner.errors import CarrelError, Code

GOOD = "four plain words here"
pytestmark = pytest.mark.usefixtures("cheap_hashes", "inside")


class FakeHub:
    """Notes what it is asked for; can be made to fail."""

    def __init__(self) -> None:
        self.asked: list[tuple] = []
        self.error: CarrelError | None = None

    def __getattr__(self, name: str):
        def call(*arguments: object) -> str:
            if self.error:
                raise self.error
            self.asked.append((name, *arguments))
            return "the-token"

        return call


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path / "data", server={"public_url": "https://carrel.example"})


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    fake = FakeHub()
    monkeypatch.setattr(hub_api, "of", lambda _settings: fake)
    return fake


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, settings: Settings, url: sa.URL, hub: FakeHub) -> None:
    """The verbs believe that they run in the hub's container, on the test's database."""
    for room in (links, people):
        monkeypatch.setattr(room, "ensure_inside", lambda: settings)
    monkeypatch.setattr(store_module, "url", lambda _settings: url)


def carrel(*arguments: str, stdin: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(app, arguments, input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def add(name: str = "mia", role: str = "student", password: str = GOOD) -> Result:
    return carrel("user", "add", name, "--role", role, "--password-stdin", stdin=f"{password}\n")


def _audit(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as tx:
        rows = tx.execute(sa.select(audit).order_by(audit.c.id)).all()
    return [(row.who, row.what, row.whom) for row in rows]


@pytest.mark.parametrize("role", Role)
def test_add_makes_an_account_with_the_password(store: Store, role: Role) -> None:
    result = add(" Mia ", role.value)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Added mia" in result.stderr
    account = store.read(accounts.require, "mia")
    assert account.role is role
    assert passwords.verify(account.password_hash, GOOD)
    assert _audit(store) == [(COMMAND_LINE, "account.created", "mia")]


def test_add_again_changes_nothing_not_even_the_password(store: Store) -> None:
    add()
    result = add(password="another good password")
    assert result.exit_code == 0
    assert "already there, nothing changed" in result.stderr
    assert passwords.verify(store.read(accounts.require, "mia").password_hash, GOOD)
    assert len(_audit(store)) == 1


def test_add_with_another_role_is_refused_and_says_how_to(store: Store) -> None:
    add()
    result = add(role="admin")
    assert result.exit_code == 2
    assert "./carrel user role mia admin" in result.stderr
    assert store.read(accounts.require, "mia").role is Role.STUDENT


def test_generate_prints_a_password_that_opens(store: Store) -> None:
    result = carrel("user", "add", "mia", "--generate")
    made = result.stdout.strip()
    assert result.exit_code == 0
    assert len(made) >= 20
    assert passwords.verify(store.read(accounts.require, "mia").password_hash, made)
    assert made not in result.stderr
    assert made != carrel("user", "add", "tom", "--generate").stdout.strip()


def test_on_a_terminal_it_asks_twice(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter([GOOD, "something else", GOOD, GOOD])
    monkeypatch.setattr(new_password, "getpass", SimpleNamespace(getpass=lambda _: next(typed)))
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(new_password, "sys", terminal)
    result = carrel("user", "add", "mia")
    assert result.exit_code == 2
    assert "differ" in result.stderr
    assert carrel("user", "add", "mia").exit_code == 0
    assert passwords.verify(store.read(accounts.require, "mia").password_hash, GOOD)


def test_without_a_terminal_it_says_what_to_give(store: Store) -> None:
    result = carrel("user", "add", "mia")
    assert result.exit_code == 2
    assert "--password-stdin" in result.stderr
    assert store.read(accounts.everyone) == []


@pytest.mark.parametrize(
    ("stdin", "says"),
    [
        ("", "empty"),
        ("\n", "empty"),
        ("short\n", "too short"),
        ("x" * 10_000, "too long"),
        ("é" * 600, "too long"),
        ("with a\0 zero", "cannot be typed"),
        ("two\nlines of words\n", "cannot be typed"),
        (b"\xff\xfe not utf-8 at all", "UTF-8"),
        ("mia-the-first\n", "easy to guess"),
    ],
)
def test_bad_passwords_are_refused_with_a_sentence(
    store: Store, stdin: str | bytes, says: str
) -> None:
    result = carrel("user", "add", "mia-the-first", "--password-stdin", stdin=stdin)
    assert result.exit_code == 2
    assert says in result.stderr
    assert store.read(accounts.everyone) == []


@pytest.mark.parametrize("stdin", [f"{GOOD}\n", f"{GOOD}\r\n", GOOD])
def test_the_newline_at_the_end_is_not_part_of_the_password(store: Store, stdin: str) -> None:
    carrel("user", "add", "mia", "--password-stdin", stdin=stdin)
    assert passwords.verify(store.read(accounts.require, "mia").password_hash, GOOD)


@pytest.mark.parametrize(
    "name",
    ["", "../mia", "<b>mia</b>", "mia\nroot", "x" * 200, "m\u0456a", "mia\0", "-mia", "mi a"],
)
@pytest.mark.parametrize("verb", ["add", "disable", "enable", "delete"])
def test_names_that_cannot_be_are_refused_with_a_sentence(
    store: Store, verb: str, name: str
) -> None:
    extra = ["--generate"] if verb == "add" else []
    result = carrel("user", verb, *extra, "--", name)
    assert result.exit_code == 2
    assert "cannot be used" in result.stderr
    assert store.read(accounts.everyone) == []


@pytest.mark.parametrize("arguments", [["--role", "boss", "--generate"], ["--nonsense"]])
def test_options_that_are_not_there_are_refused(arguments: list[str]) -> None:
    assert carrel("user", "add", "mia", *arguments).exit_code == 2


def test_two_sources_of_a_password_exclude_each_other() -> None:
    result = carrel("user", "add", "mia", "--generate", "--password-stdin", stdin=GOOD)
    assert result.exit_code == 2
    assert "exclude" in result.stderr


def test_list_shows_everyone_to_people_and_to_scripts() -> None:
    assert "admin-link" in carrel("user", "list").stdout
    assert json.loads(carrel("user", "list", "--json").stdout) == []
    add("mia", "admin")
    add("tom@x.org")
    carrel("user", "disable", "tom@x.org")
    table = carrel("user", "list").stdout
    assert re.search(r"mia\s+-\s+admin\s+active\s+20\d\d-", table)
    assert re.search(r"tom@x\.org\s+-\s+student\s+disabled", table)
    mia, tom = json.loads(carrel("user", "list", "--json").stdout)
    assert (mia["name"], mia["role"], mia["enabled"]) == ("mia", "admin", True)
    assert datetime.fromisoformat(tom["disabled_at"]).tzinfo
    assert "argon2" not in str([mia, tom])


def test_what_they_are_called_is_kept_and_shown(store: Store) -> None:
    result = carrel("user", "add", "mia", "--full-name", " Mia  [red]M ", "--generate")
    assert result.exit_code == 0
    assert store.read(accounts.require, "mia").full_name == "Mia [red]M"
    assert "Mia [red]M" in carrel("user", "list").stdout
    assert json.loads(carrel("user", "list", "--json").stdout)[0]["full_name"] == "Mia [red]M"
    refused = carrel("user", "add", "tom", "--full-name", "Tom\u202e", "--generate")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "cannot be shown" in refused.stderr
    assert store.read(accounts.find, "tom") is None


def test_a_name_whose_home_is_kept_is_not_given_away(store: Store) -> None:
    add()
    carrel("user", "delete", "mia", "--yes")
    result = add()
    assert result.exit_code == 2
    assert "mia was deleted, and the home is kept until 20" in result.stderr
    assert "./carrel user restore mia" in result.stderr
    assert store.read(accounts.find, "mia") is None


def test_disable_tells_the_hub_each_time(store: Store, hub: FakeHub) -> None:
    """The first time the hub may not have answered; so the second is no mere 'nothing changed'."""
    add()
    first, second = carrel("user", "disable", "mia"), carrel("user", "disable", "MIA")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "nothing changed" not in first.stderr
    assert "nothing changed" in second.stderr
    assert not store.read(accounts.require, "mia").enabled
    assert [call[:2] for call in hub.asked] == [("remove_user", "mia")] * 2


def test_a_hub_that_does_not_answer_is_a_failure_that_says_what_stands(
    store: Store, hub: FakeHub
) -> None:
    add()
    hub.error = CarrelError(Code.UNAVAILABLE, "The hub does not answer.", "Start it.")
    result = carrel("user", "disable", "mia")
    assert result.exit_code == 1
    assert "mia is disabled, but" in result.stderr
    assert "run the same again" in result.stderr
    assert not store.read(accounts.require, "mia").enabled


def test_enable_lets_in_again(store: Store) -> None:
    add()
    carrel("user", "disable", "mia")
    assert carrel("user", "enable", "mia").exit_code == 0
    assert store.read(accounts.require, "mia").enabled
    assert "nothing changed" in carrel("user", "enable", "mia").stderr


def test_delete_asks_and_keeps_the_home(store: Store, hub: FakeHub, settings: Settings) -> None:
    add("mia.m")
    refused = carrel("user", "delete", "mia.m")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert store.read(accounts.find, "mia.m")
    result = carrel("user", "delete", "mia.m", "--yes")
    assert result.exit_code == 0
    assert f"{settings.data_dir}/homes/mia_2em" in result.stderr
    assert store.read(accounts.find, "mia.m") is None
    assert hub.asked[0][:2] == ("remove_user", "mia.m")
    assert carrel("user", "delete", "mia.m", "--yes").exit_code == 2


def test_delete_keeps_the_account_when_the_session_may_go_on(store: Store, hub: FakeHub) -> None:
    add()
    hub.error = CarrelError(Code.FAILED, "It has not stopped.")
    result = carrel("user", "delete", "mia", "--yes")
    assert result.exit_code == 1
    assert "disabled, not deleted" in result.stderr
    assert not store.read(accounts.require, "mia").enabled


def test_delete_on_a_terminal_takes_no_for_an_answer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    add()
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(people, "sys", terminal)
    result = carrel("user", "delete", "mia", stdin="n\n")
    assert result.exit_code == 2
    assert store.read(accounts.require, "mia").enabled
    assert carrel("user", "delete", "mia", stdin="y\n").exit_code == 0
    assert store.read(accounts.find, "mia") is None


def test_role_changes_the_role(store: Store) -> None:
    add()
    assert carrel("user", "role", "mia", "teacher").exit_code == 0
    assert store.read(accounts.require, "mia").role is Role.TEACHER
    assert "nothing changed" in carrel("user", "role", "mia", "teacher").stderr
    assert carrel("user", "role", "nobody", "teacher").exit_code == 2


def test_a_new_password_ends_the_logins_of_the_old_one(store: Store, hub: FakeHub) -> None:
    add()
    result = carrel("user", "password", "mia", "--password-stdin", stdin="quite another one")
    assert result.exit_code == 0
    hashed = store.read(accounts.require, "mia").password_hash
    assert passwords.verify(hashed, "quite another one")
    assert hub.asked[0][:2] == ("remove_user", "mia")


def test_an_admin_link_is_printed_once_and_makes_an_admin(store: Store) -> None:
    result = carrel("admin-link")
    assert result.exit_code == 0
    found = re.fullmatch(r"https://carrel\.example/hub/invitation#([\w-]{43})\n", result.stdout)
    assert found
    token = found.group(1)
    assert token not in result.stderr
    now = datetime.now(UTC)
    assert store.read(invitations.find_usable, token, now).role is Role.ADMIN
    store.read(invitations.find_usable, token, now + timedelta(hours=23, minutes=59))
    with pytest.raises(CarrelError):
        store.read(invitations.find_usable, token, now + timedelta(hours=24, minutes=1))
    assert carrel("admin-link").stdout != result.stdout


def test_a_link_only_where_there_is_no_admin() -> None:
    add("tom", "teacher")
    assert "#" in carrel("admin-link", "--if-no-admin").stdout
    add("ada", "admin")
    assert carrel("admin-link", "--if-no-admin").stdout == ""
    carrel("user", "disable", "ada")
    assert "#" in carrel("admin-link", "--if-no-admin").stdout


def test_a_token_is_made_by_the_hub_and_noted(store: Store, hub: FakeHub) -> None:
    add()
    result = carrel("token", "mia", "--note", "grading", "--days", "7")
    assert (result.exit_code, result.stdout) == (0, "the-token\n")
    assert hub.asked == [("create_token", "mia", "grading", 7 * 86400)]
    assert _audit(store)[-1] == (COMMAND_LINE, "token.made", "mia")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nobody"],
        ["off"],
        ["mia", "--days", "0"],
        ["mia", "--days", "9999"],
        ["mia", "--note", "x" * 300],
        ["mia", "--note", "two\nlines"],
    ],
)
def test_tokens_that_should_not_be_are_refused(hub: FakeHub, arguments: list[str]) -> None:
    add()
    add("off")
    carrel("user", "disable", "off")
    hub.asked.clear()
    assert carrel("token", *arguments).exit_code == 2
    assert hub.asked == []


def test_a_verb_brings_the_schema_up(empty_url: sa.URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "url", lambda _settings: empty_url)
    assert add().exit_code == 0


@pytest.mark.parametrize(
    "verb",
    [
        ["user", "add"],
        ["user", "list"],
        ["user", "role"],
        ["user", "password"],
        ["user", "disable"],
        ["user", "enable"],
        ["user", "delete"],
        ["user", "invite"],
        ["user", "invitations"],
        ["user", "withdraw"],
        ["user", "reset"],
        ["user", "roster"],
        ["user", "identity"],
        ["user", "export"],
        ["user", "restore"],
        ["user", "departed"],
        ["sign-on", "secret"],
        ["demo"],
        ["screenshots"],
        ["admin-link"],
        ["token"],
        ["session", "start"],
        ["session", "stop"],
        ["session", "list"],
    ],
)
def test_every_verb_has_help_with_an_example(verb: list[str]) -> None:
    result = carrel(*verb, "--help")
    assert result.exit_code == 0
    assert f"./carrel {' '.join(verb)}" in result.stdout
