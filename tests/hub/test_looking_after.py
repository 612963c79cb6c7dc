"""What is done to accounts is done within the powers of whoever does it, and left on record."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from hub import accounts, looking_after, resets
from hub.accounts import NewAccount
from hub.audit import By
from hub.enums import Role
from hub.looking_after import Deed, Outcome
from hub.models import audit, departures
from hub.powers import Actor
from hub.store import Store

ROOT, TESS = Actor("root", Role.ADMIN), Actor("tess", Role.TEACHER)
DAY = timedelta(days=1)
NAMES = ["ada", "bob", "tess", "root", "nobody", "../x"]


@pytest.fixture(autouse=True)
def everybody(store: Store, by: By) -> None:
    for new in (
        NewAccount("root", Role.ADMIN),
        NewAccount("tess", Role.TEACHER),
        NewAccount("ada", Role.STUDENT, "old", invited_by="tess"),
        NewAccount("bob", Role.STUDENT, "old", invited_by="other"),
    ):
        store.decide(accounts.create, new, by)


def _each(store: Store, names: list[str], deed: Deed, by: By) -> dict[str, Outcome]:
    return {o.name: o for o in store.decide(looking_after.each, names, deed, by)}


def _who(outcomes: dict[str, Outcome]) -> list[str]:
    return [name for name, outcome in outcomes.items() if outcome.refused is None]


def _deeds(actor: Actor, by: By) -> dict[str, Deed]:
    return {
        "disable": looking_after.disable(actor, by),
        "enable": looking_after.enable(actor, by),
        "reset": looking_after.reset(actor, DAY, by),
        "delete": looking_after.delete(actor, by.at + DAY, by),
    }


@pytest.mark.parametrize("deed", ["disable", "enable", "reset", "delete"])
def test_a_teacher_looks_after_the_own_students_alone(store: Store, by: By, deed: str) -> None:
    by = By("tess", by.at, "10.0.0.1")
    outcomes = _each(store, NAMES, _deeds(TESS, by)[deed], by)
    assert _who(outcomes) == ["ada"]
    # Whether there is a bob, or a nobody, is not told.
    told = {outcomes[name].refused.replace(name, "…") for name in ("bob", "root", "nobody")}
    assert len(told) == 1 and "you look after" in told.pop()
    with store.reading() as tx:
        refused = tx.execute(sa.select(audit).where(audit.c.what == "refused")).all()
    assert [(line.who, line.whom, line.address) for line in refused] == [
        ("tess", name, "10.0.0.1") for name in NAMES[1:]
    ]


def test_a_student_looks_after_nobody(store: Store, by: By) -> None:
    ada = Actor("ada", Role.STUDENT)
    for deed in _deeds(ada, by).values():
        assert _who(_each(store, NAMES, deed, by)) == []


@pytest.mark.parametrize("deed", ["disable", "delete"])
def test_nobody_locks_themselves_or_the_last_admin_out(store: Store, by: By, deed: str) -> None:
    outcomes = _each(store, ["root"], _deeds(ROOT, by)[deed], by)
    assert "your own account" in outcomes["root"].refused
    other = Actor("second", Role.ADMIN)
    outcomes = _each(store, ["root"], _deeds(other, by)[deed], by)
    assert "only administrator" in outcomes["root"].refused
    assert store.read(accounts.require, "root").enabled
    store.decide(accounts.create, NewAccount("second", Role.ADMIN), by)
    assert _who(_each(store, ["root"], _deeds(other, by)[deed], by)) == ["root"]


def test_of_two_admins_who_disable_each_other_in_one_go_one_stays(store: Store, by: By) -> None:
    store.decide(accounts.create, NewAccount("second", Role.ADMIN), by)
    third = Actor("third", Role.ADMIN)
    outcomes = _each(store, ["root", "second"], looking_after.disable(third, by), by)
    assert _who(outcomes) == ["root"]


def test_disabling_and_enabling_say_whether_that_changed_anything(store: Store, by: By) -> None:
    for deed, changed in (("enable", False), ("disable", True), ("disable", False),
                          ("enable", True)):  # fmt: skip
        outcome = _each(store, ["ADA"], _deeds(ROOT, by)[deed], by)["ada"]
        assert outcome.changed is changed


def test_a_reset_link_is_given_to_the_enabled_alone(store: Store, by: By) -> None:
    store.decide(accounts.disable, "bob", by)
    outcomes = _each(store, ["ada", "bob"], _deeds(ROOT, by)["reset"], by)
    assert "disabled" in outcomes["bob"].refused
    store.decide(resets.use, outcomes["ada"].token, "new", by)
    assert store.read(accounts.require, "ada").password_hash == "new"


def test_the_deleted_keep_home_and_name_for_a_time(store: Store, by: By) -> None:
    _each(store, ["ada"], _deeds(ROOT, by)["delete"], by)
    assert store.read(accounts.find, "ada") is None
    with store.reading() as tx:
        (row,) = tx.execute(sa.select(departures)).all()
    assert (row.name, row.remove_at, row.invited_by) == ("ada", by.at + DAY, "tess")


@pytest.mark.parametrize(
    ("actor", "name", "role", "done"),
    [
        (ROOT, "ada", Role.TEACHER, True),
        (ROOT, "tess", Role.STUDENT, True),
        (ROOT, "root", Role.STUDENT, False),
        (TESS, "ada", Role.STUDENT, True),
        (TESS, "ada", Role.TEACHER, False),
        (TESS, "ada", Role.ADMIN, False),
        (TESS, "bob", Role.STUDENT, False),
        (TESS, "tess", Role.ADMIN, False),
        (TESS, "root", Role.STUDENT, False),
    ],
)
def test_roles_are_given_within_powers(  # noqa: PLR0917
    store: Store, by: By, actor: Actor, name: str, role: Role, done: bool
) -> None:
    outcome = _each(store, [name], looking_after.set_role(actor, role, by), by)[name]
    assert (outcome.refused is None) is done
    if outcome.changed:
        assert store.read(accounts.require, name).role is role


@pytest.mark.parametrize("deed", ["disable", "enable", "reset", "delete", "role"])
def test_a_teacher_learns_not_who_else_there_is_nor_as_what(
    store: Store, by: By, deed: str
) -> None:
    deeds = {**_deeds(TESS, by), "role": looking_after.set_role(TESS, Role.STUDENT, by)}
    outcomes = _each(store, ["bob", "root", "tess", "nobody"], deeds[deed], by)
    said = {name: str(o.refused).replace(name, "X") for name, o in outcomes.items()}
    assert len(set(said.values())) == 1 and "you look after" in said["nobody"]
