"""A virtual environment with what the Drive image has, and what pydrive2's file system needs."""

from __future__ import annotations

from pathlib import Path

from tests import environments

LOCK = Path(__file__).with_name("drive_rivals.lock")


def python() -> Path:
    """Its interpreter; installs it where it is missing."""
    return environments.python("drive-bench", LOCK)
