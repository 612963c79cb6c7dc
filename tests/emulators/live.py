"""Whether the suite against the real Drive can run: it needs somebody's own credentials."""

from __future__ import annotations

import os
from pathlib import Path

NEEDED = (
    "LIVE_DRIVE_CLIENT_ID", "LIVE_DRIVE_CLIENT_SECRET_FILE", "LIVE_DRIVE_REFRESH_TOKEN_FILE",
)  # fmt: skip
"""An OAuth client of Google's, its secret, and a refresh token of a test account with the scope
``https://www.googleapis.com/auth/drive``; secrets stay in files."""

ran = False
"""In this run, and all of it held."""


def missing() -> list[str]:
    """What is not given, or names no file."""
    return [
        name
        for name in NEEDED
        if not os.environ.get(name)
        or (name.endswith("_FILE") and not Path(os.environ[name]).is_file())
    ]


def state() -> str:
    """A sentence for the summary of a run."""
    if ran:
        return "ran against Google, and the contract holds"
    lacking = missing()
    if lacking:
        return f"did not run; it needs {', '.join(lacking)}"
    return "did not run, or failed"
