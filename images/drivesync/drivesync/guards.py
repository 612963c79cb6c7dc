"""Whether so much was deleted at once that somebody must say that it was meant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from drivesync.ops import Op, TrashHere, TrashThere

FEW_FILES = 20
"""So many may always go."""


def mass_deletion(ops: Iterable[Op], synced_files: int) -> str:
    """A sentence, or nothing. What was un-chosen is not counted: it was said already."""
    here = there = 0
    for op in ops:
        match op:
            case TrashThere():
                there += op.files
            case TrashHere(chosen=False):
                here += op.files
            case _:
                pass
    if _is_much(there, synced_files):
        gone, where, trash = there, "this disk", "Drive's trash"
    elif _is_much(here, synced_files):
        gone, where, trash = here, "Drive", "the trash here"
    else:
        return ""
    return (
        f"{gone} of {synced_files} files are gone from {where}. "
        f"Put them back, or confirm that they go to {trash}."
    )


def is_confirmed(paused_at: datetime, confirmed_at: datetime | None) -> bool:
    """A confirmation holds for the pause that it answers, and for no later one."""
    return confirmed_at is not None and confirmed_at >= paused_at


def _is_much(gone: int, all_: int) -> bool:
    return gone > FEW_FILES and gone * 2 > all_
