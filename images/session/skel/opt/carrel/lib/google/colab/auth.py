"""Logging in at Google, which a session does not do by itself."""

from __future__ import annotations

from typing import Any


def authenticate_user(*_: Any, **__: Any) -> None:
    """Says that nobody was logged in; what needs Google's credentials will say so itself."""
    print(
        "You are not logged in at Google here. Libraries that need it take a key file or "
        "google.auth's own ways; files of your Drive are reached with drive.mount."
    )
