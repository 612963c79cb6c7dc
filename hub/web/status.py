"""What admins are told of the machine and of what runs on it (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from hub import __version__, capacity
from hub.enums import State
from hub.installation import Installation, Machine
from hub.sessions import Session


@dataclass(frozen=True)
class Running:
    """A session that has not ended."""

    id: str
    user: str
    profile: str
    state: str
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
    sessions: tuple[Running, ...]

    def as_json(self) -> dict[str, Any]:
        machine = {k: v for k, v in asdict(self.machine).items() if k != "environment"}
        sessions = [asdict(s) | {"since": s.since.isoformat()} for s in self.sessions]
        return asdict(self) | {"machine": machine, "sessions": sessions}


def build(
    installation: Installation, active: Sequence[Session], disk_free_bytes: int, now: datetime
) -> Status:
    """``active`` are the sessions that have not ended."""
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
        sessions=tuple(
            Running(
                id=session.id,
                user=session.user,
                profile=session.profile,
                state=session.state.value,
                since=session.requested_at,
                minutes=int((now - session.requested_at).total_seconds() // 60),
            )
            for session in active
        ),
    )
