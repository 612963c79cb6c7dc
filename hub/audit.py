"""Records who changed what about whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import sqlalchemy as sa

from hub.models import audit

COMMAND_LINE = "(command line)"
"""Who acts through ``./carrel``: the parentheses keep it apart from every user name."""
INVITED = "(invited)"
"""Who acts through an invitation, before there is an account."""
RESET = "(reset link)"
"""Who acts through a reset link, without a login."""
HOUSEKEEPING = "(housekeeping)"
"""Who does what is due."""


class Action(Enum):
    """What was done."""

    ACCOUNT_CREATED = "account.created"
    ACCOUNT_DISABLED = "account.disabled"
    ACCOUNT_ENABLED = "account.enabled"
    ACCOUNT_DELETED = "account.deleted"
    ACCOUNT_RESTORED = "account.restored"
    ACCOUNT_EXPORTED = "account.exported"
    HOME_REMOVED = "home.removed"
    ROLE_SET = "account.role_set"
    FULL_NAME_SET = "account.full_name_set"
    IDENTITY_SET = "account.identity_set"
    PASSWORD_SET = "account.password_set"  # noqa: S105  an action's name
    INVITED = "invitation.made"
    INVITATION_USED = "invitation.used"
    INVITATION_WITHDRAWN = "invitation.withdrawn"
    RESET_LINK_MADE = "reset_link.made"
    RESET_LINK_USED = "reset_link.used"
    TOKEN_MADE = "token.made"  # noqa: S105
    COURSE_MADE = "course.made"
    COURSE_CHANGED = "course.changed"
    COURSE_ARCHIVED = "course.archived"
    COURSE_RESTORED = "course.restored"
    COURSE_CODE_RENEWED = "course.code_renewed"
    COURSE_JOINED = "course.joined"
    COURSE_LEFT = "course.left"
    MEMBER_ADDED = "course.member_added"
    MEMBER_REMOVED = "course.member_removed"
    COURSE_PUBLISHED = "course.published"
    COURSE_UNDONE = "course.undone"
    SECRET_SAVED = "secret.saved"  # noqa: S105
    SECRET_DELETED = "secret.deleted"  # noqa: S105
    SECRET_ALLOWED = "secret.allowed"  # noqa: S105
    SECRET_REVOKED = "secret.revoked"  # noqa: S105
    DRIVE_LINKED = "drive.linked"
    DRIVE_CHOSEN = "drive.folders_chosen"
    DRIVE_LOST = "drive.consent_lost"
    DRIVE_DELETION_CONFIRMED = "drive.deletion_confirmed"
    DRIVE_DISCONNECTED = "drive.disconnected"
    PACKAGES_AGAIN = "course.packages_again"
    PACKAGES_BUILT = "course.packages_built"
    PACKAGES_FAILED = "course.packages_failed"
    PACKAGES_USED = "course.packages_used"
    PACKAGES_DROPPED = "course.packages_dropped"
    REFUSED = "refused"


def is_person(who: str) -> bool:
    """Whether an account acted, and not the command line or a link."""
    return not who.startswith("(")


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
    record_many(tx, by, what, [(whom, detail)])


def record_many(
    tx: sa.Connection, by: By, what: Action, about: Sequence[tuple[str | None, str]]
) -> None:
    """Adds a line for each (whom, detail), in one statement."""
    same = {"who": by.who, "what": what.value, "at": by.at, "address": by.address}
    if about:
        tx.execute(audit.insert(), [same | {"whom": whom, "detail": d} for whom, d in about])
