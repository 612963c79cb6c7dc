"""Accounts: one canonical name each, roles, disabling, and a line in the audit for every change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from hub import accounts
from hub.audit import Action, By
from hub.enums import Role
from hub.models import audit
from hub.store import Store
from spawner.errors import CarrelError, Code

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def _create(store: Store, by: By, name: str = "mia", role: Role = Role.STUDENT) -> accounts.Account:
    return store.decide(accounts.create, accounts.NewAccount(name, role, "hash"), by)


def _audit(store: Store) -> list[tuple[str, str, str | None, str]]:
    with store.reading() as tx:
        query = sa.select(audit).order_by(audit.c.id)
        return [(row.who, row.what, row.whom, row.detail) for row in tx.execute(query)]


@pytest.mark.parametrize("role", Role)
def test_an_account_is_found_as_it_was_made(store: Store, by: By, role: Role) -> None:
    made = _create(store, by, role=role)
    assert made == store.read(accounts.find, "mia")
    assert (made.name, made.role, made.created_at, made.enabled) == ("mia", role, NOW, True)
    assert made.last_login_at is None
    assert "hash" not in repr(made)


@pytest.mark.parametrize("twin", ["Mia", "MIA ", "\uff4d\uff49\uff41"])  # full-width letters
def test_another_spelling_is_the_same_account(store: Store, by: By, twin: str) -> None:
    _create(store, by)
    assert store.read(accounts.require, twin).name == "mia"
    with pytest.raises(CarrelError) as caught:
        _create(store, by, twin)
    assert caught.value.code is Code.CONFLICT


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "m\u0456a",  # Cyrillic i
        "m\u0131a",  # dotless i
        "../mia",
        "a/b",
        "<b>mia</b>",
        "mia\nroot",
        "mia\0",
        "x" * 200,
        ".mia",
        "mi a",
        "\ud800",
    ],
)
def test_names_that_look_alike_or_do_harm_are_refused(store: Store, by: By, name: str) -> None:
    for action in (
        lambda: _create(store, by, name),
        lambda: store.read(accounts.find, name),
        lambda: store.decide(accounts.disable, name, by),
    ):
        with pytest.raises(CarrelError) as caught:
            action()
        assert caught.value.code is Code.BAD_INPUT
        assert caught.value.hint
    assert store.read(accounts.everyone) == []


def test_everyone_is_listed_by_name(store: Store, by: By) -> None:
    for name in ("tom", "mia", "zoe"):
        _create(store, by, name)
    assert [account.name for account in store.read(accounts.everyone)] == ["mia", "tom", "zoe"]


def test_disabling_and_enabling_say_whether_they_changed_anything(store: Store, by: By) -> None:
    _create(store, by)
    assert store.decide(accounts.disable, "mia", by) is True
    assert store.decide(accounts.disable, "mia", by) is False
    assert store.read(accounts.require, "mia").disabled_at == NOW
    with pytest.raises(CarrelError) as caught:
        store.read(accounts.require_enabled, "mia")
    assert caught.value.code is Code.REFUSED
    assert store.decide(accounts.enable, "mia", by) is True
    assert store.decide(accounts.enable, "mia", by) is False
    assert store.read(accounts.require_enabled, "mia").enabled


def test_a_login_is_noted_for_accounts_that_are_enabled(store: Store, by: By) -> None:
    _create(store, by)
    store.decide(accounts.note_login, "mia", NOW)
    assert store.read(accounts.require, "mia").last_login_at == NOW
    store.decide(accounts.disable, "mia", by)
    assert store.decide(accounts.note_login, "mia", NOW) is None
    assert store.decide(accounts.note_login, "nobody", NOW) is None


def test_what_is_not_there_is_said_not_to_be(store: Store, by: By) -> None:
    for action in (
        lambda: store.read(accounts.require, "mia"),
        lambda: store.decide(accounts.set_role, "mia", Role.ADMIN, by),
        lambda: store.decide(accounts.set_password, "mia", "h", by),
        lambda: store.decide(accounts.disable, "mia", by),
        lambda: store.decide(accounts.enable, "mia", by),
        lambda: store.decide(accounts.remove, "mia", by, by.at),
    ):
        with pytest.raises(CarrelError) as caught:
            action()
        assert caught.value.code is Code.NOT_FOUND
    assert _audit(store) == []


def test_every_change_is_in_the_audit_and_nothing_else_is(store: Store, by: By) -> None:
    _create(store, by)
    store.decide(accounts.set_role, "mia", Role.TEACHER, by)
    store.decide(accounts.set_role, "mia", Role.TEACHER, by)
    store.decide(accounts.set_password, "mia", "hash 2", by)
    store.decide(accounts.disable, "mia", by)
    store.decide(accounts.disable, "mia", by)
    store.decide(accounts.enable, "mia", by)
    store.decide(accounts.remove, "mia", by, by.at)
    who = "(command line)"
    assert _audit(store) == [
        (who, Action.ACCOUNT_CREATED.value, "mia", "student"),
        (who, Action.ROLE_SET.value, "mia", "student → teacher"),
        (who, Action.PASSWORD_SET.value, "mia", ""),
        (who, Action.ACCOUNT_DISABLED.value, "mia", ""),
        (who, Action.ACCOUNT_ENABLED.value, "mia", ""),
        (who, Action.ACCOUNT_DELETED.value, "mia", "teacher"),
    ]
    assert store.read(accounts.everyone) == []
