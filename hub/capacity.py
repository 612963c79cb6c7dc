"""How many sessions the machine holds, as a number and in words (pure)."""

from __future__ import annotations

from hub.settings import Settings
from spawner.confinement import GIB


def room_bytes(memory_bytes: int, settings: Settings) -> int:
    """Memory that may be promised to sessions: all but the reserve for hub, engine and system."""
    return max(0, memory_bytes - int(settings.capacity.reserve_gib * GIB))


def held(memory_bytes: int, settings: Settings) -> int:
    """How many sessions of the smallest guarantee the machine holds at a time."""
    used = {profile.machine for profile in settings.profiles}
    smallest = min(settings.machines[name].guarantee_bytes for name in used)
    return room_bytes(memory_bytes, settings) // smallest


def sentence(memory_bytes: int, settings: Settings) -> str:
    """For instance ``holds about 29 small sessions``."""
    count = held(memory_bytes, settings)
    return f"holds about {count} small session{'' if count == 1 else 's'}"
