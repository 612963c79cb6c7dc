"""An environment for tests that need pydrive2 (its pins would hold ours back), with pytest."""

from __future__ import annotations

from pathlib import Path

from tests import environments

LOCK = Path(__file__).with_name("requirements.lock")


def python() -> Path:
    """The interpreter that has pydrive2; installs it where it is missing."""
    return environments.python("drivesync", LOCK)
