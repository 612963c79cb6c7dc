"""Who may do what to whom: every role against every role."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from hub import powers
from hub.accounts import Account
from hub.enums import Role
from hub.models import accounts, departures
from hub.powers import Actor
from hub.store import Store
from spawner.errors import CarrelError, Code

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def _account(name: str, role: Role, invited_by: str | None = None) -> Account:
    return Account(name, role, NOW, None, None, None, invited_by=invited_by)


ADA, TESS, MIA = (
    _account("ada", Role.ADMIN),
    _account("tess", Role.TEACHER),
    _account("mia", Role.STUDENT, "tess"),
)
TOM = _account("tom", Role.STUDENT, "ada")


def _code(function: object, *arguments: object) -> Code | None:
    try:
        function(*arguments)
    except CarrelError as error:
        assert error.hint
        return error.code
    return None


@pytest.mark.parametrize(
    ("account", "roles"),
    [(ADA, set(Role)), (TESS, {Role.STUDENT}), (MIA, set())],
)
def test_which_roles_each_may_give(account: Account, roles: set[Role]) -> None:
    for role in Role:
        expected = None if role in roles else Code.REFUSED
        assert _code(powers.require_invite, Actor.of(account), role) is expected
        assert powers.still_invites(account, role) is (role in roles)
        assert not powers.still_invites(replace(account, disabled_at=NOW), role)
        assert not powers.still_invites(None, role)
    assert _code(powers.require_people, Actor.of(account)) is (None if roles else Code.REFUSED)


def test_to_be_in_somebodys_course_shows_an_account_and_gives_no_power_over_it() -> None:
    tess = Actor.of(TESS)
    assert powers.sees(tess, TOM, taught=True) and not powers.sees(tess, TOM, taught=False)
    assert not powers.looks_after(tess, TOM)
    assert powers.sees(tess, MIA, taught=False)
    for other in (TESS, ADA):
        assert not powers.sees(Actor.of(MIA), other, taught=True)
        assert not powers.sees(tess, other, taught=True)


@pytest.mark.parametrize(
    ("actor", "sees"),
    [(ADA, {"ada", "tess", "mia", "tom"}), (TESS, {"mia"}), (MIA, set())],
)
def test_whom_each_looks_after(actor: Account, sees: set[str]) -> None:
    for account in (ADA, TESS, MIA, TOM):
        seen = account.name in sees
        assert powers.looks_after(Actor.of(actor), account) is seen
        expected = None if seen else Code.NOT_FOUND
        assert _code(powers.require_look_after, Actor.of(actor), account, account.name) is expected
        assert powers.still_resets(actor, account) is seen
        assert not powers.still_resets(replace(actor, disabled_at=NOW), account)
        assert not powers.still_resets(None, account)


def test_a_student_who_became_a_teacher_is_no_longer_looked_after_by_one() -> None:
    assert not powers.looks_after(Actor.of(TESS), replace(MIA, role=Role.TEACHER))


def test_the_database_finds_the_same_people(store: Store) -> None:
    """Whoever they were invited by: students too, who were teachers once, and people long gone."""
    chance = random.Random(7)
    names = [f"p{number}" for number in range(60)]
    people = [
        _account(name, chance.choice(list(Role)), chance.choice([*names[:6], "gone", None]))
        for name in names
    ]
    shared = [
        {"name": p.name, "role": p.role, "invited_by": p.invited_by, "created_at": NOW}
        for p in people
    ]
    left = {"deleted_at": NOW, "deleted_by": "ada", "remove_at": NOW}
    with store.deciding() as tx:
        tx.execute(accounts.insert(), shared)
        tx.execute(departures.insert(), [row | left for row in shared])
    actors = [Actor(name, role) for name in (*names[:6], "gone", "nobody") for role in Role]
    seen = 0
    with store.reading() as tx:
        for actor in actors:
            expected = {one.name for one in people if powers.looks_after(actor, one)}
            for rows in (accounts, departures):
                query = sa.select(rows.c.name).where(powers.looked_after(actor, rows))
                assert set(tx.scalars(query)) == expected, actor
            seen += bool(expected) and not actor.sees_everybody
    assert seen > 3, "some teachers have students"


def test_nobody_ends_themselves() -> None:
    assert _code(powers.require_end, Actor.of(ADA), ADA, 2) is Code.REFUSED
    # Not even a student who is listed as invited by themselves.
    loop = replace(TESS, role=Role.STUDENT, invited_by="tess")
    assert _code(powers.require_end, Actor.of(TESS), loop, 2) is Code.REFUSED


def test_the_last_admin_who_can_log_in_stays() -> None:
    eva = _account("eva", Role.ADMIN)
    assert _code(powers.require_end, Actor.of(ADA), eva, 1) is Code.REFUSED
    assert _code(powers.require_end, Actor.of(ADA), eva, 2) is None
    assert _code(powers.require_end, Actor.of(ADA), replace(eva, disabled_at=NOW), 1) is None
    assert _code(powers.require_end, Actor.of(ADA), TESS, 1) is None


def test_teachers_end_their_own_students_alone() -> None:
    assert _code(powers.require_end, Actor.of(TESS), MIA, 1) is None
    for account in (TOM, ADA):
        assert _code(powers.require_end, Actor.of(TESS), account, 2) is Code.NOT_FOUND
