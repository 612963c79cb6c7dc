"""The verbs on what outlasts an account: export, restore, departed; and what delete says."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from hub import accounts, hub_api, moments
from hub import departures as kept
from hub import store as store_module
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.cli import departures, people
from hub.cli.app import app
from hub.enums import Role
from hub.settings import Settings
from hub.store import Store
from spawner.node import home_keeper
from tests.hub.node_beside import NodeBeside, node_beside

pytestmark = pytest.mark.usefixtures("inside")


class FakeHub:
    def remove_user(self, name: str, timeout_s: float) -> None:
        pass


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, tmp_path, url: sa.URL) -> None:
    """The verbs believe that they run in the hub's container, on the test's database."""
    settings = Settings(data_dir=tmp_path / "d", auth={"home_kept_days": 3})
    for module in (departures, people):
        monkeypatch.setattr(module, "ensure_inside", lambda: settings)
    monkeypatch.setattr(store_module, "url", lambda _settings: url)
    monkeypatch.setattr(hub_api, "of", lambda _settings: FakeHub())


@pytest.fixture
def node(tmp_path) -> Iterator[NodeBeside]:
    (tmp_path / "d").mkdir()
    with node_beside(tmp_path / "d") as node:
        yield node


def carrel(*arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(app, arguments, input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def mia(store: Store) -> By:
    by = By(COMMAND_LINE, datetime.now(UTC))
    store.decide(accounts.create, NewAccount("mia", Role.TEACHER, "hash"), by)
    return by


def names(result: Result) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(result.stdout_bytes)) as tar:
        return tar.getnames()


def test_an_export_is_an_archive_on_standard_output(
    store: Store, mia: By, node: NodeBeside
) -> None:
    node.home("mia", note="x")
    result = carrel("user", "export", " Mia ")
    assert result.exit_code == 0
    assert {"account.json", "audit.json", "home/note"} <= set(names(result))
    assert result.stdout_bytes.endswith(bytes(1024))
    assert "The archive of mia is whole." in result.stderr


def test_a_terminal_gets_no_archive(
    store: Store, mia: By, node: NodeBeside, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal:
        @staticmethod
        def isatty() -> bool:
            return True

    class Sys:
        stdout = Terminal()

    monkeypatch.setattr(departures, "sys", Sys())
    result = carrel("user", "export", "mia")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "./carrel user export mia > mia.tar" in result.stderr


def test_nobody_is_exported_as_nothing(store: Store, node: NodeBeside) -> None:
    result = carrel("user", "export", "nobody")
    assert (result.exit_code, result.stdout_bytes) == (2, b"")


def test_without_node_nothing_is_written(store: Store, mia: By) -> None:
    result = carrel("user", "export", "mia")
    assert (result.exit_code, result.stdout_bytes) == (1, b"")
    assert "The program that reads files does not answer" in result.stderr


def test_an_archive_that_breaks_off_is_a_failure_and_has_no_end(
    store: Store, mia: By, node: NodeBeside, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_fd: int, _pace: object) -> Iterator[bytes]:
        yield b"x" * 512
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(home_keeper, "archive", broken)
    node.home("mia")
    result = carrel("user", "export", "mia")
    assert result.exit_code == 1
    assert not result.stdout_bytes.endswith(bytes(1024))
    assert "what came is not whole" in result.stderr


def test_delete_says_what_and_when(store: Store, mia: By) -> None:
    result = carrel("user", "delete", "mia", "--yes")
    (departure,) = store.read(kept.listed)
    assert departure.remove_at - departure.deleted_at == timedelta(days=3)
    assert f"removed after {moments.spelled(departure.remove_at)}" in result.stderr
    assert "./carrel user restore mia undoes it" in result.stderr


def test_delete_without_keeping_offers_no_way_back(store: Store, mia: By) -> None:
    result = carrel("user", "delete", "mia", "--yes", "--keep-days", "0")
    assert "is removed within minutes" in result.stderr
    assert "restore" not in result.stderr
    assert store.read(kept.due, datetime.now(UTC))


def test_restore_undoes_it_and_says_what_is_missing(store: Store, mia: By) -> None:
    carrel("user", "delete", "mia", "--yes")
    assert "mia" in carrel("user", "departed").stdout
    (listed,) = json.loads(carrel("user", "departed", "--json").stdout)
    assert (listed["name"], listed["deleted_by"]) == ("mia", COMMAND_LINE)

    result = carrel("user", "restore", "mia")
    assert result.exit_code == 0
    assert "mia (teacher) is back" in result.stderr
    assert "./carrel user password mia" in result.stderr
    assert store.read(accounts.require, "mia").role is Role.TEACHER
    assert "No home of a deleted account is kept." in carrel("user", "departed").stdout
    assert carrel("user", "restore", "mia").exit_code == 2
