"""Google Drive's folder, as in Colab: the session has it, or says how to get it."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from carrel_session import drive_flush, drive_report, drive_words
from carrel_session.drive_flush import Outcome
from carrel_session.drive_report import Told
from carrel_session.drive_words import Said, Standing
from carrel_session.errors import SessionError
from carrel_session.progress_line import ProgressLine
from google.colab import session

LOOK_S = 0.5
NOBODY_S = 20.0
"""How long a sync that is not heard is waited for: it starts some seconds after the session."""


def mount(
    mountpoint: str, force_remount: bool = False, timeout_ms: int = 120000, readonly: bool = False,
    **_others: Any,
) -> None:  # fmt: skip
    """As Colab's, with nothing to log in to: the session has the folder or it has not.

    Waits up to ``timeout_ms`` for the first sync of the chosen folders. Raises nothing where Drive
    is not connected: the rest of the notebook may do without. No folder is made then, since what
    is written there would never reach Drive. There is nothing for ``force_remount`` to do.
    """
    drive, wanted = _drive(), Path(mountpoint)
    said = _standing(drive)
    if said.standing is Standing.NOT_CONNECTED:
        _tell_how(said)
        return
    if wanted.resolve() != drive.resolve() and not _lead(wanted, drive):
        print(f"Your Drive is at {drive}; {wanted} is taken, so use that path.")
        return
    missing = _first_sync(drive, timeout_ms / 1000)
    print(f"Mounted at {mountpoint}")
    if missing is not None:
        print(missing)
    if readonly:
        print("It is not read-only here: what you write in MyDrive goes to Drive.")


def flush_and_unmount(timeout_ms: int = 24 * 60 * 60 * 1000) -> None:
    """Waits until everything that was written is in Drive, and names what is not.

    The folder stays: the session's end does not need it gone.
    """
    drive = _drive()
    said = _standing(drive)
    if said.standing is Standing.NOT_CONNECTED:
        print(f"{said.message} There is nothing to bring to Drive.")
        return
    line = ProgressLine(sys.stdout, session.is_watched())
    try:
        found = drive_flush.flush(drive, timeout_ms / 1000, line.show)
    except SessionError as trouble:
        print(f"Not brought to Drive. {trouble}")
        return
    finally:
        line.clear()
    if found.outcome is Outcome.CLEAN:
        print("Everything is in Google Drive.")
        return
    print("Not everything is in Google Drive; what is missing there is safe here.")
    print(_standing(drive))
    print(*drive_words.unsynced(found.unsynced), sep="\n", end="\n" * bool(found.unsynced))


def _drive() -> Path:
    return session.home() / "drive"


def _standing(drive: Path) -> Said:
    where = drive_words.page(os.environ)
    return drive_words.standing(drive, drive_report.read(drive), datetime.now(UTC), where)


def _tell_how(said: Said) -> None:
    """With a link: the page is on the site that the reader looks at."""
    base = os.environ.get("JUPYTERHUB_BASE_URL", "/").rstrip("/")
    link = (
        f'<a href="{escape(base)}/services/carrel/drive" target="_blank">Connect Google Drive</a>'
    )
    text = f"{said} You can upload files into the file browser instead."
    session.show_html(f"<p>{escape(text)}</p><p>{link}</p>", text)


def _lead(wanted: Path, drive: Path) -> bool:
    """Makes ``wanted`` a link to the folder, unless something is there."""
    try:
        if wanted.is_dir() and not any(wanted.iterdir()):
            wanted.rmdir()
        wanted.parent.mkdir(parents=True, exist_ok=True)
        wanted.symlink_to(drive, target_is_directory=True)
    except OSError:
        return False
    return True


def _first_sync(drive: Path, timeout_s: float) -> Said | None:
    """Waits for it; what is to be said where it is not over."""
    line = ProgressLine(sys.stdout, session.is_watched())
    begun = time.monotonic()
    try:
        while True:
            told, said = drive_report.read(drive), _standing(drive)
            waited_s = time.monotonic() - begun
            if _is_there(told, said):
                return None
            if not _goes_on(told, said, waited_s) or waited_s >= timeout_s:
                return _what_is_missing(said)
            line.show(said.message)
            time.sleep(min(LOOK_S, max(0.0, timeout_s - waited_s)))
    finally:
        line.clear()


def _is_there(told: Told | None, said: Said) -> bool:
    """Whether the chosen folders were here as a whole once, and somebody keeps them so."""
    if said.standing is Standing.IN_STEP:
        return True
    return said.standing is Standing.WORKING and bool(told and told.last_success_at)


def _goes_on(told: Told | None, said: Said, waited_s: float) -> bool:
    """Whether waiting may help."""
    if said.standing is Standing.NOBODY:
        return waited_s < NOBODY_S
    if said.standing is Standing.PAUSED:
        return bool(told and told.pause in drive_words.WAITED_FOR)
    return True


def _what_is_missing(said: Said) -> Said:
    if said.standing is not Standing.WORKING:
        return said
    return Said(
        said.standing,
        f"Not all of the chosen folders is here yet. {said.message}",
        "The rest comes while you work; `!carrel-drive status` says how far it is.",
    )
