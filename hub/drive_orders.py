"""What a sidecar is told to do (pure): which folders, how fast, up to how much."""

from __future__ import annotations

from typing import Any

from hub.drive_knobs import Drive
from hub.drive_links import Link
from hub.enums import DriveState

LEAST_SHARE_PER_S = 0.2
"""A sidecar that may ask less often than that finds nothing out."""
RECONNECT = "Press “Reconnect” on the page Drive: Google does not let Carrel in any more."
DISCONNECTED = "Google Drive is not connected. The page Drive connects it."
NO_FOLDERS = "No folders are chosen yet. The page Drive is where they are."


def share(drive: Drive, open_ones: int) -> float:
    """Requests per second of each of so many sidecars: what Google allows the site, in equal
    parts."""
    return max(LEAST_SHARE_PER_S, drive.requests_per_s / max(1, open_ones))


def why_not(link: Link | None) -> tuple[str, str] | None:
    """A word and a sentence, where there is nothing to be done; None: there is."""
    if link is None or link.state is DriveState.DISCONNECTED:
        return "disconnected", DISCONNECTED
    if link.state is DriveState.RECONNECT:
        return "reconnect", RECONNECT
    return None if link.chosen else ("no folders", NO_FOLDERS)


def orders(drive: Drive, link: Link, open_ones: int) -> dict[str, Any]:
    """As JSON. ``account`` is the id of My Drive: another one is another Drive."""
    confirmed = link.confirmed_deletion_at
    return {
        "scope": link.scope.value,
        "account": link.root,
        "email": link.email,
        "folders": [{"id": one.id, "title": one.title} for one in link.folders],
        "everything": link.everything,
        "cap_bytes": drive.cap_bytes,
        "poll_s": drive.poll_s,
        "requests_per_s": share(drive, open_ones),
        "writes_per_s": drive.writes_per_s,
        "export": drive.export.value,
        "trash_days": drive.trash_days,
        "flush_s": drive.flush_s,
        "confirmed_deletion": confirmed.timestamp() if confirmed else None,
        "api_url": drive.for_sidecars,
    }
