"""How many sessions the machine holds and starts, as numbers and in words (pure)."""

from __future__ import annotations

from datetime import timedelta

from hub.queueing import Limits
from hub.settings import Settings
from spawner.confinement import GIB

SLOTS_PER_CORE = 2.5
"""Measured: a start is mostly Python's imports. On two cores five at a time made a rush of thirty
quickest; fewer leave cores idle while one waits for the disk, more exceed the time limits."""


def room_bytes(memory_bytes: int, settings: Settings) -> int:
    """Memory that may be promised to sessions: all but the reserve for hub, engine and system."""
    return max(0, memory_bytes - int(settings.capacity.reserve_gib * GIB))


def start_slots(cores: int, settings: Settings) -> int:
    """How many sessions may be starting at a time."""
    return settings.capacity.start_slots or max(1, int(SLOTS_PER_CORE * cores))


def limits(cores: int, memory_bytes: int, settings: Settings) -> Limits:
    """What the machine gives to all sessions together."""
    return Limits(
        room_bytes(memory_bytes, settings),
        start_slots(cores, settings),
        timedelta(minutes=settings.capacity.overtake_minutes),
    )


def held(memory_bytes: int, settings: Settings) -> int:
    """How many sessions of the smallest guarantee the machine holds at a time."""
    used = {profile.machine for profile in settings.profiles}
    smallest = min(settings.machines[name].guarantee_bytes for name in used)
    return room_bytes(memory_bytes, settings) // smallest


def sentence(memory_bytes: int, settings: Settings) -> str:
    """For instance ``holds about 29 small sessions``."""
    count = held(memory_bytes, settings)
    return f"holds about {count} small session{'' if count == 1 else 's'}"
