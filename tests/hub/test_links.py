"""Links: a token given out once, counted by the row itself, with one state at a time."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hub import links
from hub.audit import By
from hub.enums import LinkKind, LinkState, Role
from hub.links import Link, Wish
from hub.models import audit
from hub.models import links as rows
from hub.store import Store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LINK = Link(7, LinkKind.INVITATION, Role.STUDENT, None, "", "tess", NOW, NOW + DAY, 3, 0, None)


def _wish(uses: int = 1, lifetime: timedelta = DAY) -> Wish:
    return Wish(LinkKind.INVITATION, lifetime, Role.STUDENT, most_uses=uses)


def _find(store: Store, token: str, kind: LinkKind = LinkKind.INVITATION) -> Link | None:
    return store.read(links.find, kind, token)


@pytest.mark.parametrize(
    ("change", "at", "state"),
    [
        ({}, NOW, LinkState.OPEN),
        ({"uses": 2}, NOW, LinkState.OPEN),
        ({"uses": 3}, NOW, LinkState.USED),
        ({}, NOW + DAY - timedelta(microseconds=1), LinkState.OPEN),
        ({}, NOW + DAY, LinkState.EXPIRED),
        ({"uses": 3}, NOW + DAY, LinkState.USED),
        ({"withdrawn_at": NOW}, NOW + DAY, LinkState.WITHDRAWN),
        ({"withdrawn_at": NOW, "uses": 3}, NOW, LinkState.WITHDRAWN),
    ],
)
def test_the_state_of_a_link(change: dict, at: datetime, state: LinkState) -> None:
    assert replace(LINK, **change).state(at) is state


def test_a_link_is_found_by_its_token_and_kind_alone(store: Store, by: By) -> None:
    number, token = store.decide(links.create, _wish(), by)
    found = _find(store, token)
    assert found is not None
    assert (found.id, found.created_by, found.expires_at) == (number, by.who, NOW + DAY)
    assert _find(store, f" {token}\n") == found  # as people paste it
    assert _find(store, token, LinkKind.RESET) is None
    assert _find(store, token.swapcase()) is None


@pytest.mark.parametrize("token", ["", "x", "x" * 100_000, "\0", "\ud800", "' OR 1=1 --"])
def test_a_token_that_was_never_made_finds_nothing(store: Store, by: By, token: str) -> None:
    store.decide(links.create, _wish(), by)
    assert _find(store, token) is None


def test_only_the_hash_is_stored(store: Store, by: By) -> None:
    _, token = store.decide(links.create, _wish(), by)
    with store.reading() as tx:
        stored = str(tx.execute(sa.select(rows)).all()) + str(tx.execute(sa.select(audit)).all())
    assert token not in stored and links._hash(token) in stored


def test_tokens_differ_and_are_long_enough_not_to_be_guessed(store: Store, by: By) -> None:
    (_, first), (_, second) = store.decide(links.create_many, [_wish(), _wish()], by)
    assert first != second and len(first) >= 43  # 256 bits


def test_many_links_come_back_in_the_order_of_the_wishes(store: Store, by: By) -> None:
    wishes = [replace(_wish(), name=f"n{i}") for i in range(1100)]
    made = store.decide(links.create_many, wishes, by)
    assert len({number for number, _ in made}) == 1100
    for index in (0, 499, 500, 1099):
        number, token = made[index]
        found = _find(store, token)
        assert found and (found.id, found.name) == (number, f"n{index}")
    assert store.decide(links.create_many, [], by) == []


@pytest.mark.parametrize("uses", [1, 3])
def test_of_many_at_the_same_moment_as_many_win_as_there_are_uses(
    store: Store, by: By, uses: int
) -> None:
    """All have read the link as open before the first one uses it."""
    _, token = store.decide(links.create, _wish(uses), by)
    link = _find(store, token)
    start, won = threading.Barrier(6), []

    def attempt() -> None:
        start.wait()
        won.append(store.decide(links.use, link))

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * (6 - uses) + [True] * uses
    assert _find(store, token).uses == uses


def test_a_link_withdrawn_since_it_was_read_is_not_used(store: Store, by: By) -> None:
    _, token = store.decide(links.create, _wish(), by)
    link = _find(store, token)
    assert store.decide(links.withdraw, link, NOW) is True
    assert store.decide(links.use, link) is False
    assert store.decide(links.withdraw, _find(store, token), NOW) is False
    assert _find(store, token).state(NOW) is LinkState.WITHDRAWN


def test_an_error_after_its_use_gives_the_link_back(store: Store, by: By) -> None:
    _, token = store.decide(links.create, _wish(), by)
    with pytest.raises(RuntimeError), store.deciding() as tx:
        assert links.use(tx, links.find(tx, LinkKind.INVITATION, token))
        raise RuntimeError
    assert _find(store, token).state(NOW) is LinkState.OPEN


def test_withdrawing_resets_touches_the_open_ones_of_that_account(store: Store, by: By) -> None:
    def made(name: str, kind: LinkKind = LinkKind.RESET, life: timedelta = DAY) -> str:
        role = Role.STUDENT if kind is LinkKind.INVITATION else None
        return store.decide(links.create, Wish(kind, life, role, name), by)[1]

    mias, used, toms = made("mia"), made("mia"), made("tom")
    late, invitation = made("mia", life=-DAY), made("mia", LinkKind.INVITATION)
    store.decide(links.use, _find(store, used, LinkKind.RESET))
    store.decide(links.withdraw_resets, "mia", NOW)
    states = [_find(store, token, LinkKind.RESET).state(NOW) for token in (mias, used, toms, late)]
    assert states == [
        LinkState.WITHDRAWN,
        LinkState.USED,
        LinkState.OPEN,
        LinkState.EXPIRED,
    ]
    assert _find(store, invitation).state(NOW) is LinkState.OPEN


def test_links_are_listed_newest_first(store: Store, by: By) -> None:
    made = [store.decide(links.create, _wish(), by)[0] for _ in range(3)]
    assert [link.id for link in store.read(links.listed)] == made[::-1]
    assert [link.id for link in store.read(links.listed, limit=1)] == made[2:]
    assert "token" not in str(store.read(links.listed))
