"""What the engine tells of containers as it happens, in our words (pure)."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import Enum

from spawner.confinement import LABEL_SESSION
from spawner.ending import SIGKILLED, Cause


class What(Enum):
    """The kinds of events that matter; each value is the engine's own word."""

    DIED = "die"
    OUT_OF_MEMORY = "oom"
    REMOVED = "destroy"


@dataclass(frozen=True)
class Happened:
    """An event of a session's container."""

    session: str
    what: What
    exit_code: int | None
    at: str
    """The engine's time of it, as it takes it back to tell what came since."""

    @property
    def ends(self) -> bool:
        # Out of memory, the kernel may have killed just one process of the session.
        return self.what is not What.OUT_OF_MEMORY


@dataclass(frozen=True)
class Seen:
    """What was seen of a container's end: all that is left of it once somebody removed it."""

    out_of_memory: bool = False
    exit_code: int | None = None

    def after(self, event: Happened) -> Seen:
        if event.what is What.OUT_OF_MEMORY:
            return replace(self, out_of_memory=True)
        return replace(self, exit_code=event.exit_code) if event.what is What.DIED else self


def completed(cause: Cause, detail: str, seen: Seen) -> tuple[Cause, str]:
    """Why a session ended, where its container's own state is lost but its end was seen."""
    if cause is not Cause.GONE or seen.exit_code is None:
        return cause, detail
    killed = seen.out_of_memory and seen.exit_code == SIGKILLED
    return Cause.OUT_OF_MEMORY if killed else Cause.EXITED, f"exit code {seen.exit_code}"


def read(line: bytes) -> Happened | None:
    """One line of the engine's stream; None for what does not concern us."""
    try:
        told = json.loads(line)
        attributes = told["Actor"]["Attributes"]
        what = What(told["Action"])
        session, nanoseconds = str(attributes[LABEL_SESSION]), int(told["timeNano"])
        code = attributes.get("exitCode")
        exit_code = None if code is None else int(code)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    at = f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09}"
    return Happened(session, what, exit_code, at)
