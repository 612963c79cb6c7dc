"""A class list invites everybody who is not there yet, once, or nobody at all."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hub import accounts, invitations, links, roster, rosters
from hub.accounts import NewAccount
from hub.audit import By
from hub.enums import LinkKind, Role
from hub.models import audit
from hub.models import links as rows
from hub.powers import Actor
from hub.rosters import Invited, Terms
from hub.store import Store
from spawner.errors import CarrelError, Code

TESS = Actor("tess", Role.TEACHER)
WEEK = timedelta(days=7)
STUDENTS = Terms(Role.STUDENT, WEEK)


@pytest.fixture(autouse=True)
def tess(store: Store, by: By) -> None:
    store.decide(accounts.create, NewAccount("tess", Role.TEACHER), by)


def _invite(store: Store, text: str, by: By, terms: Terms = STUDENTS) -> Invited:
    by = By("tess", by.at, "10.0.0.1")
    return store.decide(rosters.invite, TESS, roster.read(text), terms, by)


def _names(invited: Invited) -> list[str]:
    return [entry.name for entry, _ in invited.tokens]


def test_each_gets_a_link_with_name_and_role(store: Store, by: By) -> None:
    invited = _invite(store, "ada, Ada Lovelace\nbob", by)
    for (entry, token), full_name in zip(invited.tokens, ("Ada Lovelace", ""), strict=True):
        link = store.read(invitations.find_usable, token, by.at)
        assert (link.name, link.full_name, link.role) == (entry.name, full_name, Role.STUDENT)
        assert (link.most_uses, link.created_by) == (1, "tess")
    with store.reading() as tx:
        lines = tx.execute(sa.select(audit).where(audit.c.what == "invitation.made")).all()
    assert [(line.who, line.whom, line.address) for line in lines] == [
        ("tess", "ada", "10.0.0.1"),
        ("tess", "bob", "10.0.0.1"),
    ]


def test_the_same_list_again_adds_only_the_new(store: Store, by: By) -> None:
    (first,) = _invite(store, "ada", by).tokens
    again = _invite(store, "ada\nbob", by)
    assert _names(again) == ["bob"]
    assert [(e.name, why) for e, why in again.plan.there] == [("ada", "is invited already")]
    store.decide(invitations.accept, first[1], NewAccount("countess", Role.STUDENT), by)
    assert _names(_invite(store, "ada\ncountess\ncy", by)) == ["cy"], "also under another name"


def test_whose_link_expired_or_was_withdrawn_gets_another(store: Store, by: By) -> None:
    _invite(store, "ada\nbob", by)
    with store.deciding() as tx:
        (link,) = links.listed(tx, rows.c.name == "ada")
        invitations.withdraw(tx, TESS, link.id, by)
    assert _names(_invite(store, "ada\nbob", by)) == ["ada"]
    later = By("tess", by.at + WEEK)
    assert _names(_invite(store, "ada\nbob", later)) == ["ada", "bob"]


def test_the_deleted_whose_home_is_kept_are_not_invited(store: Store, by: By) -> None:
    store.decide(accounts.create, NewAccount("old", Role.STUDENT), by)
    store.decide(accounts.remove, "old", by, by.at + WEEK)
    invited = _invite(store, "old\nnew", by)
    assert _names(invited) == ["new"]
    assert "deleted" in invited.plan.there[0][1]


def test_a_list_with_a_problem_invites_nobody(store: Store, by: By) -> None:
    with pytest.raises(CarrelError) as caught:
        _invite(store, "ada\n../root", by)
    assert caught.value.code is Code.BAD_INPUT
    assert "Line 2" in caught.value.message
    with store.reading() as tx:
        assert links.listed(tx, rows.c.kind == LinkKind.INVITATION) == []


@pytest.mark.parametrize("role", [Role.TEACHER, Role.ADMIN])
def test_teachers_invite_students_alone(store: Store, by: By, role: Role) -> None:
    with pytest.raises(CarrelError) as caught:
        _invite(store, "ada", by, Terms(role, WEEK))
    assert caught.value.code is Code.REFUSED


def test_one_list_sent_twice_at_the_same_moment_invites_each_once(store: Store, by: By) -> None:
    text = "\n".join(f"user{i}" for i in range(40))
    start, made = threading.Barrier(3), []

    def send() -> None:
        start.wait()
        made.append(len(_invite(store, text, by).tokens))

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [0, 0, 40]


def test_more_people_than_a_query_holds_parameters(store: Store, by: By) -> None:
    text = "\n".join(f"user{i}" for i in range(1203))
    assert len(_invite(store, text, by).tokens) == 1203
    again = _invite(store, text, by)
    assert len(again.plan.there) == 1203 and again.tokens == ()
