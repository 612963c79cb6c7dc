"""Decides whether somebody whom a provider vouches for may come in: nobody, unless invited.

An account and an identity are joined in two ways only: by an invitation, when the account is made,
and by whoever runs Carrel (``accounts.set_identity``). Never because names or addresses are the
same.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from hub import accounts, course_invitations, invitations
from hub.accounts import Account, NewAccount
from hub.audit import By
from hub.providers import Person
from spawner.errors import CarrelError, Code


@dataclass(frozen=True)
class Carried:
    """An invitation on its way to the provider and back."""

    token: str = field(repr=False)
    user_name: str = ""
    """What was chosen before; empty: as the invitation or the provider proposes."""


class UserNameError(CarrelError):
    """The user name has to be chosen anew; the invitation and the login are fine."""

    def __init__(self, name: str, error: CarrelError) -> None:
        super().__init__(error.code, error.message, error.hint)
        self.name = name


def admit(tx: sa.Connection, person: Person, carried: Carried | None, by: By) -> Account:
    """The person's account; made now if they carry an invitation. Notes that they came in.

    Whoever has an account already leaves the invitation to others, but for the course that it leads
    into. Raises CarrelError(REFUSED) for the uninvited and the disabled, UserNameError for a user
    name that cannot be had.
    """
    known = accounts.find_identity(tx, person.identity)
    account = known or _join(tx, person, carried, by)
    entered = accounts.note_login(tx, account.name, by.at)
    if entered is None:
        raise CarrelError(
            Code.REFUSED,
            "Your account here is disabled.",
            "Ask your teacher, or whoever runs this Carrel.",
        )
    if known and carried:
        # One that leads nowhere, or cannot be used any more, keeps nobody out of their account.
        with suppress(CarrelError):
            course_invitations.join(tx, carried.token, known.name, replace(by, who=known.name))
    return entered


def _join(tx: sa.Connection, person: Person, carried: Carried | None, by: By) -> Account:
    if carried is None:
        raise CarrelError(
            Code.REFUSED,
            "Nobody has invited you here yet.",
            "Ask your teacher, or whoever runs this Carrel, for an invitation, and open it in "
            "this browser.",
        )
    link = invitations.find_usable(tx, carried.token, by.at)
    assert link.role is not None
    name = carried.user_name or link.name or person.user_name
    if not name:
        raise UserNameError("", CarrelError(Code.BAD_INPUT, "Choose a user name."))
    full_name = person.full_name or link.full_name
    new = NewAccount(name, link.role, full_name=full_name, identity=person.identity)
    try:
        return invitations.accept(tx, carried.token, new, by)
    except CarrelError as error:
        if error.code in (Code.CONFLICT, Code.BAD_INPUT):
            raise UserNameError(name, error) from error
        raise
