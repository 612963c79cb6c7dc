"""Who let Carrel reach their Drive, and which of its folders they chose.

Nothing here can open a token (``drive_sealing``), and no text here holds a title or an address.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub import accounts, audit
from hub.audit import Action, By
from hub.enums import DriveScope, DriveState, State
from hub.models import drive_links as rows
from hub.models import sessions
from spawner.errors import CarrelError, Code

MOST_FOLDERS = 50
"""That somebody may choose."""
MOST_TITLE, MOST_PATH, MOST_ID = 300, 2000, 200
"""Of a folder, in characters; what is longer is shown shortened."""
_LIVE = (State.STARTING, State.RUNNING, State.DRAINING)
_REACHED = (DriveState.LINKED, DriveState.RECONNECT)


@dataclass(frozen=True)
class Folder:
    """A chosen one, as it was when it was chosen."""

    id: str
    title: str
    path: str
    bytes: int = 0
    files: int = 0


@dataclass(frozen=True)
class Link:
    """Of one person."""

    user: str
    state: DriveState
    scope: DriveScope
    email: str
    root: str
    folders: tuple[Folder, ...]
    everything: bool
    chosen_at: datetime | None
    linked_at: datetime
    changed_at: datetime
    problem: str
    confirmed_deletion_at: datetime | None
    sealed: str | None = field(repr=False)

    @property
    def chosen(self) -> bool:
        """Whether there is something to be synced."""
        return self.everything or bool(self.folders)


@dataclass(frozen=True)
class Consent:
    """What Google gave, and whose Drive it opens."""

    sealed: str = field(repr=False)
    scope: DriveScope
    email: str
    root: str


@dataclass(frozen=True)
class Wanted:
    """A session that is to have a sidecar."""

    user: str
    session: str


def find(tx: sa.Connection, user: str) -> Link | None:
    """As it is on record; also of somebody who disconnected."""
    row = tx.execute(sa.select(rows).where(rows.c.user == user)).one_or_none()
    return None if row is None else _link(row._mapping)


def require_connected(tx: sa.Connection, user: str) -> Link:
    """Raises CarrelError(CONFLICT) for somebody who is not connected."""
    found = find(tx, user)
    if found is None or found.state is DriveState.DISCONNECTED:
        raise CarrelError(
            Code.CONFLICT,
            "Your Google Drive is not connected.",
            "Press “Connect Google Drive” on the page Drive.",
        )
    return found


def wanted(tx: sa.Connection) -> list[Wanted]:
    """The sessions whose people have something to be synced, whether Google lets us or not."""
    query = (
        sa.select(sessions.c.user, sessions.c.id)
        .join(rows, rows.c.user == sessions.c.user)
        .where(
            sessions.c.state.in_(_LIVE),
            rows.c.state.in_(_REACHED),
            rows.c.everything | (rows.c.folders != "[]"),
        )
        .order_by(sessions.c.requested_at, sessions.c.id)
    )
    return [Wanted(row.user, row.id) for row in tx.execute(query)]


def mounted(tx: sa.Connection, user: str) -> bool:
    """Whether that person's sessions have ``/content/drive``: also after they disconnected, since
    the files are still there."""
    chosen = sa.select(rows.c.user).where(rows.c.user == user, rows.c.chosen_at.is_not(None))
    return tx.scalar(chosen) is not None


def link(tx: sa.Connection, user: str, consent: Consent, by: By) -> Link | None:
    """Puts a consent on record; what was there before it, whose token is to be revoked if it was
    another one.

    The folders stay chosen where it is the same Drive. Raises CarrelError(REFUSED) for a disabled
    account.
    """
    accounts.require_enabled(tx, user)
    before = find(tx, user)
    values = {**vars(consent), "state": DriveState.LINKED, "problem": "", "changed_at": by.at}
    if before is None:
        tx.execute(rows.insert().values(user=user, linked_at=by.at, **values))
    else:
        if before.root != consent.root:
            values |= {"folders": "[]", "everything": False, "confirmed_deletion_at": None}
        _change(tx, user, linked_at=by.at, **values)
    audit.record(tx, by, Action.DRIVE_LINKED, user, consent.scope.value)
    return before


def choose(
    tx: sa.Connection, user: str, folders: Sequence[Folder], everything: bool, by: By
) -> None:
    """What is to be synced from now on; nothing at all is fine.

    Raises CarrelError: CONFLICT for somebody who is not connected, BAD_INPUT for too many.
    """
    found = require_connected(tx, user)
    if len(folders) > MOST_FOLDERS:
        raise CarrelError(
            Code.BAD_INPUT,
            f"You may choose {MOST_FOLDERS} folders.",
            "Choose a folder that holds several of them.",
        )
    kept = [vars(one) for one in ([] if everything else folders)]
    some = everything or bool(kept)
    _change(
        tx, user, folders=json.dumps(kept), everything=everything, changed_at=by.at,
        chosen_at=found.chosen_at or (by.at if some else None),
    )  # fmt: skip
    told = "everything" if everything else f"{len(kept)} folders"
    audit.record(tx, by, Action.DRIVE_CHOSEN, user, told)


def confirm_deletion(tx: sa.Connection, user: str, by: By) -> None:
    """Lets through what a sidecar paused for, as it is. Raises CarrelError(CONFLICT)."""
    require_connected(tx, user)
    _change(tx, user, confirmed_deletion_at=by.at)
    audit.record(tx, by, Action.DRIVE_DELETION_CONFIRMED, user)


def lose(tx: sa.Connection, user: str, sealed: str, problem: str, by: By) -> bool:
    """Google does not take that token any more; whether it still was the one on record."""
    same = (rows.c.user == user) & (rows.c.sealed == sealed) & (rows.c.state == DriveState.LINKED)
    values = {"state": DriveState.RECONNECT, "problem": problem, "changed_at": by.at}
    lost = tx.execute(rows.update().where(same).values(**values)).rowcount > 0
    if lost:
        audit.record(tx, by, Action.DRIVE_LOST, user)
    return lost


def reseal(tx: sa.Connection, user: str, before: str, sealed: str) -> bool:
    """Takes the same token under another key, or a newer one; whether it is still that one."""
    same = (rows.c.user == user) & (rows.c.sealed == before)
    return tx.execute(rows.update().where(same).values(sealed=sealed)).rowcount > 0


def disconnect(tx: sa.Connection, user: str, by: By) -> str | None:
    """Takes the token off the record, whatever Google says later; the sealed one, to be revoked.

    The files on disk, and what was chosen, stay. None: it was disconnected already.
    """
    found = find(tx, user)
    if found is None or found.state is DriveState.DISCONNECTED:
        return None
    _change(
        tx, user, state=DriveState.DISCONNECTED, sealed=None, problem="", changed_at=by.at,
        confirmed_deletion_at=None,
    )  # fmt: skip
    audit.record(tx, by, Action.DRIVE_DISCONNECTED, user)
    return found.sealed


def sealed_ones(tx: sa.Connection) -> dict[str, str]:
    """User → sealed token, of all that are on record."""
    query = sa.select(rows.c.user, rows.c.sealed).where(rows.c.sealed.is_not(None))
    return {row.user: row.sealed for row in tx.execute(query)}


def _change(tx: sa.Connection, user: str, **values: Any) -> None:
    tx.execute(rows.update().where(rows.c.user == user).values(**values))


def _link(row: Any) -> Link:
    folders = tuple(Folder(**one) for one in json.loads(row["folders"]))
    return Link(**{**row, "folders": folders})
