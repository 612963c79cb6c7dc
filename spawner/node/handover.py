"""Hands a home over to the sessions' root when the engine's user remapping was switched."""

from __future__ import annotations

import os

RANGE = 65_536
"""How many ids a remapped container has (the size of Docker's own subordinate range)."""


def hand_over(home_fd: int, old_root: int, new_root: int) -> None:
    """Moves every owner and group of the range that begins at ``old_root`` to ``new_root``'s.

    Symlinks themselves are changed, never what they point to; ids outside the range stay. The
    home's own folder comes last, so that a hand-over that was cut short is taken up again.
    Raises OSError.
    """
    for _, folders, files, folder_fd in os.fwalk(".", topdown=False, dir_fd=home_fd):
        for name in (*folders, *files):
            found = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
            uid = _moved(found.st_uid, old_root, new_root)
            gid = _moved(found.st_gid, old_root, new_root)
            if (uid, gid) != (found.st_uid, found.st_gid):
                os.chown(name, uid, gid, dir_fd=folder_fd, follow_symlinks=False)
    os.fchown(home_fd, new_root, new_root)


def _moved(number: int, old_root: int, new_root: int) -> int:
    return number - old_root + new_root if 0 <= number - old_root < RANGE else number
