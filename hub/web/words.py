"""Times and sizes as people say them (pure)."""

from __future__ import annotations

from datetime import datetime

from spawner.confinement import GIB, MIB

MINUTE, HOUR, DAY = 60, 3600, 86_400


def ago(moment: datetime, now: datetime) -> str:
    """``5 minutes ago``; the date itself for what is more than 30 days past."""
    seconds = (now - moment).total_seconds()
    if seconds < MINUTE:
        return "just now"
    for unit, length, limit in (
        ("minute", MINUTE, HOUR),
        ("hour", HOUR, DAY),
        ("day", DAY, 30 * DAY),
    ):
        if seconds < limit:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return f"{moment:%Y-%m-%d}"


def size(count: int) -> str:
    """Bytes in MiB or GiB."""
    if count < MIB:
        return "under 1 MiB" if count else "empty"
    return f"{count / MIB:.0f} MiB" if count < GIB else f"{count / GIB:.1f} GiB"
