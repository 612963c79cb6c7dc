"""Where a provider knows the passwords, nothing offers one of Carrel's own."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from hub import accounts
from hub import store as store_module
from hub.cli import links, people
from hub.cli.app import app
from hub.settings import Settings
from hub.store import Store
from spawner.errors import CarrelError, Code


@pytest.fixture
def settings(tmp_path) -> Settings:
    provider = {"provider": "github", "client_id": "carrel"}
    return Settings(data_dir=tmp_path / "data", sign_on=provider)


@pytest.fixture(autouse=True)
def inside(monkeypatch: pytest.MonkeyPatch, settings: Settings, url: sa.URL) -> None:
    for module in (people, links):
        monkeypatch.setattr(module, "ensure_inside", lambda: settings)
    monkeypatch.setattr(store_module, "url", lambda _settings: url)


def carrel(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_an_account_is_added_without_one_and_says_what_is_next(store: Store) -> None:
    result = carrel("user", "add", "mia")
    assert result.exit_code == 0
    assert "./carrel user identity mia" in result.stderr
    assert store.read(accounts.require, "mia").password_hash is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("user", "add", "tom", "--generate"),
        ("user", "reset", "mia"),
        ("user", "password", "mia", "--generate"),
    ],
)
def test_verbs_on_passwords_are_refused(store: Store, arguments: tuple[str, ...]) -> None:
    carrel("user", "add", "mia")
    result = carrel(*arguments)
    assert result.exit_code == 2
    assert "There are no passwords here" in result.stderr
    assert store.read(accounts.find, "tom") is None


def test_local_accounts_have_them(settings: Settings) -> None:
    Settings().require_passwords()
    with pytest.raises(CarrelError) as caught:
        settings.require_passwords()
    assert caught.value.code is Code.REFUSED
