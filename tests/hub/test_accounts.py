"""Accounts: one canonical name each, roles, disabling, and a line in the audit for every change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hub import accounts, links
from hub.audit import Action, By
from hub.enums import Interface, LinkKind, LinkState, Role
from hub.links import Wish
from hub.models import audit, departures
from hub.store import Store
from spawner.errors import CarrelError, Code

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


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
        lambda: store.decide(accounts.remove, "mia", by, LATER),
        lambda: store.decide(accounts.set_full_name, "mia", "Mia", by),
        lambda: store.decide(accounts.set_interface, "mia", Interface.LAB),
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
    store.decide(accounts.set_full_name, "mia", "Mia M", by)
    store.decide(accounts.set_full_name, "mia", " Mia  M ", by)
    store.decide(accounts.set_interface, "mia", Interface.LAB)
    store.decide(accounts.remove, "mia", by, LATER)
    who = "(command line)"
    assert _audit(store) == [
        (who, Action.ACCOUNT_CREATED.value, "mia", "student"),
        (who, Action.ROLE_SET.value, "mia", "student → teacher"),
        (who, Action.PASSWORD_SET.value, "mia", ""),
        (who, Action.ACCOUNT_DISABLED.value, "mia", ""),
        (who, Action.ACCOUNT_ENABLED.value, "mia", ""),
        (who, Action.FULL_NAME_SET.value, "mia", " → Mia M"),
        (who, Action.ACCOUNT_DELETED.value, "mia", "teacher; home kept until 2026-03-31 12:00 UTC"),
    ]
    assert store.read(accounts.everyone) == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", ""),
        ("  Mia \t  M\n", "Mia M"),
        ("Zoe\u0308", "Zo\u00eb"),  # e and a combining diaeresis
        ("\u674e\u5c0f\u9f99", "\u674e\u5c0f\u9f99"),
        ("<b>Mia</b> & 'co'", "<b>Mia</b> & 'co'"),  # text: pages escape it
        ("\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",) * 2,  # a joiner inside a name
        ("\u200d \u200c", ""),
        ("x" * 100, "x" * 100),
    ],
)
def test_what_a_person_is_called(store: Store, by: By, typed: str, kept: str) -> None:
    new = accounts.NewAccount("mia", Role.STUDENT, full_name=typed)
    account = store.decide(accounts.create, new, by)
    assert (account.full_name, account.called) == (kept, kept or "mia")
    store.decide(accounts.set_full_name, "mia", "other", by)
    store.decide(accounts.set_full_name, "mia", typed, by)
    assert store.read(accounts.require, "mia").full_name == kept


@pytest.mark.parametrize(
    "typed",
    [
        "Mia\0",
        "Mia\x1b[31m",
        "Mia\x1cM",
        "Mia\u202ema",  # turns the text behind it round
        "Mia\u2066",
        "Mia\u200b",
        "\ufeffMia",
        "Mia\u2028M",
        "Mia\ud800",
        "Mia\ufffd",  # what a form holds in the place of bytes that are no text
        "x" * 101,
    ],
)
def test_names_that_would_harm_a_page_are_refused(store: Store, by: By, typed: str) -> None:
    _create(store, by, "tom")
    for action in (
        lambda: store.decide(
            accounts.create, accounts.NewAccount("mia", Role.STUDENT, full_name=typed), by
        ),
        lambda: store.decide(accounts.set_full_name, "tom", typed, by),
    ):
        with pytest.raises(CarrelError) as caught:
            action()
        assert caught.value.code is Code.BAD_INPUT and caught.value.hint
    assert [account.called for account in store.read(accounts.everyone)] == ["tom"]


def test_what_a_session_opens_in_is_remembered(store: Store, by: By) -> None:
    assert _create(store, by).interface is None
    for interface in Interface:
        store.decide(accounts.set_interface, "mia", interface)
        assert store.read(accounts.require, "mia").interface is interface


def test_somebody_of_a_provider_is_found_by_their_identity(store: Store, by: By) -> None:
    new = accounts.NewAccount("mia", Role.STUDENT, identity="https://idp.example 42")
    made = store.decide(accounts.create, new, by)
    assert store.read(accounts.find_identity, "https://idp.example 42") == made
    assert store.read(accounts.find_identity, "https://idp.example 4") is None


def test_the_name_of_a_deleted_account_stays_taken_while_its_home_is_there(
    store: Store, by: By
) -> None:
    """A namesake would find the files."""
    new = accounts.NewAccount("mia", Role.TEACHER, "hash", "Mia M", "ada", "https://idp 1")
    store.decide(accounts.create, new, by)
    store.decide(accounts.remove, "Mia", By("ada", NOW), LATER)
    assert store.read(accounts.departed, " MIA") == LATER
    with store.reading() as tx:
        kept = tx.execute(sa.select(departures)).one()
    assert (kept.name, kept.role, kept.full_name, kept.invited_by, kept.identity) == (
        "mia", Role.TEACHER, "Mia M", "ada", "https://idp 1"
    )  # fmt: skip
    assert (kept.created_at, kept.deleted_at, kept.deleted_by, kept.remove_at) == (
        NOW, NOW, "ada", LATER
    )  # fmt: skip
    for twin in ("mia", "MIA ", "\uff4d\uff49\uff41"):
        with pytest.raises(CarrelError) as caught:
            _create(store, by, twin)
        assert caught.value.code is Code.CONFLICT
    with store.deciding() as tx:
        tx.execute(departures.delete())
    assert store.read(accounts.departed, "mia") is None
    assert _create(store, by).full_name == ""


def test_a_namesake_does_not_inherit_whom_the_one_before_invited(store: Store, by: By) -> None:
    for name, invited_by in (("tess", None), ("mia", "tess"), ("tom", "ada"), ("zoe", "tess")):
        new = accounts.NewAccount(name, Role.STUDENT, invited_by=invited_by)
        store.decide(accounts.create, new, by)
    for name in ("zoe", "tess"):
        store.decide(accounts.remove, name, by, LATER)
    assert store.read(accounts.require, "mia").invited_by == "tess"  # may still be restored
    with store.deciding() as tx:
        tx.execute(departures.delete().where(departures.c.name == "tess"))
    _create(store, by, "tess", Role.TEACHER)
    assert store.read(accounts.require, "mia").invited_by is None
    assert store.read(accounts.require, "tom").invited_by == "ada"
    with store.reading() as tx:
        assert tx.execute(sa.select(departures.c.invited_by)).scalars().all() == [None]


def test_a_new_password_ends_open_reset_links(store: Store, by: By) -> None:
    _create(store, by)
    wish = Wish(LinkKind.RESET, timedelta(days=1), name="mia")
    _, token = store.decide(links.create, wish, by)
    store.decide(accounts.set_password, "mia", "hash 2", by)
    assert store.read(links.find, LinkKind.RESET, token).state(NOW) is LinkState.WITHDRAWN
