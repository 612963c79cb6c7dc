"""Compares the sessions that are to have a Drive sidecar with the sidecars there are (pure).

One sidecar a user at a time: two would work on the same folders. A new session's waits until the
one before has flushed and gone. What is not known changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.drive_links import Wanted
from hub.reconciling import Stand

FIRST_WAIT, MOST_WAIT = timedelta(seconds=2), timedelta(seconds=60)
"""Until the next try: 2, 4, … 60 seconds."""
WELL_AFTER = timedelta(seconds=120)
"""How long one must have lived for its next crash to count as its first."""


@dataclass(frozen=True)
class Sidecar:
    """One as the engine lists it; ``exit_code`` once it has ended."""

    user: str
    session: str
    stand: Stand
    exit_code: int | None = None


@dataclass(frozen=True)
class Open:
    """A session whose sidecar's bearer opens the hub."""

    user: str
    session: str


@dataclass(frozen=True)
class Setback:
    """What went wrong with a session's sidecar; ``until`` when it is left alone."""

    count: int
    until: datetime

    def waits(self, now: datetime) -> bool:
        """A clock that was set back makes nobody wait longer."""
        return now < self.until <= now + MOST_WAIT


@dataclass(frozen=True)
class Scene:
    """``busy`` are users with a start or an end under way."""

    wanted: tuple[Wanted, ...]
    sidecars: tuple[Sidecar, ...]
    open: tuple[Open, ...]
    busy: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Todo:
    starts: tuple[Wanted, ...] = ()
    ends: tuple[Sidecar, ...] = ()
    """Those that live are given their grace; what is left of the others is removed."""
    closed: tuple[Open, ...] = ()
    """Bearers of sidecars that are not there."""


def decide(scene: Scene, setbacks: Mapping[str, Setback], now: datetime) -> Todo:
    """``setbacks`` is by session."""
    waiting = {session for session, one in setbacks.items() if one.waits(now)}
    there = {one.user for one in scene.sidecars}
    to_have = {one.user: one for one in scene.wanted}  # of two sessions the newer one
    return Todo(
        starts=tuple(
            one
            for one in to_have.values()
            if one.user not in there | scene.busy and one.session not in waiting
        ),
        ends=tuple(
            one
            for one in scene.sidecars
            if one.user not in scene.busy
            and one.stand is not Stand.LEAVING
            and one.session not in waiting
            and not _may_live(one, scene)
        ),
        closed=tuple(
            one
            for one in scene.open
            if one.user not in there | scene.busy and not _is_wanted(one.session, scene.wanted)
        ),
    )


def after_failure(before: Setback | None, lived: timedelta | None, now: datetime) -> Setback:
    """``lived``: how long it had run, where that is known."""
    well = before is None or (lived is not None and lived >= WELL_AFTER)
    count = 1 if well or before is None else before.count + 1
    wait = min(FIRST_WAIT * 2 ** min(count - 1, 10), MOST_WAIT)
    return Setback(count, now + wait)


def _may_live(one: Sidecar, scene: Scene) -> bool:
    """A bearer that opens nothing any more is that of somebody who had disconnected meanwhile."""
    opens = any(other.session == one.session for other in scene.open)
    return one.stand is Stand.LIVE and opens and _is_wanted(one.session, scene.wanted)


def _is_wanted(session: str, wanted: Collection[Wanted]) -> bool:
    return any(one.session == session for one in wanted)
