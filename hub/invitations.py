"""Invitations: whoever holds one makes an account of its role, before it expires.

A setup link is one too: the command line's, for the first admin.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub import accounts, audit, courses, links, members, moments, powers
from hub.accounts import Account, NewAccount
from hub.audit import Action, By
from hub.enums import LinkKind, LinkState, Role
from hub.links import Link, Wish
from hub.models import links as rows
from hub.powers import Actor
from spawner.errors import CarrelError, Code
from spawner.names import canonical

PATH = "/hub/invitation"
"""Of the page that takes a token in its fragment."""
MOST_USES = 1000
MOST_DAYS = 365


@dataclass(frozen=True)
class Invitation:
    """What somebody wants to send out."""

    role: Role
    lifetime: timedelta
    most_uses: int = 1
    name: str | None = None
    """User name that the page proposes."""
    full_name: str = ""
    course: str | None = None
    """Whose student whoever uses it is at once."""


def url(public_url: str, token: str) -> str:
    """What is sent to whoever is invited."""
    return f"{public_url}{PATH}#{token}"


def checked(role: Role, days: int, most_uses: int) -> Invitation:
    """An invitation within bounds. Raises CarrelError(BAD_INPUT)."""
    if not 1 <= days <= MOST_DAYS:
        raise CarrelError(
            Code.BAD_INPUT, f"An invitation lives 1 to {MOST_DAYS} days.", "Choose fewer or more."
        )
    if not 1 <= most_uses <= MOST_USES:
        raise CarrelError(
            Code.BAD_INPUT,
            f"An invitation is for 1 to {MOST_USES} people.",
            "Choose another number.",
        )
    return Invitation(role, timedelta(days=days), most_uses)


def create(tx: sa.Connection, invitation: Invitation, by: By) -> tuple[int, str]:
    """Id and token of a new invitation; the token is given out here and never again."""
    made = links.create(tx, _wish(invitation), by)
    uses = invitation.most_uses
    until = by.at + invitation.lifetime
    detail = f"{invitation.role.value}, for {uses}, until {moments.spelled(until)}"
    if invitation.course:
        detail += f", into {invitation.course}"
    audit.record(tx, by, Action.INVITED, invitation.name, detail)
    return made


def invite(tx: sa.Connection, actor: Actor, invitation: Invitation, by: By) -> tuple[int, str]:
    """As ``create``, by somebody whose role allows it. Raises CarrelError(REFUSED)."""
    powers.require_invite(actor, invitation.role)
    if invitation.course:
        courses.require_open(courses.managed(tx, actor, invitation.course))
    return create(tx, invitation, by)


def find_usable(tx: sa.Connection, token: str, now: datetime) -> Link:
    """The invitation, if it can still be used.

    Raises CarrelError(REFUSED) that says why not. A token that nobody made reads like an expired
    one: whoever guesses learns nothing.
    """
    link = links.find(tx, LinkKind.INVITATION, token)
    if link is None or (state := link.state(now)) is LinkState.EXPIRED:
        raise _unusable("This invitation has expired or was never made.", link)
    if state is LinkState.USED:
        raise used_up(link)
    if state is LinkState.WITHDRAWN:
        raise _unusable("This invitation was withdrawn.", link)
    if not backed(tx, link):
        raise _unusable("Whoever sent this invitation may not invite people any more.", link)
    return link


def accept(tx: sa.Connection, token: str, new: NewAccount, by: By) -> Account:
    """Makes the account and counts the use: both or neither.

    The role of ``new`` is replaced by the invitation's. Raises CarrelError: REFUSED for the
    invitation, CONFLICT for a name that is taken.
    """
    link = find_usable(tx, token, by.at)
    if not links.use(tx, link):
        raise used_up(link)
    assert link.role is not None
    _require_unpromised(tx, new.name, link, by.at)
    account = accounts.create(
        tx,
        NewAccount(
            name=new.name,
            role=link.role,
            password_hash=new.password_hash,
            full_name=new.full_name,
            invited_by=link.created_by,
            identity=new.identity,
        ),
        by,
    )
    audit.record(
        tx, by, Action.INVITATION_USED, account.name, f"of {link.created_by}, no. {link.id}"
    )
    if link.course:
        members.seat_invited(tx, link.course, account, maker_if_person(tx, link), by)
    return account


def _require_unpromised(tx: sa.Connection, name: str, mine: Link, now: datetime) -> None:
    """Raises CarrelError(CONFLICT) for a user name that somebody else's open invitation proposes.

    Else the first of a class to come in could sit down in another's place.
    """
    wanted = canonical(name)
    if wanted == mine.name:
        return
    others = links.listed(tx, rows.c.kind == LinkKind.INVITATION, rows.c.name == wanted)
    if any(link.state(now) is LinkState.OPEN and backed(tx, link) for link in others):
        raise CarrelError(
            Code.CONFLICT,
            f"The name {wanted} is kept for somebody else who is invited.",
            "Choose another one.",
        )


def backed(tx: sa.Connection, link: Link) -> bool:
    """Whether whoever made the link still could: a link outlives no power that it stands on."""
    if not audit.is_person(link.created_by):
        return True
    assert link.role is not None
    return powers.still_invites(maker(tx, link), link.role)


def orphaned(tx: sa.Connection, shown: list[Link], now: datetime) -> set[int]:
    """Which of the links are open and yet of no use, by id: ``backed`` says why."""
    return {link.id for link in shown if link.state(now) is LinkState.OPEN and not backed(tx, link)}


def maker(tx: sa.Connection, link: Link) -> Account | None:
    """Whoever made the link; None when they are gone, whoever may have their name by now."""
    account = accounts.find(tx, link.created_by)
    return account if account and account.created_at <= link.created_at else None


def maker_if_person(tx: sa.Connection, link: Link) -> Account | None:
    """As ``maker``, of a link that is backed; None: the command line."""
    return maker(tx, link) if audit.is_person(link.created_by) else None


def of_actor(tx: sa.Connection, actor: Actor, limit: int | None = 500) -> list[Link]:
    """What the actor may see: an admin all invitations, a teacher the own ones; newest first."""
    powers.require_people(actor)
    conditions = [rows.c.kind == LinkKind.INVITATION]
    if not actor.sees_everybody:
        conditions.append(rows.c.created_by == actor.name)
    return links.listed(tx, *conditions, limit=limit)


def count_open(tx: sa.Connection, actor: Actor, now: datetime) -> int:
    """How many invitations that the actor may see can still be used."""
    powers.require_people(actor)
    mine = [] if actor.sees_everybody else [rows.c.created_by == actor.name]
    query = sa.select(sa.func.count()).where(
        rows.c.kind == LinkKind.INVITATION,
        rows.c.uses < rows.c.most_uses,
        rows.c.withdrawn_at.is_(None),
        rows.c.expires_at > now,
        *mine,
    )
    return tx.scalar(query) or 0


def withdraw(tx: sa.Connection, actor: Actor, link_id: int, by: By) -> bool:
    """Makes an invitation unusable; False when it was already.

    Raises CarrelError(NOT_FOUND) for one that is not the actor's to withdraw.
    """
    powers.require_people(actor)
    mine = [] if actor.sees_everybody else [rows.c.created_by == actor.name]
    which = (rows.c.id == link_id, rows.c.kind == LinkKind.INVITATION, *mine)
    found = links.listed(tx, *which) if 0 < link_id < 2**31 else []
    if not found:
        raise CarrelError(
            Code.NOT_FOUND, f"There is no invitation no. {link_id}.", "Load the page again."
        )
    if not links.withdraw(tx, found[0], by.at):
        return False
    audit.record(tx, by, Action.INVITATION_WITHDRAWN, found[0].name, f"no. {link_id}")
    return True


def withdraw_many(tx: sa.Connection, actor: Actor, link_ids: list[int], by: By) -> int:
    """As ``withdraw`` for several, all or none; how many were usable until then."""
    return sum(withdraw(tx, actor, link_id, by) for link_id in link_ids)


def _wish(invitation: Invitation) -> Wish:
    return Wish(
        kind=LinkKind.INVITATION,
        lifetime=invitation.lifetime,
        role=invitation.role,
        name=invitation.name,
        full_name=invitation.full_name,
        most_uses=invitation.most_uses,
        course=invitation.course,
    )


def used_up(link: Link) -> CarrelError:
    """What is said when the last use was taken."""
    if link.most_uses == 1:
        return _unusable("This invitation has been used.", link)
    return _unusable("This invitation has been used as often as it may be.", link)


def _unusable(what: str, link: Link | None) -> CarrelError:
    if link is not None and link.created_by == audit.COMMAND_LINE:
        return CarrelError(
            Code.REFUSED,
            what,
            "Whoever runs this Carrel makes a new one with ./carrel admin-link or "
            "./carrel user invite.",
        )
    return CarrelError(Code.REFUSED, what, "Ask whoever invited you for a new one.")
