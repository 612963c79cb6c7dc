"""What admins are told of the machine and of what runs on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub import __version__, capacity, reach, sessions
from hub.enums import State
from hub.installation import Installation, Machine
from hub.reach import Reach
from hub.sessions import Session


@dataclass(frozen=True)
class Running:
    """A session that has not ended."""

    id: str
    user: str
    profile: str
    state: str
    """As its record says."""
    unknown: str | None
    """Why nothing is known of it at the moment; None: it is as its record says."""
    since: datetime
    minutes: int


@dataclass(frozen=True)
class Status:
    """The answer; sizes in bytes."""

    version: str
    machine: Machine
    disk_free_bytes: int
    holds: str
    """A sentence's end: ``holds about 29 small sessions``."""
    room_bytes: int
    promised_bytes: int
    start_slots: int
    """Sessions that may be starting at a time."""
    waiting: int
    """Sessions in the queue; they are among ``sessions``."""
    silent_since: datetime | None
    """Since when the engine has not answered; None: it answers."""
    sessions: tuple[Running, ...]

    def as_json(self) -> dict[str, Any]:
        machine = {k: v for k, v in asdict(self.machine).items() if k != "environment"}
        sessions = [asdict(s) | {"since": s.since.isoformat()} for s in self.sessions]
        silent = self.silent_since.isoformat() if self.silent_since else None
        return asdict(self) | {"machine": machine, "sessions": sessions, "silent_since": silent}


@dataclass(frozen=True)
class Seen:
    """What is on record: the sessions that have not ended, and how the engine was found last."""

    active: Sequence[Session]
    reach: Reach | None


def look(tx: sa.Connection) -> Seen:
    return Seen(sessions.active(tx), reach.last(tx))


def build(installation: Installation, seen: Seen, disk_free_bytes: int, now: datetime) -> Status:
    active = seen.active
    settings, machine = installation.settings, installation.machine
    house = installation.house()
    return Status(
        version=__version__,
        machine=machine,
        disk_free_bytes=disk_free_bytes,
        holds=capacity.sentence(machine.memory_bytes, settings),
        room_bytes=house.limits.room_bytes,
        promised_bytes=house.promised_bytes(active),
        start_slots=house.limits.start_slots,
        waiting=sum(session.state is State.QUEUED for session in active),
        silent_since=seen.reach.silent_since if seen.reach else None,
        sessions=tuple(
            Running(
                id=session.id,
                user=session.user,
                profile=session.profile,
                state=session.state.value,
                unknown=why.value if (why := reach.unknown(session, seen.reach, now)) else None,
                since=session.requested_at,
                minutes=int((now - session.requested_at).total_seconds() // 60),
            )
            for session in active
        ),
    )
