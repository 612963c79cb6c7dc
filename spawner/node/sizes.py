"""How much a home takes on its disk."""

from __future__ import annotations

import os
from dataclasses import dataclass

from spawner.node.trees import Found, Pace, Step, walk

BLOCK_BYTES = 512
"""The unit of st_blocks (inode(7)), whatever the file system's own blocks are."""
MOST_ENTRIES = 5_000_000


@dataclass(frozen=True)
class Size:
    """Allocated bytes; ``complete`` is False where they are a part of what there is."""

    bytes: int
    complete: bool


def measure(home_fd: int, pace: Pace, most_entries: int = MOST_ENTRIES) -> Size:
    """What is allocated, so that a sparse file counts for what it takes.

    Each name of a file counts for its share. All of its names lie in the home, so they add up to
    the file once, and no table of inodes can be made to grow. Raises OSError.
    """
    total: float = os.fstat(home_fd).st_blocks * BLOCK_BYTES
    complete = True
    for count, found in enumerate(walk(home_fd, pace)):
        if found.step in (Step.PASSED, Step.LOST):
            complete = False
        total += _share(found)
        if count >= most_entries:
            return Size(round(total), complete=False)
    return Size(round(total), complete)


def _share(found: Found) -> float:
    if found.stat is None or found.step is Step.PASSED:
        return 0
    names = 1 if found.step is Step.ENTER else max(1, found.stat.st_nlink)
    return found.stat.st_blocks * BLOCK_BYTES / names
