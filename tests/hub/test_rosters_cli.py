"""./carrel user roster: a list in, links out, and nothing by halves."""

from __future__ import annotations

import csv
import io
import json

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from hub import invitations
from hub import store as store_module
from hub.cli import rosters
from hub.cli.app import app
from hub.enums import Role
from hub.powers import Actor
from hub.settings import Settings
from hub.store import Store

ROOT = Actor("root", Role.ADMIN)


@pytest.fixture(autouse=True)
def inside(monkeypatch: pytest.MonkeyPatch, url: sa.URL, tmp_path) -> None:
    settings = Settings(data_dir=tmp_path, server={"public_url": "https://carrel.example"})
    monkeypatch.setattr(rosters, "ensure_inside", lambda: settings)
    monkeypatch.setattr(store_module, "url", lambda _settings: url)


def _send(text: str | bytes, *options: str) -> Result:
    return CliRunner().invoke(app, ["user", "roster", *options], input=text)


def test_links_come_out_as_csv_and_again_only_for_the_new(store: Store) -> None:
    result = _send("ada, Ada Lovelace\nalan\n")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert result.exit_code == 0
    assert [(row["name"], row["full name"]) for row in rows] == [
        ("ada", "Ada Lovelace"),
        ("alan", ""),
    ]
    assert all("https://carrel.example/hub/invitation#" in row["link"] for row in rows)
    again = _send(result.stdout + "kim,Kim,\n", "--json")
    assert [person["name"] for person in json.loads(again.stdout)] == ["kim"]
    assert "ada is invited already." in again.stderr
    assert len(store.read(invitations.of_actor, ROOT)) == 3


def test_a_look_invites_nobody(store: Store) -> None:
    result = _send("ada\n", "--check")
    assert result.exit_code == 0 and result.stdout == ""
    assert "1 would be invited" in result.stderr
    assert store.read(invitations.of_actor, ROOT) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ada\n../x\n", "Line 2 (../x)"),
        ("", "nobody on this list"),
        (b"PK\x03\x04\x00", "not text"),
        ("x" * (4 * 2**20 + 1), "larger than 4 MiB"),
        ("\n".join(f"u{i}" for i in range(10_000)), "10,000 lines"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_whole(
    store: Store, text: str | bytes, says: str
) -> None:
    result = _send(text)
    assert result.exit_code == 2 and result.stdout == ""
    assert says in result.stderr
    assert store.read(invitations.of_actor, ROOT) == []


def test_bounds_of_the_links_hold_here_too(store: Store) -> None:
    assert _send("ada\n", "--days", "0").exit_code == 2
    assert store.read(invitations.of_actor, ROOT) == []
