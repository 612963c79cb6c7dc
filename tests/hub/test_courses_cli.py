"""./carrel course: what it prints, what it refuses, and nothing by halves."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from hub import accounts, courses, members
from hub import store as store_module
from hub.accounts import NewAccount
from hub.audit import By
from hub.cli import courses as verbs
from hub.cli.app import app
from hub.enums import Role
from hub.powers import Actor
from hub.settings import Settings
from hub.store import Store


@pytest.fixture(autouse=True)
def inside(monkeypatch: pytest.MonkeyPatch, url: sa.URL, tmp_path, store: Store, by: By) -> None:
    settings = Settings(data_dir=tmp_path, server={"public_url": "https://carrel.example"})
    monkeypatch.setattr(verbs, "ensure_inside", lambda: settings)
    monkeypatch.setattr(store_module, "url", lambda _settings: url)
    for name, role in (("tess", Role.TEACHER), ("mia", Role.STUDENT)):
        store.decide(accounts.create, NewAccount(name, role), by)


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["course", *arguments])


def test_a_course_is_made_listed_archived_and_restored(store: Store, by: By) -> None:
    made = _run("add", "Data-26", "Data [b]Science", "--teacher", "tess", "--joining", "code")
    assert (made.exit_code, made.stdout) == (0, "https://carrel.example/c/data-26\n")
    code = store.read(courses.require, "data-26").code
    mia = Actor("mia", Role.STUDENT)
    store.decide(members.join, mia, "data-26", code, by)
    assert "Data [b]Science" in _run("list").stdout
    (told,) = json.loads(_run("list", "--json").stdout)
    assert (told["teachers"], told["students"], told["joining"]) == (["tess"], 1, "code")
    people = json.loads(_run("members", "data-26", "--json").stdout)
    assert [(one["name"], one["role"]) for one in people] == [
        ("tess", "teacher"), ("mia", "student"),
    ]  # fmt: skip
    assert "mia" in _run("members", "data-26").stdout
    for verb, says in (("archive", "is archived."), ("archive", "already"),
                       ("restore", "goes on."), ("restore", "nothing changed")):  # fmt: skip
        result = _run(verb, "data-26")
        assert result.exit_code == 0 and says in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "../x", "X"), ("add", "x" * 10_000, "X"), ("add", "ok", "x\0y"),
        ("add", "ok", "Fine", "--teacher", "mia"), ("add", "ok", "Fine", "--teacher", "nobody"),
        ("archive", "nothing"), ("restore", "nothing"), ("members", "nothing"), ("members", "<b>"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_a_sentence_and_makes_nothing(
    store: Store, arguments: tuple[str, ...]
) -> None:
    result = _run(*arguments)
    assert result.exit_code == 2 and result.stderr.strip() and "Traceback" not in result.output
    assert store.read(courses.listed, Actor("root", Role.ADMIN)) == []


def test_without_courses_it_says_how_to_make_one() -> None:
    assert "./carrel course add" in _run("list").stdout
    assert json.loads(_run("list", "--json").stdout) == []


def test_a_course_without_a_teacher_says_so() -> None:
    result = _run("add", "data-26", "Data", "--json")
    assert result.exit_code == 0 and json.loads(result.stdout)["link"].endswith("/c/data-26")
    assert "Nobody" not in _run("list").stdout and "Nobody" in _run("members", "data-26").stdout


def test_a_course_is_changed_and_what_is_not_named_stays(store: Store) -> None:
    _run("add", "data-26", "Data", "--joining", "code")
    result = _run("change", "data-26", "--profile", "datascience", "--title", "Data 2")
    assert result.exit_code == 0 and "is changed." in result.stderr
    (told,) = json.loads(_run("list", "--json").stdout)
    assert (told["title"], told["joining"], told["default_profile"]) == (
        "Data 2", "code", "datascience",
    )  # fmt: skip
    assert "datascience" in _run("list").stdout
    assert "nothing changed" in _run("change", "data-26").stderr
    result = _run("change", "data-26", "--profile", "gpu")
    assert result.exit_code == 2 and "Profiles offered here: small" in result.stderr
    assert _run("change", "nothing", "--title", "X").exit_code == 2
    assert _run("change", "data-26", "--profile", "").exit_code == 0
    assert store.read(courses.require, "data-26").default_profile is None
