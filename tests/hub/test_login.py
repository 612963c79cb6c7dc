"""One answer for every cause, at one cost; guesses at the same moment are held to the limit too."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from hub import accounts, passwords
from hub.accounts import Account, NewAccount
from hub.attempts import Limits
from hub.audit import By
from hub.enums import Role
from hub.login import WRONG, Login, Refusal, check, precheck
from hub.store import Store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIMITS = Limits(per_name=3, per_address=50, window=timedelta(minutes=15))
GOOD = "four plain words here"

pytestmark = pytest.mark.usefixtures("cheap_hashes")


@pytest.fixture
def mia(store: Store, by: By, cheap_hashes: None) -> Account:
    new = NewAccount("mia", Role.ADMIN, passwords.hash_password(GOOD))
    return store.decide(accounts.create, new, by)


def _check(store: Store, name: str, password: str, address: str = "a") -> Account | Refusal:
    return check(store, Login(name, password, address), LIMITS, NOW)


def test_the_right_password_opens_and_is_noted(store: Store, mia: Account) -> None:
    found = _check(store, " MIA ", GOOD)
    assert isinstance(found, Account)
    assert (found.name, found.role) == ("mia", Role.ADMIN)
    assert store.read(accounts.require, "mia").last_login_at == NOW


@pytest.mark.parametrize("name", ["tom", "", "../x", "m\u0456a", "x" * 100_000, "<b>", "mia\0"])
def test_a_name_that_is_not_there_answers_like_a_wrong_password(
    store: Store, mia: Account, name: str
) -> None:
    assert _check(store, "mia", "wrong") == Refusal(WRONG)
    assert _check(store, name, GOOD) == Refusal(WRONG)


@pytest.mark.parametrize("password", ["", "x" * 10_000, "\ud800", "\0"])
def test_a_password_that_cannot_be_is_wrong(store: Store, mia: Account, password: str) -> None:
    assert _check(store, "mia", password) == Refusal(WRONG)


def test_a_disabled_account_answers_like_a_wrong_password(
    store: Store, mia: Account, by: By
) -> None:
    store.decide(accounts.disable, "mia", by)
    assert _check(store, "mia", GOOD) == Refusal(WRONG)


def test_an_account_without_a_password_opens_to_nothing(store: Store, by: By) -> None:
    store.decide(accounts.create, NewAccount("mia", Role.STUDENT), by)
    assert _check(store, "mia", "") == Refusal(WRONG)


def test_every_cause_costs_one_verification(
    store: Store, mia: Account, by: By, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(passwords, "verify", lambda hashed, typed: asked.append(hashed) and False)
    store.decide(accounts.create, NewAccount("off", Role.STUDENT, "hash"), by)
    store.decide(accounts.disable, "off", by)
    for name in ("mia", "tom", "off", "../x"):
        assert _check(store, name, "wrong") == Refusal(WRONG)
    assert asked == [mia.password_hash, None, None, None]


@pytest.mark.parametrize("name", ["mia", "tom"])
def test_after_too_many_nobody_is_asked_any_more(store: Store, mia: Account, name: str) -> None:
    """The right password too; and it reads the same for a name that is not there."""
    for _ in range(3):
        assert _check(store, name, "wrong") == Refusal(WRONG)
    refusal = _check(store, name, GOOD)
    assert refusal == Refusal("Too many wrong attempts. Try again in 15 minutes.", 900)
    login = Login(name, GOOD, "b")
    assert store.read(precheck, login, LIMITS, NOW) == refusal
    assert store.read(precheck, login, LIMITS, NOW + timedelta(minutes=14, seconds=30)) == Refusal(
        "Too many wrong attempts. Try again in a minute.", 30
    )
    assert store.read(precheck, login, LIMITS, NOW + timedelta(minutes=16)) is None


def test_guesses_at_the_same_moment_are_held_to_the_limit(
    store: Store, mia: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, lock = [], threading.Lock()

    def verify(_hashed: str | None, typed: str) -> bool:
        with lock:
            asked.append(typed)
        return False

    monkeypatch.setattr(passwords, "verify", verify)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: _check(store, "mia", str(i), f"10.0.0.{i}"), range(24)))
    assert len(asked) == LIMITS.per_name


def test_right_passwords_never_count(store: Store, mia: Account) -> None:
    for _ in range(10):
        assert isinstance(_check(store, "mia", GOOD), Account)


def test_disabled_while_argon2_is_at_work_is_out(
    store: Store, mia: Account, by: By, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify(_hashed: str | None, _typed: str) -> bool:
        store.decide(accounts.disable, "mia", by)
        return True

    monkeypatch.setattr(passwords, "verify", verify)
    assert _check(store, "mia", GOOD) == Refusal(WRONG)


def test_a_password_changed_while_argon2_is_at_work_counts(
    store: Store, mia: Account, by: By, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify(_hashed: str | None, _typed: str) -> bool:
        store.decide(accounts.set_password, "mia", "another hash", by)
        return True

    monkeypatch.setattr(passwords, "verify", verify)
    assert _check(store, "mia", GOOD) == Refusal(WRONG)


def test_what_was_typed_is_not_shown(store: Store) -> None:
    assert GOOD not in repr(Login("mia", GOOD, "a"))
