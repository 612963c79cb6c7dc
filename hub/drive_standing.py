"""How somebody's Drive stands (pure but for its look): what pages and programs say of it.

Never more than is known: what was told too long ago is said to be so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa

from hub import drive_links, drive_reports, drive_syncs, sessions
from hub.drive_links import Link
from hub.drive_reports import Report
from hub.drive_syncs import Sync
from hub.enums import DriveState, SyncPause, SyncState
from hub.sessions import Session


class Standing(Enum):
    """In a word."""

    DISCONNECTED = "disconnected"
    RECONNECT = "reconnect"
    UNCHOSEN = "unchosen"
    AT_REST = "at rest"
    """No session, nothing to do."""
    FLUSHING = "flushing"
    """The session has ended; what is left goes up."""
    WAITING = "waiting"
    """A session runs, and its sidecar has told nothing yet."""
    SILENT = "silent"
    """It told something too long ago."""
    PAUSED = "paused"
    SYNCING = "syncing"
    IN_STEP = "in step"
    """Both sides were equal a moment ago."""


@dataclass(frozen=True)
class Drive:
    """All that is known of somebody's."""

    link: Link | None
    sync: Sync | None
    """Of their newest session that had one."""
    session: Session | None
    """What runs now."""
    report: Report | None
    at: datetime

    @property
    def connected(self) -> bool:
        return self.link is not None and self.link.state is DriveState.LINKED

    @property
    def current(self) -> bool:
        """Whether the report is of now."""
        return (
            self.report is not None
            and self.sync is not None
            and self.sync.ended_at is None
            and not drive_reports.stale(self.sync.reported_at, self.at)
        )

    @property
    def standing(self) -> Standing:
        return stands(self)

    @property
    def urgent(self) -> bool:
        """Whether nothing goes on until the person does something."""
        by_itself = (None, SyncPause.OFFLINE, SyncPause.BUSY)
        return self.standing is Standing.RECONNECT or self.pause not in by_itself

    @property
    def pause(self) -> SyncPause | None:
        """Why nothing goes on, if that is so."""
        told = self.report if self.standing is Standing.PAUSED else None
        return told.pause if told else None

    @property
    def session_is_older(self) -> bool:
        """Whether what runs was started before folders were chosen first: it has no such folder."""
        chosen, session = self.link.chosen_at if self.link else None, self.session
        began = (session.started_at or session.requested_at) if session else None
        return chosen is not None and began is not None and chosen > began

    @property
    def ended_without_a_word(self) -> bool:
        """Whether the last sidecar is gone and did not say how it left things."""
        return self.sync is not None and self.sync.ended_at is not None and not self.sync.result


def look(tx: sa.Connection, user: str, now: datetime) -> Drive:
    """Reads all of it."""
    sync = drive_syncs.newest_of(tx, user)
    return Drive(
        link=drive_links.find(tx, user),
        sync=sync,
        session=sessions.active_of(tx, user),
        report=drive_reports.read(sync.report) if sync else None,
        at=now,
    )


def stands(drive: Drive) -> Standing:
    """The word for it."""
    link, sync, report = drive.link, drive.sync, drive.report
    if link is None or link.state is DriveState.DISCONNECTED:
        return Standing.DISCONNECTED
    if link.state is DriveState.RECONNECT:
        return Standing.RECONNECT
    if not link.chosen:
        return Standing.UNCHOSEN
    of_session = sync is not None and drive.session is not None and sync.session == drive.session.id
    if drive.session is None or not of_session:
        if sync is not None and sync.ended_at is None and drive.current:
            return Standing.FLUSHING
        return Standing.AT_REST if drive.session is None else Standing.WAITING
    if report is None:
        return Standing.WAITING
    if not drive.current:
        return Standing.SILENT
    return _of_report(report)


def _of_report(report: Report) -> Standing:
    match report.state:
        case SyncState.STARTING:
            return Standing.WAITING
        case SyncState.PAUSED:
            return Standing.PAUSED
        case SyncState.IDLE | SyncState.ENDED if not report.pending and not report.unsynced_count:
            return Standing.IN_STEP
        case _:
            return Standing.SYNCING


def as_json(drive: Drive) -> dict[str, Any]:
    """For programs."""
    link, sync = drive.link, drive.sync
    return {
        "standing": drive.standing.value,
        "state": link.state.value if link else None,
        "email": link.email if link else "",
        "scope": link.scope.value if link else None,
        "everything": link.everything if link else False,
        "folders": [vars(one) for one in link.folders] if link else [],
        "session": sync.session if sync else None,
        "reported_at": _iso(sync.reported_at) if sync else None,
        "current": drive.current,
        "report": drive_reports.for_json(drive.report) if drive.report else None,
        "result": sync.result if sync else "",
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
