"""Milliseconds since 1970 as the API writes them, and back."""

from __future__ import annotations

from datetime import UTC, datetime

from drive_emulator.model import Refused


def shown(ms: int) -> str:
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def read(text: str, name: str) -> int:
    """Raises 400 for what is no time with a zone."""
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Refused(400, "invalid", f"Invalid value: {name}={text}", name)
    return round(at.timestamp() * 1000)
