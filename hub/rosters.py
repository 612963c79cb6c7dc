"""Invites a class list: one invitation for everybody on it who is not there yet, or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub import audit, invitations, links, moments, powers, roster
from hub.audit import Action, By
from hub.enums import LinkKind, LinkState, Role
from hub.links import Wish
from hub.models import accounts, departures
from hub.models import links as link_rows
from hub.powers import Actor
from hub.roster import Entry, Plan, Roster
from spawner.errors import CarrelError, Code

AT_ONCE = 500
"""Names in one query: within SQLite's limit on parameters."""


@dataclass(frozen=True)
class Terms:
    """What everybody on the list is invited as, and for how long."""

    role: Role
    lifetime: timedelta


@dataclass(frozen=True)
class Invited:
    """What came of it: a token for each of the new, and who was there already."""

    tokens: tuple[tuple[Entry, str], ...]
    plan: Plan


def preview(tx: sa.Connection, listed: Roster, now: datetime) -> Plan:
    """Who of the list would be invited now."""
    return roster.plan(listed, known(tx, [entry.name for entry in listed.entries], now))


def invite(tx: sa.Connection, actor: Actor | None, listed: Roster, terms: Terms, by: By) -> Invited:
    """Invites the new ones of the list. ``actor`` None: the command line.

    Raises CarrelError: BAD_INPUT while a line has a problem (then nobody is invited), REFUSED for
    a role that the actor may not give.
    """
    if actor is not None:
        powers.require_invite(actor, terms.role)
    require_sound(listed)
    found = preview(tx, listed, by.at)
    wishes = [
        Wish(LinkKind.INVITATION, terms.lifetime, terms.role, entry.name, entry.full_name)
        for entry in found.new
    ]
    made = links.create_many(tx, wishes, by)
    until = f"{terms.role.value}, until {moments.spelled(by.at + terms.lifetime)}"
    audit.record_many(tx, by, Action.INVITED, [(entry.name, until) for entry in found.new])
    tokens = [(entry, token) for entry, (_, token) in zip(found.new, made, strict=True)]
    return Invited(tuple(tokens), found)


def require_sound(listed: Roster) -> None:
    """Raises CarrelError(BAD_INPUT) for a list with lines that cannot be used."""
    if not listed.problems:
        return
    first = listed.problems[0]
    raise CarrelError(
        Code.BAD_INPUT,
        f"{len(listed.problems)} line(s) cannot be used, so nobody was invited. "
        f"Line {first.line}: {first.message}",
        "Mend them and send the list again.",
    )


def in_parts(names: list[str]) -> Iterator[list[str]]:
    """As many as one query takes."""
    for start in range(0, len(names), AT_ONCE):
        yield names[start : start + AT_ONCE]


def known(tx: sa.Connection, names: Iterable[str], now: datetime) -> dict[str, str]:
    """Which of the names need no invitation, and why."""
    found: dict[str, str] = {}
    for part in in_parts(list(names)):
        rows = links.listed(
            tx,
            link_rows.c.kind == LinkKind.INVITATION,
            link_rows.c.name.in_(part),
            limit=100 * AT_ONCE,
        )
        for link in rows:
            state = link.state(now)
            if link.name and state is LinkState.OPEN and invitations.backed(tx, link):
                found[link.name] = "is invited already"
            elif link.name and state is LinkState.USED:
                found.setdefault(link.name, "has used an invitation")
        for table, why in ((departures, "was deleted, and the home is still kept"),
                           (accounts, "has an account")):  # fmt: skip
            query = sa.select(table.c.name).where(table.c.name.in_(part))
            found |= dict.fromkeys(tx.scalars(query).all(), why)
    return found
