"""Google Drive's folder: finds it where the session has it, else says how to get it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.colab import session

NOT_CONNECTED = """Google Drive is not connected to this session.
Link your Drive on the Session page (File → Hub Control Panel), then stop and start the session;
your files are then in {drive}/MyDrive. Where that page says nothing of Drive, this Carrel has none.
You can upload files into the file browser instead."""


def mount(
    mountpoint: str, force_remount: bool = False, timeout_ms: int = 120000, readonly: bool = False,
    **_others: Any,
) -> None:  # fmt: skip
    """As Colab's, with nothing to log in to: the session has the folder or it has not.

    Raises nothing where it has not: the rest of the notebook may do without. No folder is made
    then, since what is written there would never reach Drive.
    """
    drive, wanted = session.home() / "drive", Path(mountpoint)
    if not (drive / "MyDrive").is_dir():
        print(NOT_CONNECTED.format(drive=drive))
        return
    if wanted.resolve() != drive.resolve() and not _lead(wanted, drive):
        print(f"Your Drive is at {drive}; {wanted} is taken, so use that path.")
        return
    print(f"Mounted at {mountpoint}")


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


def flush_and_unmount(timeout_ms: int = 24 * 60 * 60 * 1000) -> None:
    """What is written goes to Drive by itself; before a session ends it is waited for."""
    print("Drive is kept in step by itself; there is nothing to unmount.")
