"""Reset links: one use, the newest alone, and only while their maker looks after the account."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hub import accounts, audit, resets
from hub.accounts import NewAccount
from hub.audit import By
from hub.enums import Role
from hub.powers import Actor
from hub.store import Store
from spawner.errors import CarrelError, Code

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ADA, TESS = Actor("ada", Role.ADMIN), Actor("tess", Role.TEACHER)
HOLDER = By(audit.RESET, NOW, "198.18.0.1")


@pytest.fixture(autouse=True)
def people(store: Store, by: By) -> None:
    for name, role, invited_by in (
        ("ada", Role.ADMIN, None),
        ("tess", Role.TEACHER, None),
        ("mia", Role.STUDENT, "tess"),
        ("tom", Role.STUDENT, "ada"),
    ):
        new = NewAccount(name, role, "old", invited_by=invited_by)
        store.decide(accounts.create, new, by)


def _offer(store: Store, actor: Actor = TESS, name: str = "mia") -> str:
    return store.decide(resets.offer, actor, name, DAY, By(actor.name, NOW))


def _use(store: Store, token: str, at: datetime = NOW) -> str:
    return store.decide(resets.use, token, "new", replace(HOLDER, at=at)).name


def _refused(store: Store, token: str, at: datetime = NOW) -> str:
    with pytest.raises(CarrelError) as caught:
        store.read(resets.find_usable, token, at)
    with pytest.raises(CarrelError) as again:
        _use(store, token, at)
    assert str(again.value) == str(caught.value) and caught.value.code is Code.REFUSED
    return str(caught.value)


def _password(store: Store, name: str = "mia") -> str | None:
    return store.read(accounts.require, name).password_hash


def test_a_link_sets_the_password_once(store: Store) -> None:
    token = _offer(store)
    assert store.read(resets.find_usable, token, NOW).name == "mia"
    assert _use(store, token) == "mia"
    assert _password(store) == "new"
    assert "has been used" in _refused(store, token)


def test_a_link_lives_for_its_lifetime(store: Store) -> None:
    token = _offer(store)
    assert store.read(resets.find_usable, token, NOW + DAY - timedelta(seconds=1))
    assert "expired" in _refused(store, token, NOW + DAY)
    assert _refused(store, "never-made") == _refused(store, token, NOW + DAY)
    assert _password(store) == "old"


def test_a_second_link_replaces_the_first(store: Store) -> None:
    first, toms, second = _offer(store), _offer(store, ADA, "tom"), _offer(store)
    assert "replaced by a newer one" in _refused(store, first)
    assert (_use(store, second), _use(store, toms)) == ("mia", "tom")


def test_a_password_changed_otherwise_ends_open_links(store: Store, by: By) -> None:
    token = _offer(store)
    store.decide(accounts.set_password, "mia", "chosen", by)
    assert "the password was changed" in _refused(store, token)
    assert _password(store) == "chosen"


def test_a_link_used_by_two_at_the_same_moment_has_one_winner(store: Store) -> None:
    token = _offer(store)
    start, outcomes = threading.Barrier(4), []

    def attempt() -> None:
        start.wait()
        try:
            outcomes.append(_use(store, token))
        except CarrelError as error:
            outcomes.append(error.code.name)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["REFUSED"] * 3 + ["mia"]


def test_an_invitation_resets_nothing(store: Store, by: By) -> None:
    from hub import invitations

    wanted = invitations.Invitation(Role.STUDENT, DAY, name="mia")
    _, token = store.decide(invitations.create, wanted, by)
    _refused(store, token)


def test_a_disabled_account_is_not_reset(store: Store, by: By) -> None:
    token = _offer(store)
    store.decide(accounts.disable, "mia", by)
    assert _refused(store, token) == _refused(store, "never-made")
    with pytest.raises(CarrelError) as caught:
        store.decide(resets.create, "mia", DAY, by)
    assert caught.value.code is Code.REFUSED
    store.decide(accounts.enable, "mia", by)
    assert _use(store, token) == "mia"


def test_an_account_of_a_provider_has_no_password_to_reset(store: Store, by: By) -> None:
    store.decide(accounts.create, NewAccount("zoe", Role.STUDENT, identity="https://idp 1"), by)
    with pytest.raises(CarrelError) as caught:
        store.decide(resets.create, "zoe", DAY, by)
    assert caught.value.code is Code.REFUSED and "provider" in str(caught.value)
    joined = NewAccount("eva", Role.STUDENT, "old", identity="https://idp 2")
    store.decide(accounts.create, joined, by)
    assert _use(store, store.decide(resets.create, "eva", DAY, by)) == "eva"


def test_a_namesake_is_not_reset_by_an_older_link(store: Store, by: By) -> None:
    token = store.decide(resets.create, "mia", DAY, by)
    store.decide(accounts.remove, "mia", by, NOW)
    _refused(store, token)
    with store.deciding() as tx:
        tx.execute(sa.text("DELETE FROM departures"))  # as when the home is removed
    later = replace(by, at=NOW + timedelta(seconds=1))
    store.decide(accounts.create, NewAccount("mia", Role.STUDENT, "another's"), later)
    _refused(store, token, later.at)
    assert _password(store) == "another's"


@pytest.mark.parametrize("end", ["disabled", "demoted", "deleted"])
def test_a_link_ends_with_the_powers_of_its_maker(store: Store, by: By, end: str) -> None:
    token, cli = _offer(store), store.decide(resets.create, "tom", DAY, by)
    if end == "disabled":
        store.decide(accounts.disable, "tess", by)
    elif end == "demoted":
        store.decide(accounts.set_role, "tess", Role.STUDENT, by)
    else:
        store.decide(accounts.remove, "tess", by, NOW)
    assert "may not do so any more" in _refused(store, token)
    assert _use(store, cli) == "tom"


@pytest.mark.parametrize("role", [Role.TEACHER, Role.ADMIN])
def test_a_teachers_link_opens_no_account_that_outgrew_them(
    store: Store, by: By, role: Role
) -> None:
    """Else a teacher could keep a link and enter as the admin that a student became."""
    token = _offer(store)
    store.decide(accounts.set_role, "mia", role, by)
    assert "may not do so any more" in _refused(store, token)
    assert _password(store) == "old"


def test_teachers_reset_their_own_students_alone(store: Store) -> None:
    for name in ("tom", "ada", "tess"):
        with pytest.raises(CarrelError) as caught:
            _offer(store, TESS, name)
        assert caught.value.code is Code.NOT_FOUND
    with pytest.raises(CarrelError) as caught:
        _offer(store, Actor("mia", Role.STUDENT), "tom")
    assert caught.value.code is Code.REFUSED
    assert _use(store, _offer(store, ADA, "tess")) == "tess"


def test_the_audit_says_who_reset_whom_and_never_the_code(store: Store) -> None:
    token = _offer(store)
    _use(store, token)
    with store.reading() as tx:
        lines = tx.execute(sa.select(audit.audit).order_by(audit.audit.c.id)).all()[4:]
    assert [(line.who, line.what, line.whom, line.address) for line in lines] == [
        ("tess", "reset_link.made", "mia", None),
        ("(reset link)", "reset_link.used", "mia", "198.18.0.1"),
        ("(reset link)", "account.password_set", "mia", "198.18.0.1"),
    ]
    assert token not in str(lines) and "new" not in str([line.detail for line in lines])
