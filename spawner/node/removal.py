"""Removes a home for good, so that a kill in the middle never leaves half a home under its name.

First it is given a name that no user can have, then it is emptied; what a kill left over is
finished at the next removal or at node's next start.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spawner.errors import CarrelError
from spawner.node.homes import home_faults, open_beneath
from spawner.node.trees import MOST_DEPTH, Found, Pace, Step, Why, walk

log = logging.getLogger("carrel.node")

LEFTOVER = ".removed-"
"""How the names of homes begin that are being removed; a user's never begins with a dot."""


def set_aside(homes: Path, name: str) -> bool:
    """Takes the home's name away from it; whether there was one. Takes no time.

    Raises CarrelError(REFUSED) if it is anything but a folder, CarrelError(UNAVAILABLE).
    """
    with home_faults(name, root=homes), _opened(homes) as homes_fd:
        try:
            os.close(open_beneath(homes_fd, name))
        except FileNotFoundError:
            return False
        aside = f"{LEFTOVER}{name}-{secrets.token_hex(4)}"
        os.rename(name, aside, src_dir_fd=homes_fd, dst_dir_fd=homes_fd)
        os.fsync(homes_fd)
        return True


def finish(homes: Path, pace: Pace, most_depth: int = MOST_DEPTH) -> int:
    """Removes every home that was set aside; how many. Raises CarrelError(UNAVAILABLE).

    One that cannot be removed does not keep the others.
    """
    failed: CarrelError | None = None
    done = 0
    with home_faults("", root=homes), _opened(homes) as homes_fd:
        with os.scandir(homes_fd) as entries:
            aside = [entry.name for entry in entries if entry.name.startswith(LEFTOVER)]
        for name in aside:
            try:
                with home_faults(name, root=homes):
                    _remove(homes_fd, name, pace, most_depth)
            except CarrelError as error:
                failed = error
                continue
            done += 1
            log.info("removed %s/%s", homes.name, name)
    if failed:
        raise failed
    return done


def _remove(homes_fd: int, name: str, pace: Pace, most_depth: int) -> None:
    fd = open_beneath(homes_fd, name)
    try:
        # What lies too deep, or is too much for one round, is left to the next.
        while _empty(fd, pace, most_depth):
            pass
    finally:
        os.close(fd)
    os.rmdir(name, dir_fd=homes_fd)  # ENOTEMPTY if a round could remove nothing


def _empty(root_fd: int, pace: Pace, most_depth: int) -> bool:
    """One round; whether it changed anything and left something."""
    changed = left = False
    for found in walk(root_fd, pace, most_depth):
        if found.step in (Step.ENTRY, Step.LEAVE):
            gone = _unlink(found)
            changed, left = changed or gone, left or not gone
        elif found.why is Why.TOO_DEEP:
            # Up to the root, where it is not deep: no tree is too deep to be removed.
            up = secrets.token_hex(8)
            os.rename(found.name, up, src_dir_fd=found.folder_fd, dst_dir_fd=root_fd)
            changed = left = True
        elif found.step is not Step.ENTER:
            left = True
    return changed and left


def _unlink(found: Found) -> bool:
    try:
        if found.step is Step.ENTRY:
            os.unlink(found.name, dir_fd=found.folder_fd)
        else:
            os.rmdir(found.name, dir_fd=found.folder_fd)
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


@contextmanager
def _opened(homes: Path) -> Iterator[int]:
    fd = os.open(homes, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)
