"""The session itself."""

from __future__ import annotations


def unassign() -> None:
    """Ends nothing: a notebook that somebody else wrote should not end one's session."""
    print("To end your session press Stop on the Session page (File → Hub Control Panel).")
