"""Whether so much was deleted lately that somebody must say that it was meant."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta

from drivesync.ops import Op, TrashHere, TrashThere

FEW_FILES = 20
"""So many may always go."""
LATELY = timedelta(minutes=10)
"""A big folder may take as long to be removed, and is seen half removed meanwhile."""


@dataclass(frozen=True)
class Gone:
    """Files that followed into the trash of one side, in the cycle that began at this second."""

    at: float
    synced: int
    """Of how many."""
    here: int = 0
    there: int = 0


@dataclass(frozen=True)
class Lately:
    """What has gone, cycle by cycle."""

    cycles: tuple[Gone, ...] = ()

    @staticmethod
    def read(text: str) -> Lately:
        return Lately(tuple(Gone(*row) for row in json.loads(text or "[]")))

    def write(self) -> str:
        return json.dumps([astuple(one) for one in self.cycles])

    def since(self, at: datetime) -> Lately:
        """The later ones."""
        return Lately(tuple(one for one in self.cycles if one.at > at.timestamp()))

    def plus(self, op: Op, now: datetime, synced: int) -> Lately:
        here, there = _count([op])
        if not here and not there:
            return self
        at, others = now.timestamp(), self.cycles
        last = Gone(at, synced)
        if others and others[-1].at == at:
            others, last = others[:-1], others[-1]
        return Lately((*others, replace(last, here=last.here + here, there=last.there + there)))


def mass_deletion(ops: Iterable[Op], synced: int, lately: Lately) -> str:
    """A sentence, or nothing. What was un-chosen is not counted: it was said already."""
    here, there = _count(ops)
    all_ = max([synced, *(one.synced for one in lately.cycles)])
    before_here = sum(one.here for one in lately.cycles)
    before_there = sum(one.there for one in lately.cycles)
    if there and _is_much(there + before_there, all_):
        gone, before, where, trash = there, before_there, "this disk", "Drive's trash"
    elif here and _is_much(here + before_here, all_):
        gone, before, where, trash = here, before_here, "Drive", "the trash here"
    else:
        return ""
    already = f"; {before} of them are in {trash} already" if before else ""
    return (
        f"{gone + before} of {all_} files are gone from {where}{already}. "
        f"Put them back, or confirm that they go to {trash}: until then nothing goes up or down."
    )


@dataclass(frozen=True)
class Asked:
    """``at`` the sync paused; ``answer`` was the last one then, to an earlier question."""

    at: datetime
    answer: datetime | None


def is_confirmed(asked: Asked, answer: datetime | None, now: datetime) -> bool:
    """A confirmation holds for the pause that it answers, and for no later one. Where a clock that
    was ahead dated the pause, every new answer is one to it."""
    if answer is None or answer == asked.answer:
        return False
    return answer >= asked.at or asked.at > now


def _count(ops: Iterable[Op]) -> tuple[int, int]:
    """Files that leave the disk, and Drive."""
    here = there = 0
    for op in ops:
        match op:
            case TrashThere():
                there += op.files
            case TrashHere(chosen=False):
                here += op.files
            case _:
                pass
    return here, there


def _is_much(gone: int, all_: int) -> bool:
    return gone > FEW_FILES and gone * 2 > all_
