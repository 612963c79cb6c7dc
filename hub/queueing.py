"""Decides whose turn it is in the queue, and what the others wait for (pure).

First come, first served. One thing may be overtaken, and only for a while: a request that waits
for more memory than is free. Otherwise one person who asks for a big machine would keep a class
from small ones that fit, for as long as sessions last. After ``overtake`` the memory that becomes
free is kept for the one who waits: nobody starves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hub.enums import State
from spawner.confinement import GIB
from spawner.profiles import Catalog
from spawner.wait import Wait

if TYPE_CHECKING:
    # The command line counts places on hosts that have no SQLAlchemy.
    from hub.sessions import Session


@dataclass(frozen=True)
class Limits:
    """What the machine gives to all sessions together."""

    room_bytes: int
    """Memory that may be promised."""
    start_slots: int
    """Sessions that may be starting at a time."""
    overtake: timedelta
    """How long somebody who waits for memory may be overtaken by those who need less."""


@dataclass(frozen=True)
class Standing:
    """Where somebody in the queue stands; without a ``wait`` it is their turn."""

    session: Session
    wait: Wait | None


@dataclass(frozen=True)
class House:
    """What is offered and what there is to give."""

    catalog: Catalog
    limits: Limits

    def guarantee_bytes(self, slug: str) -> int:
        profile = self.catalog.find(slug)
        if profile is not None:
            return profile.guarantee_bytes
        # Asked for before the profile was taken out of the settings: promise too little rather
        # than too much.
        return max(profile.guarantee_bytes for profile in self.catalog.profiles)

    def promised_bytes(self, sessions: Iterable[Session]) -> int:
        """Memory promised to these sessions; those in the queue have no promise yet."""
        return sum(self.guarantee_bytes(s.profile) for s in sessions if holds_memory(s))


def holds_memory(session: Session) -> bool:
    return session.state not in (State.QUEUED, State.ENDED)


def decide(active: Sequence[Session], house: House, now: datetime) -> list[Standing]:
    """Everybody in the queue, in its order. ``active`` are all sessions that have not ended."""
    have = _Have(
        slots=house.limits.start_slots - sum(s.state is State.STARTING for s in active),
        bytes=house.limits.room_bytes - house.promised_bytes(active),
        sessions=sum(map(holds_memory, active)),
    )
    queue = sorted(
        (s for s in active if s.state is State.QUEUED), key=lambda s: (s.requested_at, s.id)
    )
    found: list[Standing] = []
    place = 0
    for session in queue:
        need = house.guarantee_bytes(session.profile)
        if have.kept_bytes is None and have.slots > 0 and need <= have.bytes:
            have.give(need)
            found.append(Standing(session, None))
            continue
        place += 1
        found.append(Standing(session, Wait(place, _reason(session, need, have, house))))
        if need > have.bytes and now - session.requested_at >= house.limits.overtake:
            have.kept_bytes = have.kept_bytes or need
    return found


@dataclass
class _Have:
    """What is left to give while the queue is gone through."""

    slots: int
    bytes: int
    sessions: int
    kept_bytes: int | None = None
    """What somebody further ahead needs, once memory is kept for them."""

    def give(self, need: int) -> None:
        self.slots -= 1
        self.bytes -= need
        self.sessions += 1


def _reason(session: Session, need: int, have: _Have, house: House) -> str:
    if have.kept_bytes is not None:
        return (
            "The machine is full: memory that becomes free is kept for somebody before you who "
            f"needs {have.kept_bytes / GIB:.1f} GiB."
        )
    if need > have.bytes:
        whom = "one session" if have.sessions == 1 else f"{have.sessions} sessions"
        return f"The machine is full: its memory is promised to {whom}.{_hint(have, house)}"
    count = house.limits.start_slots
    return (
        "Sessions start one at a time, and somebody else's is starting."
        if count == 1
        else f"At most {count} sessions start at a time, and {count} are starting."
    )


def _hint(have: _Have, house: House) -> str:
    """What would start at once instead."""
    if have.slots <= 0:
        return ""
    fit = [f"“{p.title}”" for p in house.catalog.profiles if p.guarantee_bytes <= have.bytes]
    return f" If you cancel, you can start {' or '.join(fit)} now." if fit else ""
