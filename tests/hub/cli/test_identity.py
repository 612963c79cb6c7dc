"""Joining accounts to people at a provider, from the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from hub import accounts
from hub import store as store_module
from hub.audit import COMMAND_LINE, By
from hub.cli import identity
from hub.cli.app import app
from hub.enums import Role
from hub.settings import Settings
from hub.store import Store

MIA = "https://idp.example.org 248289761001"


@pytest.fixture(autouse=True)
def _inside(monkeypatch: pytest.MonkeyPatch, url: sa.URL, store: Store) -> None:
    monkeypatch.setattr(identity, "ensure_inside", Settings)
    monkeypatch.setattr(store_module, "url", lambda _settings: url)
    new = accounts.NewAccount("mia", Role.STUDENT)
    store.decide(accounts.create, new, By(COMMAND_LINE, datetime.now(UTC)))


def _carrel(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["user", "identity", *arguments])


def test_an_account_is_joined_and_parted_again(store):
    assert _carrel("Mia", MIA).exit_code == 0
    assert store.read(accounts.find_identity, MIA).name == "mia"
    again = _carrel("mia", MIA)
    assert (again.exit_code, "Nothing changed" in again.stderr) == (0, True)
    assert _carrel("mia", "--remove").exit_code == 0
    assert store.read(accounts.find_identity, MIA) is None


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("",), ("248289761001",), ("https://idp.example.org",), ("idp.example.org 7",),
        ("https://idp.example.org 7 8",), (MIA, "--remove"),
    ],
)  # fmt: skip
def test_what_is_no_identity_is_refused_with_an_example(store, arguments):
    done = _carrel("mia", *arguments)
    assert done.exit_code == 2
    assert "Example: ./carrel user identity" in done.stderr
    assert store.read(accounts.require, "mia").identity is None
