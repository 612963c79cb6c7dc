"""Reset links: whoever holds one sets a new password for the account that it names, once."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from hub import accounts, audit, invitations, links, moments, powers
from hub.accounts import Account
from hub.audit import Action, By
from hub.enums import LinkKind, LinkState
from hub.links import Link, Wish
from hub.powers import Actor
from spawner.errors import CarrelError, Code
from spawner.names import canonical

PATH = "/hub/reset"
"""Of the page that takes a token in its fragment."""
_NO_LINK = "This link has expired or was never made."
"""Also what is said of a disabled account's: who holds a link learns no more."""
_WHY = {
    LinkState.EXPIRED: _NO_LINK,
    LinkState.USED: "This link has been used.",
    LinkState.WITHDRAWN: "This link was replaced by a newer one, or the password was changed.",
}


def url(public_url: str, token: str) -> str:
    """What is given to whose password it is."""
    return f"{public_url}{PATH}#{token}"


def create(tx: sa.Connection, name: str, lifetime: timedelta, by: By) -> str:
    """The token of a new link; earlier links of the same account end with it.

    Raises CarrelError: NOT_FOUND, or REFUSED for an account that is disabled or has no password.
    """
    account = accounts.require_enabled(tx, name)
    if account.identity and account.password_hash is None:
        raise CarrelError(
            Code.REFUSED,
            f"{account.name} logs in through a provider and has no password here.",
            "The provider resets it.",
        )
    links.withdraw_resets(tx, account.name, by.at)
    _, token = links.create(tx, Wish(LinkKind.RESET, lifetime, name=account.name), by)
    until = f"until {moments.spelled(by.at + lifetime)}"
    audit.record(tx, by, Action.RESET_LINK_MADE, account.name, until)
    return token


def offer(tx: sa.Connection, actor: Actor, name: str, lifetime: timedelta, by: By) -> str:
    """As ``create``, for somebody whom the actor looks after. Raises CarrelError(NOT_FOUND) too."""
    powers.require_people(actor)
    account = powers.require_look_after(actor, accounts.find(tx, name), canonical(name))
    return create(tx, account.name, lifetime, by)


def find_usable(tx: sa.Connection, token: str, now: datetime) -> Account:
    """The account that the link is for. Raises CarrelError(REFUSED) with one sentence."""
    return _usable(tx, token, now)[1]


def use(tx: sa.Connection, token: str, password_hash: str, by: By) -> Account:
    """Sets the password and uses the link up: both or neither. Raises CarrelError(REFUSED)."""
    link, account = _usable(tx, token, by.at)
    if not links.use(tx, link):
        raise _unusable(_WHY[LinkState.USED])
    audit.record(tx, by, Action.RESET_LINK_USED, account.name, f"of {link.created_by}")
    accounts.set_password(tx, account.name, password_hash, by)
    return accounts.require(tx, account.name)


def _usable(tx: sa.Connection, token: str, now: datetime) -> tuple[Link, Account]:
    link = links.find(tx, LinkKind.RESET, token)
    if link is None or link.name is None:
        raise _unusable()
    if (state := link.state(now)) is not LinkState.OPEN:
        raise _unusable(_WHY[state])
    account = accounts.find(tx, link.name)
    if account is None or not account.enabled or account.created_at > link.created_at:
        raise _unusable()  # disabled since, or another person of the same name
    if audit.is_person(link.created_by) and not powers.still_resets(
        invitations.maker(tx, link), account
    ):
        raise _unusable("Whoever gave you this link may not do so any more.")
    return link, account


def _unusable(what: str = _NO_LINK) -> CarrelError:
    return CarrelError(Code.REFUSED, what, "Ask whoever gave it to you for a new one.")
