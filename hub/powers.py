"""Who may do what to whose account (pure).

Admins: everything, but nobody locks the last admin, or themselves, out. Teachers: invite students,
look after the students whom they invited, and see those of their courses. Students: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from hub.accounts import Account
from hub.enums import Role
from spawner.errors import CarrelError, Code

INVITABLE = {
    Role.STUDENT: frozenset[Role](),
    Role.TEACHER: frozenset({Role.STUDENT}),
    Role.ADMIN: frozenset(Role),
}
"""Which roles somebody of a role may give out."""


@dataclass(frozen=True)
class Actor:
    """Who wants to do something."""

    name: str
    role: Role

    @classmethod
    def of(cls, account: Account) -> Actor:
        return cls(account.name, account.role)

    @property
    def sees_everybody(self) -> bool:
        return self.role is Role.ADMIN


def require_people(actor: Actor) -> None:
    """Raises CarrelError(REFUSED) for whoever looks after nobody."""
    if not INVITABLE[actor.role]:
        raise CarrelError(
            Code.REFUSED,
            "This page is for teachers and administrators.",
            "Ask your administrator if you need it.",
        )


def require_invite(actor: Actor, role: Role) -> None:
    """Raises CarrelError(REFUSED) when the actor may not invite people of that role."""
    require_people(actor)
    if role not in INVITABLE[actor.role]:
        raise CarrelError(
            Code.REFUSED,
            f"Teachers invite students, not {role.value}s.",
            f"Ask an administrator to invite the {role.value}.",
        )


def still_invites(maker: Account | None, role: Role) -> bool:
    """Whether whoever made an invitation could make it now; None: they are gone."""
    return maker is not None and maker.enabled and role in INVITABLE[maker.role]


def still_resets(maker: Account | None, account: Account) -> bool:
    """As ``still_invites``, for a reset link of the account: a student may have become an admin
    since, and a teacher holds no key to those."""
    return maker is not None and maker.enabled and looks_after(Actor.of(maker), account)


def looks_after(actor: Actor, account: Account) -> bool:
    """Whether the account is shown to the actor, with what may be done to it."""
    if actor.sees_everybody:
        return True
    return (
        actor.role is Role.TEACHER
        and account.role is Role.STUDENT
        and account.invited_by == actor.name
    )


def sees(actor: Actor, account: Account, taught: bool) -> bool:
    """Whether the account is on the actor's list; ``taught``: a student of a course of theirs.

    To be in somebody's course gives them no power over the account: whoever sets its password reads
    the home, and the notes of every other course.
    """
    mine = actor.role is Role.TEACHER and account.role is Role.STUDENT and taught
    return mine or looks_after(actor, account)


def looked_after(actor: Actor, rows: sa.FromClause) -> sa.ColumnElement[bool]:
    """``looks_after`` as a condition on rows of accounts, or on what is left of deleted ones."""
    if actor.sees_everybody:
        return sa.true()
    if actor.role is not Role.TEACHER:
        return sa.false()
    return (rows.c.role == Role.STUDENT) & (rows.c.invited_by == actor.name)


def require_look_after(actor: Actor, account: Account | None, name: str) -> Account:
    """The account of that name, if there is one and the actor looks after it.

    Raises CarrelError(NOT_FOUND), the same in both cases: who there is beyond one's own students
    is no teacher's business.
    """
    if account is None or not looks_after(actor, account):
        raise not_looked_after(name)
    return account


def not_looked_after(name: str) -> CarrelError:
    """What is said of a name that the actor may know nothing about."""
    return CarrelError(
        Code.NOT_FOUND,
        f"There is no account {name} among the people you look after.",
        "The list of people shows them all.",
    )


def require_export(actor: Actor, name: str) -> None:
    """Whether the actor may have everything that is kept about that name. Raises CarrelError."""
    if name != actor.name and not actor.sees_everybody:
        raise CarrelError(
            Code.REFUSED,
            "You can export what is kept about yourself.",
            "Ask an administrator for more.",
        )


def require_end(actor: Actor, account: Account, enabled_admins: int) -> None:
    """Whether the actor may disable or delete the account. Raises CarrelError.

    ``enabled_admins`` counts the admins who can log in now.
    """
    require_look_after(actor, account, account.name)
    if account.name == actor.name:
        raise CarrelError(
            Code.REFUSED, "This is your own account.", "Another administrator can do it."
        )
    if account.role is Role.ADMIN and account.enabled and enabled_admins <= 1:
        raise CarrelError(
            Code.REFUSED,
            f"{account.name} is the only administrator who can log in.",
            "Make another one first.",
        )
