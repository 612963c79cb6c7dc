"""Records who changed what about whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import sqlalchemy as sa

from hub.models import audit

COMMAND_LINE = "(command line)"
"""Who acts through ``./carrel``: the parentheses keep it apart from every user name."""
SETUP_LINK = "(setup link)"
"""Who acts through a setup link, before there is an account."""


class Action(Enum):
    """What was done."""

    ACCOUNT_CREATED = "account.created"
    ACCOUNT_DISABLED = "account.disabled"
    ACCOUNT_ENABLED = "account.enabled"
    ACCOUNT_DELETED = "account.deleted"
    ROLE_SET = "account.role_set"
    PASSWORD_SET = "account.password_set"  # noqa: S105  an action's name
    SETUP_LINK_MADE = "setup_link.made"
    SETUP_LINK_USED = "setup_link.used"
    TOKEN_MADE = "token.made"  # noqa: S105


@dataclass(frozen=True)
class By:
    """Who acts, when, and from which address (None: from this machine)."""

    who: str
    at: datetime
    address: str | None = None


def record(
    tx: sa.Connection, by: By, what: Action, whom: str | None = None, detail: str = ""
) -> None:
    """Adds a line, in the transaction of the change itself: both or neither."""
    tx.execute(
        audit.insert().values(
            who=by.who, what=what.value, whom=whom, at=by.at, address=by.address, detail=detail
        )
    )
