"""The session's wish that everything be in Drive now: how it comes, and what is answered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from drivesync import notes
from drivesync.pauses import PASSING, Paused
from drivesync.report import Report, Unsynced

NAME = "flush"
MOST_BYTES = 4096
MOST_S = 60.0
"""As long a passing trouble, or work that does not end, is waited for."""
ENOUGH_CYCLES = 3
"""After so many looks, what is still not synced will not be by looking again."""
_ID = re.compile(r"[\w.-]{1,100}", re.ASCII)


class Stage(Enum):
    """What has become of it."""

    WORKING = "working"
    CLEAN = "clean"
    NOT_CLEAN = "not clean"


@dataclass(frozen=True)
class Answer:
    """``id`` is the session's own."""

    id: str
    stage: Stage
    unsynced: tuple[Unsynced, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "state": self.stage.value,
            "unsynced": [{"path": one.path, "why": one.why} for one in self.unsynced],
        }


def requested(root: Path) -> str | None:
    """Id of the wish that lies there."""
    told = notes.read_json(root, NAME, MOST_BYTES)
    id_ = told.get("id") if told else None
    return id_ if isinstance(id_, str) and _ID.fullmatch(id_) else None


@dataclass(frozen=True)
class Progress:
    """Since the wish was heard."""

    cycles: int
    """Whole ones that began afterwards: only those have seen what the session had written."""
    seconds: float
    paused: Paused | None
    report: Report


def decide(id_: str, now: Progress) -> Answer:
    """Clean, not clean with what and why, or still to be seen."""
    if now.cycles and now.paused is None and _clean(now.report):
        return Answer(id_, Stage.CLEAN)
    if not _given_up(now):
        return Answer(id_, Stage.WORKING)
    unsynced = now.report.unsynced
    if now.paused is not None:
        unsynced = (Unsynced("", now.paused.detail), *unsynced)
    elif not unsynced:
        unsynced = (Unsynced("", f"{now.report.up.files} files are still on their way."),)
    return Answer(id_, Stage.NOT_CLEAN, unsynced)


def _clean(report: Report) -> bool:
    return report.up.files == 0 and report.unsynced_count == 0


def _given_up(now: Progress) -> bool:
    if now.seconds >= MOST_S:
        return True
    if now.paused is not None:
        return now.paused.pause not in PASSING and now.cycles > 0
    return now.cycles >= ENOUGH_CYCLES and now.report.up.files == 0
