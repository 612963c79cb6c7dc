"""A moment as people read it, the same on pages, in the terminal and in the record (pure)."""

from __future__ import annotations

from datetime import UTC, datetime


def spelled(moment: datetime) -> str:
    """``2026-03-01 12:00 UTC``; the moment is aware."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
