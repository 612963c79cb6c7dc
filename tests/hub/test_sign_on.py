"""Who may come in whom a provider vouches for; on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hub import accounts, course_people, courses, invitations, sign_on
from hub.accounts import NewAccount
from hub.audit import By
from hub.courses import Wish
from hub.enums import CourseRole, Role
from hub.invitations import Invitation
from hub.powers import Actor
from hub.providers import Person
from hub.sign_on import Carried, UserNameError
from hub.store import Store
from spawner.errors import CarrelError, Code

ANN = Person("https://idp.example.org 7", "ann", "Ann Example")


def _invite(store: Store, by: By, role: Role = Role.STUDENT, **more: object) -> str:
    return store.decide(invitations.create, Invitation(role, timedelta(days=1), **more), by)[1]


def test_an_invitation_makes_the_account_with_its_role(store, by):
    token = _invite(store, by, Role.TEACHER)
    account = store.decide(sign_on.admit, ANN, Carried(token), by)
    assert (account.name, account.role) == ("ann", Role.TEACHER)
    assert (account.identity, account.full_name) == (ANN.identity, "Ann Example")
    assert store.read(accounts.require, "ann").last_login_at == by.at


def test_nobody_comes_in_uninvited(store, by):
    with pytest.raises(CarrelError, match="Nobody has invited you") as caught:
        store.decide(sign_on.admit, ANN, None, by)
    assert caught.value.code is Code.REFUSED
    assert store.read(accounts.everyone) == []


def test_whoever_has_an_account_leaves_the_invitation_to_others(store, by):
    token = _invite(store, by)
    store.decide(sign_on.admit, ANN, Carried(token), by)
    second = _invite(store, by, Role.ADMIN)
    assert store.decide(sign_on.admit, ANN, Carried(second), by).role is Role.STUDENT
    assert store.read(invitations.find_usable, second, by.at).uses == 0


@pytest.mark.parametrize(
    ("chosen", "invited", "becomes"),
    [("Chosen", "roster", "chosen"), ("", "roster", "roster"), ("", None, "ann")],
)
def test_the_name_is_chosen_or_invited_or_proposed(store, by, chosen, invited, becomes):
    token = _invite(store, by, name=invited)
    assert store.decide(sign_on.admit, ANN, Carried(token, chosen), by).name == becomes


@pytest.mark.parametrize("chosen", ["taken", " TAKEN ", "<b>"])
def test_a_name_that_cannot_be_had_uses_nothing_up(store, by, chosen):
    store.decide(accounts.create, NewAccount("taken", Role.STUDENT), by)
    token = _invite(store, by)
    with pytest.raises(UserNameError) as caught:
        store.decide(sign_on.admit, ANN, Carried(token, chosen), by)
    assert caught.value.name == chosen
    assert store.read(accounts.find_identity, ANN.identity) is None
    assert store.read(invitations.find_usable, token, by.at).uses == 0


def test_without_any_name_somebody_has_to_choose(store, by):
    with pytest.raises(UserNameError, match="Choose a user name"):
        store.decide(sign_on.admit, replace(ANN, user_name=None), Carried(_invite(store, by)), by)


def test_the_same_name_or_address_joins_nothing(store, by):
    store.decide(accounts.create, NewAccount("ann", Role.ADMIN, full_name="Ann Example"), by)
    with pytest.raises(CarrelError, match="Nobody has invited you"):
        store.decide(sign_on.admit, ANN, None, by)
    assert store.read(accounts.require, "ann").identity is None


def test_the_disabled_stay_out_even_with_an_invitation(store, by):
    store.decide(sign_on.admit, ANN, Carried(_invite(store, by)), by)
    store.decide(accounts.disable, "ann", by)
    with pytest.raises(CarrelError, match="disabled"):
        store.decide(sign_on.admit, ANN, Carried(_invite(store, by)), by)


def test_an_identity_belongs_to_one_account(store, by):
    for name in ("ann", "bea"):
        store.decide(accounts.create, NewAccount(name, Role.STUDENT), by)
    assert store.decide(accounts.set_identity, "ann", ANN.identity, by)
    assert not store.decide(accounts.set_identity, "ann", ANN.identity, by)
    with pytest.raises(CarrelError, match="belongs to the account ann"):
        store.decide(accounts.set_identity, "bea", ANN.identity, by)
    assert store.decide(sign_on.admit, ANN, None, by).name == "ann"
    assert store.decide(accounts.set_identity, "ann", None, by)
    with pytest.raises(CarrelError, match="Nobody has invited you"):
        store.decide(sign_on.admit, ANN, None, by)


def test_an_invitation_does_not_show_where_it_could_be_read():
    assert "secret" not in repr(Carried("secret"))


def test_whoever_has_an_account_comes_into_the_course_of_an_invitation(store, by):
    tess = Actor("tess", Role.TEACHER)
    store.decide(accounts.create, NewAccount("tess", Role.TEACHER), by)
    store.decide(courses.make, tess, "ds-24", Wish("Data"), By("tess", by.at))
    store.decide(sign_on.admit, ANN, Carried(_invite(store, by)), by)
    token = _invite(store, By("tess", by.at), course="ds-24")
    for carried in (Carried("never made"), Carried(token)):
        assert store.decide(sign_on.admit, ANN, carried, by).name == "ann"
    (seat,) = [one for one in store.read(course_people.of_course, "ds-24") if one.name == "ann"]
    assert (seat.role, seat.came) == (CourseRole.STUDENT, True)
    with pytest.raises(CarrelError):
        store.read(invitations.find_usable, token, by.at)
