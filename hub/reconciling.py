"""Compares the table of sessions with the containers there are, and decides what must end (pure).

The hub ends what it knows. Here is what it cannot know: what a crash left behind, and what was
taken away from under it. A container is always looked at before the rows are: its row is written
before it is made, so a container with no row is nobody's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from hub.enums import Reason, State
from hub.sessions import Session

FORGOTTEN_FOR = timedelta(seconds=30)
"""How long this hub may say nothing of a session that ran: the record of an end comes a moment
after the hub has let go of it."""
GOES_ON_WITHIN = timedelta(seconds=15)
"""How long a start of before may stand still: whoever still wants it may be brought back first."""
CLEARING_UP_FOR = timedelta(seconds=150)
"""How long this hub may clear up after a start of its own that it tells nobody of any more: an
engine call that is not answered (60 s), and then a container that comes late (30 s)."""


class Stand(Enum):
    """Where a container is in its life."""

    NEVER_STARTED = "created"
    LIVE = "live"
    ENDED = "ended"
    LEAVING = "removing"


@dataclass(frozen=True)
class Container:
    """A session's container, as the engine lists it."""

    name: str
    session: str
    stand: Stand


@dataclass(frozen=True)
class Scene:
    """All containers, and then all sessions that have not ended."""

    containers: tuple[Container, ...]
    rows: tuple[Session, ...]

    def container_of(self, row: Session) -> Container | None:
        return next((one for one in self.containers if one.session == row.id), None)


@dataclass(frozen=True)
class Denied:
    """The hub said that its user has no server, first at ``since``."""

    since: datetime
    interrupted: bool
    """It was asked for before this hub began: the one before it left it."""


@dataclass(frozen=True)
class Abandoned:
    """A session that nobody has any more: its container is removed, its row closed."""

    row: Session
    container: Container | None
    reason: Reason
    detail: str


def strays(scene: Scene) -> list[Container]:
    """Containers that no session has; those on their way out are left to it."""
    wanted = {row.id for row in scene.rows}
    return [
        one
        for one in scene.containers
        if one.session not in wanted and one.stand is not Stand.LEAVING
    ]


def hubs_own(rows: Iterable[Session]) -> list[Session]:
    """Sessions that the hub must know of; who waits in the queue may be on the way back to it."""
    return [row for row in rows if row.state is not State.QUEUED]


def is_of_before(row: Session, began: datetime, vouched: Collection[str]) -> bool:
    return row.requested_at < began and row.id not in vouched


def abandoned(scene: Scene, denied: Mapping[str, Denied], now: datetime) -> list[Abandoned]:
    """The denied sessions that are to end now; ``denied`` is by session id."""
    found = []
    for row in scene.rows:
        no = denied.get(row.id)
        if no is not None and now - no.since >= _patience(row, no):
            container = scene.container_of(row)
            found.append(Abandoned(row, container, *_why(row, container)))
    return found


def _patience(row: Session, no: Denied) -> timedelta:
    if not no.interrupted:
        return FORGOTTEN_FOR if row.state is State.RUNNING else CLEARING_UP_FOR
    return GOES_ON_WITHIN if row.state is State.STARTING else timedelta(0)


def _why(row: Session, container: Container | None) -> tuple[Reason, str]:
    if row.state is State.STARTING:
        return Reason.FAILED_TO_START, "The hub ended during the start."
    if container is None:
        return Reason.ENGINE_LOST, "The container was gone."
    if container.stand is Stand.LIVE:
        return Reason.UNKNOWN, "The hub had lost the session."
    return Reason.EXITED, "It ended while the hub was away."
