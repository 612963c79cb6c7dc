"""Deleted accounts: kept, restored as they were, and forgotten once the home is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hub import accounts, departures, homes
from hub.accounts import NewAccount
from hub.audit import By
from hub.enums import Role
from hub.models import audit
from hub.store import Store
from spawner.errors import CarrelError, Code

DAY = timedelta(days=1)


@pytest.fixture
def gone(store: Store, by: By) -> str:
    """Mia's account was deleted; the home is kept for ten days."""
    new = NewAccount("mia", Role.TEACHER, "hash", "Mia M.", "tom", "https://id.example 7")
    store.decide(accounts.create, new, by)
    store.decide(accounts.disable, "mia", by)
    later = replace(by, at=by.at + DAY)
    store.decide(accounts.remove, "mia", later, later.at + 10 * DAY)
    return "mia"


def at(by: By, days: float) -> By:
    return replace(by, at=by.at + days * DAY)


def test_the_account_comes_back_as_it_was_but_for_its_password(
    store: Store, gone: str, by: By
) -> None:
    back = store.decide(departures.restore, " Mia ", at(by, 5))

    assert (back.name, back.role, back.full_name) == ("mia", Role.TEACHER, "Mia M.")
    assert (back.invited_by, back.identity, back.created_at) == (
        "tom",
        "https://id.example 7",
        by.at,
    )
    assert back.password_hash is None
    assert back.enabled
    assert store.read(departures.listed) == []
    with store.reading() as tx:
        assert tx.execute(sa.select(audit.c.what)).scalars().all()[-1] == "account.restored"


def test_nobody_comes_back_once_the_homes_time_is_over(store: Store, gone: str, by: By) -> None:
    with pytest.raises(CarrelError, match="being removed") as caught:
        store.decide(departures.restore, "mia", at(by, 11))
    assert caught.value.code is Code.REFUSED
    assert store.read(departures.find, "mia")


def test_who_never_left_cannot_come_back(store: Store, by: By) -> None:
    with pytest.raises(CarrelError) as caught:
        store.decide(departures.restore, "mia", by)
    assert caught.value.code is Code.NOT_FOUND


def test_a_login_at_the_provider_that_is_anothers_by_now_is_a_conflict(
    store: Store, gone: str, by: By
) -> None:
    other = NewAccount("mia2", Role.STUDENT, identity="https://id.example 7")
    store.decide(accounts.create, other, at(by, 2))
    with pytest.raises(CarrelError, match="mia2's by now") as caught:
        store.decide(departures.restore, "mia", at(by, 5))
    assert caught.value.code is Code.CONFLICT


@pytest.mark.parametrize(("days", "due"), [(0, False), (10.9, False), (11, True), (400, True)])
def test_a_home_is_due_when_its_time_is_over(
    store: Store, gone: str, by: By, days: float, due: bool
) -> None:
    assert bool(store.read(departures.due, at(by, days).at)) is due


def test_a_clock_before_the_deletion_makes_nothing_due(store: Store, by: By) -> None:
    store.decide(accounts.create, NewAccount("mia", Role.STUDENT), by)
    store.decide(accounts.remove, "mia", at(by, 5), by.at)
    assert store.read(departures.due, at(by, 4).at) == []
    assert store.read(departures.due, at(by, 5).at) != []


def test_the_name_is_free_once_the_home_is_gone(store: Store, gone: str, by: By) -> None:
    store.decide(homes.record, "mia", 5, by.at)
    with pytest.raises(CarrelError):
        store.decide(accounts.create, NewAccount("mia", Role.STUDENT), at(by, 12))

    assert store.decide(departures.forget, "mia", at(by, 12)) is True
    assert store.decide(departures.forget, "mia", at(by, 12)) is False

    store.decide(accounts.create, NewAccount("mia", Role.STUDENT), at(by, 12))
    assert store.read(homes.sizes) == {}
    with store.reading() as tx:
        lines = tx.execute(sa.select(audit.c.what, audit.c.whom)).all()
    assert lines.count(("home.removed", "mia")) == 1


def test_those_whose_homes_go_first_are_listed_first(store: Store, gone: str, by: By) -> None:
    store.decide(accounts.create, NewAccount("zoe", Role.STUDENT), by)
    store.decide(accounts.remove, "zoe", at(by, 1), at(by, 2).at)
    assert [one.name for one in store.read(departures.listed)] == ["zoe", "mia"]
