"""Reset links: whoever holds one sets a new password for the account that it names, once."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from hub import accounts, audit, invitations, links, powers
from hub.accounts import Account
from hub.audit import Action, By
from hub.enums import LinkKind, LinkState
from hub.links import Link, Wish
from hub.models import links as rows
from hub.powers import Actor
from spawner.errors import CarrelError, Code

PATH = "/hub/reset"
"""Of the page that takes a token in its fragment: ``<public_url>/hub/reset#<token>``."""


def create(tx: sa.Connection, name: str, lifetime: timedelta, by: By) -> str:
    """The token of a new link; earlier links of the same account end with it.

    Raises CarrelError: NOT_FOUND, or REFUSED for an account that is disabled.
    """
    account = accounts.require_enabled(tx, name)
    for old in _of(tx, account.name):
        links.withdraw(tx, old, by.at)
    _, token = links.create(tx, Wish(LinkKind.RESET, lifetime, name=account.name), by)
    until = f"until {by.at + lifetime:%Y-%m-%d %H:%M} UTC"
    audit.record(tx, by, Action.RESET_LINK_MADE, account.name, until)
    return token


def offer(tx: sa.Connection, actor: Actor, name: str, lifetime: timedelta, by: By) -> str:
    """As ``create``, for somebody whom the actor looks after. Raises CarrelError(NOT_FOUND) too."""
    powers.require_people(actor)
    powers.require_look_after(actor, accounts.require(tx, name))
    return create(tx, name, lifetime, by)


def find_usable(tx: sa.Connection, token: str, now: datetime) -> Account:
    """The account that the link is for. Raises CarrelError(REFUSED) with one sentence."""
    return _usable(tx, token, now)[1]


def use(tx: sa.Connection, token: str, password_hash: str, by: By) -> Account:
    """Sets the password and uses the link up: both or neither. Raises CarrelError(REFUSED)."""
    link, account = _usable(tx, token, by.at)
    if not links.use(tx, link):
        raise _unusable()
    audit.record(tx, by, Action.RESET_LINK_USED, account.name, f"of {link.created_by}")
    accounts.set_password(tx, account.name, password_hash, by)
    return accounts.require(tx, account.name)


def _usable(tx: sa.Connection, token: str, now: datetime) -> tuple[Link, Account]:
    link = links.find(tx, LinkKind.RESET, token)
    if link is None or link.name is None or link.state(now) is not LinkState.OPEN:
        raise _unusable()
    account = accounts.find(tx, link.name)
    if account is None or not account.enabled or account.created_at > link.created_at:
        raise _unusable()  # disabled since, or another person of the same name
    if not invitations.backed(tx, link):
        raise _unusable()
    return link, account


def _of(tx: sa.Connection, name: str) -> list[Link]:
    return links.listed(tx, rows.c.kind == LinkKind.RESET, rows.c.name == name)


def _unusable() -> CarrelError:
    return CarrelError(
        Code.REFUSED,
        "This link is used, has expired or was never made.",
        "Ask whoever gave it to you for a new one.",
    )
