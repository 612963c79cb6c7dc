"""A setup link works once, for a day, and nothing in the database gives it away."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hub import setup_links
from hub.audit import By
from hub.enums import Role
from hub.models import audit
from hub.models import setup_links as rows
from hub.store import Store
from spawner.errors import CarrelError, Code

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


def _make(store: Store, by: By, role: Role = Role.ADMIN) -> str:
    return store.decide(setup_links.create, role, DAY, by)


def _use(store: Store, token: str, at: datetime = NOW) -> Role:
    return store.decide(setup_links.use, token, "mia", By("(setup link)", at, "10.0.0.1"))


def _refused(store: Store, token: str, at: datetime = NOW) -> CarrelError:
    with pytest.raises(CarrelError) as caught:
        store.read(setup_links.role_of, token, at)
    with pytest.raises(CarrelError) as again:
        _use(store, token, at)
    assert str(again.value) == str(caught.value)
    assert caught.value.code is Code.REFUSED
    assert "./carrel admin-link" in caught.value.hint
    return caught.value


@pytest.mark.parametrize("role", Role)
def test_a_link_gives_its_role_once(store: Store, by: By, role: Role) -> None:
    token = _make(store, by, role)
    assert store.read(setup_links.role_of, token, NOW) is role
    assert store.read(setup_links.role_of, f" {token}\n", NOW) is role  # as people paste it
    assert _use(store, token) is role
    _refused(store, token)


def test_a_link_lives_for_its_lifetime(store: Store, by: By) -> None:
    token = _make(store, by)
    assert store.read(setup_links.role_of, token, NOW + DAY - timedelta(seconds=1))
    _refused(store, token, NOW + DAY)


@pytest.mark.parametrize("token", ["", "x", "x" * 10_000, "\0", "\ud800", "' OR 1=1 --"])
def test_what_was_never_made_is_refused_in_the_same_words(store: Store, by: By, token: str) -> None:
    used = _make(store, by)
    _use(store, used)
    assert str(_refused(store, token)) == str(_refused(store, used))


def test_only_the_hash_is_stored(store: Store, by: By) -> None:
    token = _make(store, by)
    with store.reading() as tx:
        stored = str(tx.execute(sa.select(rows)).all()) + str(tx.execute(sa.select(audit)).all())
    assert token not in stored
    assert setup_links._hash(token) in stored


def test_two_links_differ_and_are_long_enough_not_to_be_guessed(store: Store, by: By) -> None:
    first, second = _make(store, by), _make(store, by)
    assert first != second
    assert len(first) >= 43  # 256 bits


def test_a_link_used_by_two_at_the_same_moment_has_one_winner(store: Store, by: By) -> None:
    token = _make(store, by)
    start, outcomes = threading.Barrier(4), []

    def attempt() -> None:
        start.wait()
        try:
            outcomes.append(_use(store, token))
        except CarrelError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [Code.REFUSED] * 3 + [Role.ADMIN]


def test_an_error_after_its_use_gives_the_link_back(store: Store, by: By) -> None:
    token = _make(store, by)
    with pytest.raises(RuntimeError), store.deciding() as tx:
        setup_links.use(tx, token, "mia", by)
        raise RuntimeError
    assert _use(store, token) is Role.ADMIN
