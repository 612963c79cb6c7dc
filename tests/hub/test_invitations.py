"""Invitations: so many accounts as they are for, and none when their maker's powers are gone."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hub import accounts, audit, invitations
from hub.accounts import Account, NewAccount
from hub.audit import By
from hub.enums import Role
from hub.invitations import Invitation
from hub.links import Link
from hub.powers import Actor
from hub.store import Store
from spawner.errors import CarrelError, Code

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
INVITED = By(audit.INVITED, NOW, "198.18.0.1")
ADA, TESS = Actor("ada", Role.ADMIN), Actor("tess", Role.TEACHER)


@pytest.fixture
def staff(store: Store, by: By) -> None:
    for actor in (ADA, TESS):
        store.decide(accounts.create, NewAccount(actor.name, actor.role, "hash"), by)


def _invite(store: Store, actor: Actor = TESS, role: Role = Role.STUDENT, uses: int = 1) -> str:
    by = By(actor.name, NOW)
    return store.decide(invitations.invite, actor, Invitation(role, DAY, uses), by)[1]


def _accept(store: Store, token: str, name: str = "mia", at: datetime = NOW) -> Account:
    # The role that a form might send is an admin's: it must not matter.
    new = NewAccount(name, Role.ADMIN, "hash", "Mia M")
    return store.decide(invitations.accept, token, new, replace(INVITED, at=at))


def _refused(store: Store, token: str, at: datetime = NOW) -> CarrelError:
    with pytest.raises(CarrelError) as caught:
        store.read(invitations.find_usable, token, at)
    with pytest.raises(CarrelError) as again:
        _accept(store, token, "late", at)
    assert str(again.value) == str(caught.value) and caught.value.code is Code.REFUSED
    assert store.read(accounts.find, "late") is None
    return caught.value


def _number(store: Store, token: str) -> int:
    return store.read(invitations.find_usable, token, NOW).id


@pytest.mark.parametrize("role", Role)
def test_an_invitation_gives_its_role_and_remembers_who_sent_it(
    store: Store, staff: None, role: Role
) -> None:
    account = _accept(store, _invite(store, ADA, role))
    assert (account.role, account.invited_by, account.full_name) == (role, "ada", "Mia M")


def test_each_reason_has_its_sentence(store: Store, staff: None) -> None:
    used, withdrawn, late = _invite(store), _invite(store), _invite(store)
    few = _invite(store, uses=2)
    _accept(store, used, "mia")
    _accept(store, few, "tom")
    _accept(store, few, "zoe")
    store.decide(invitations.withdraw, TESS, _number(store, withdrawn), By("tess", NOW))
    assert _refused(store, used).message == "This invitation has been used."
    assert "used as often as it may be" in _refused(store, few).message
    assert _refused(store, withdrawn).message == "This invitation was withdrawn."
    assert "expired" in _refused(store, late, NOW + DAY).message
    assert store.read(invitations.find_usable, late, NOW + DAY - timedelta(seconds=1))
    for token in (used, few, withdrawn):
        assert _refused(store, token).hint == "Ask whoever invited you for a new one."


def test_a_code_that_was_never_made_reads_like_an_expired_one(store: Store, staff: None) -> None:
    late = _refused(store, _invite(store), NOW + DAY)
    assert str(_refused(store, "never-made")) == str(late)


def test_the_command_lines_links_name_its_verbs(store: Store, by: By) -> None:
    _, token = store.decide(invitations.create, Invitation(Role.ADMIN, DAY), by)
    _accept(store, token)
    assert "./carrel admin-link" in _refused(store, token).hint


@pytest.mark.parametrize("uses", [1, 3])
def test_as_many_accounts_as_uses_though_all_come_at_once(
    store: Store, staff: None, uses: int
) -> None:
    token = _invite(store, uses=uses)
    start, outcomes = threading.Barrier(5), []

    def attempt(name: str) -> None:
        start.wait()
        try:
            outcomes.append(_accept(store, token, name).role)
        except CarrelError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=attempt, args=(f"n{i}",)) for i in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == sorted(
        [str(Role.STUDENT)] * uses + [str(Code.REFUSED)] * (5 - uses)
    )
    assert len(store.read(accounts.everyone)) == 2 + uses


@pytest.mark.parametrize("taken", ["ada", " ADA ", "\uff21da"])
def test_a_name_that_is_taken_uses_nothing_up(store: Store, staff: None, taken: str) -> None:
    token = _invite(store)
    with pytest.raises(CarrelError) as caught:
        _accept(store, token, taken)
    assert caught.value.code is Code.CONFLICT
    assert _accept(store, token).name == "mia"


@pytest.mark.parametrize("role", [Role.STUDENT, Role.TEACHER])
def test_an_invitation_ends_with_the_powers_of_its_maker(
    store: Store, staff: None, by: By, role: Role
) -> None:
    """And is there again when they are: nothing is withdrawn by it."""
    token = _invite(store, ADA, role)
    store.decide(accounts.set_role, "ada", Role.STUDENT, by)
    assert "may not invite people any more" in _refused(store, token).message
    store.decide(accounts.set_role, "ada", Role.TEACHER, by)
    if role is Role.TEACHER:
        _refused(store, token)
    else:
        assert store.read(invitations.find_usable, token, NOW)
    store.decide(accounts.set_role, "ada", Role.ADMIN, by)
    assert store.read(invitations.find_usable, token, NOW)
    store.decide(accounts.disable, "ada", by)
    _refused(store, token)
    store.decide(accounts.enable, "ada", by)
    store.decide(accounts.remove, "ada", by, NOW)
    _refused(store, token)


def test_a_namesake_of_the_maker_backs_no_link_of_theirs(store: Store, staff: None, by: By) -> None:
    token = _invite(store)
    store.decide(accounts.remove, "tess", by, NOW)
    _forget_departure(store, "tess")
    later = replace(by, at=NOW + timedelta(seconds=1))
    store.decide(accounts.create, NewAccount("tess", Role.ADMIN, "hash"), later)
    assert "may not invite people any more" in _refused(store, token, later.at).message


def test_the_command_lines_links_stand_on_nobody(store: Store, staff: None, by: By) -> None:
    _, token = store.decide(invitations.create, Invitation(Role.ADMIN, DAY), by)
    for name in ("ada", "tess"):
        store.decide(accounts.disable, name, by)
    assert _accept(store, token).role is Role.ADMIN


@pytest.mark.parametrize("role", [Role.TEACHER, Role.ADMIN])
def test_a_teacher_invites_students_alone(store: Store, staff: None, role: Role) -> None:
    with pytest.raises(CarrelError) as caught:
        _invite(store, TESS, role)
    assert caught.value.code is Code.REFUSED and "Teachers invite students" in str(caught.value)
    assert store.read(invitations.of_actor, ADA) == []


def test_a_student_invites_nobody_and_sees_none(store: Store, staff: None) -> None:
    mia = Actor("mia", Role.STUDENT)
    for action in (
        lambda: _invite(store, mia),
        lambda: store.read(invitations.of_actor, mia),
        lambda: store.decide(invitations.withdraw, mia, 1, INVITED),
    ):
        with pytest.raises(CarrelError) as caught:
            action()
        assert caught.value.code is Code.REFUSED


@pytest.mark.parametrize(
    ("days", "uses"), [(0, 1), (-1, 1), (366, 1), (1, 0), (1, -1), (1, 1001), (2**40, 2**40)]
)
def test_bounds_are_said(days: int, uses: int) -> None:
    with pytest.raises(CarrelError) as caught:
        invitations.checked(Role.STUDENT, days, uses)
    assert caught.value.code is Code.BAD_INPUT and caught.value.hint
    assert invitations.checked(Role.STUDENT, 365, 1000).lifetime == 365 * DAY


def test_a_teacher_sees_and_withdraws_the_own_ones(store: Store, staff: None) -> None:
    mine, adas = _invite(store), _invite(store, ADA)
    numbers = _number(store, mine), _number(store, adas)

    def seen(actor: Actor) -> list[Link]:
        return store.read(invitations.of_actor, actor)

    assert [link.id for link in seen(TESS)] == [numbers[0]]
    assert {link.id for link in seen(ADA)} == set(numbers)
    for number in (numbers[1], 0, -1, 10**6, 2**70):
        with pytest.raises(CarrelError) as caught:
            store.decide(invitations.withdraw, TESS, number, By("tess", NOW))
        assert caught.value.code is Code.NOT_FOUND
    assert store.decide(invitations.withdraw, ADA, numbers[0], By("ada", NOW)) is True
    assert store.decide(invitations.withdraw, TESS, numbers[0], By("tess", NOW)) is False
    assert store.read(invitations.find_usable, adas, NOW)


def test_the_audit_says_who_invited_whom_and_never_the_code(store: Store, staff: None) -> None:
    token, other = _invite(store, uses=30), _invite(store)
    _accept(store, token)
    store.decide(invitations.withdraw, TESS, _number(store, other), By("tess", NOW))
    with store.reading() as tx:
        lines = tx.execute(sa.select(audit.audit).order_by(audit.audit.c.id)).all()[2:]
    assert [(line.who, line.what, line.whom, line.address) for line in lines] == [
        ("tess", "invitation.made", None, None),
        ("tess", "invitation.made", None, None),
        ("(invited)", "account.created", "mia", "198.18.0.1"),
        ("(invited)", "invitation.used", "mia", "198.18.0.1"),
        ("tess", "invitation.withdrawn", None, None),
    ]
    assert lines[0].detail == "student, for 30, until 2026-03-02 12:00 UTC"
    assert token not in str(lines)


def _forget_departure(store: Store, name: str) -> None:
    """As when the home is removed."""
    with store.deciding() as tx:
        tx.execute(sa.text("DELETE FROM departures WHERE name = :name"), {"name": name})


def test_a_name_that_an_open_invitation_proposes_is_kept_for_that_person(
    store: Store, by: By
) -> None:
    day = timedelta(days=1)
    mine, kims = (
        store.decide(invitations.create, Invitation(Role.STUDENT, day, 1, name), by)
        for name in ("lea", "kim")
    )
    with pytest.raises(CarrelError) as caught:
        store.decide(invitations.accept, mine[1], NewAccount("KIM", Role.STUDENT), by)
    assert caught.value.code is Code.CONFLICT and "kept for somebody else" in caught.value.message
    store.decide(invitations.accept, kims[1], NewAccount("kim", Role.STUDENT), by)
    store.decide(invitations.accept, mine[1], NewAccount("lea2", Role.STUDENT), by)


def test_a_name_is_kept_only_as_long_as_its_invitation_is_open(store: Store, by: By) -> None:
    promised = Invitation(Role.STUDENT, timedelta(days=1), 1, "kim")
    number, _ = store.decide(invitations.create, promised, by)
    free = Invitation(Role.STUDENT, timedelta(days=9), 3)
    _, token = store.decide(invitations.create, free, by)
    store.decide(invitations.withdraw, Actor("root", Role.ADMIN), number, by)
    store.decide(invitations.accept, token, NewAccount("kim", Role.STUDENT), by)
