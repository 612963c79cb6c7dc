"""Remembers what was deleted lately, and what somebody said when so much of it was asked about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from drivesync.guards import LATELY, Asked, Lately, is_confirmed, mass_deletion
from drivesync.ops import Op
from drivesync.state import State

ASKED_AT, ANSWERED = "mass deletion at", "mass deletion answered before"
GONE = "gone lately"


class Deletions:
    """Of one cycle; ``answered_at`` is when somebody last said that a mass deletion was meant, and
    ``synced`` how many files were equal on both sides as the cycle began."""

    def __init__(self, state: State, now: datetime, answered_at: datetime | None) -> None:
        self._meta = state.meta
        self._now, self._answered_at = now, answered_at
        self.synced = 0

    def refused(self, ops: Sequence[Op]) -> str:
        """Why these must wait until somebody has said that they are meant; empty: they need not."""
        detail = mass_deletion(ops, self.synced, self._lately())
        if not detail:
            return ""
        if ASKED_AT not in self._meta:
            self._meta[ASKED_AT] = self._now.isoformat()
            self._meta[ANSWERED] = self._answered_at.isoformat() if self._answered_at else ""
        return "" if self._is_confirmed() else detail

    def count(self, op: Op) -> None:
        """One that was done. What somebody said was meant is not counted."""
        lately = self._lately()
        counted = Lately() if self._is_confirmed() else lately.plus(op, self._now, self.synced)
        if counted != lately:
            self._meta[GONE] = counted.write()

    def end(self) -> None:
        """All that was asked about has gone, or has come back."""
        self._meta.drop(ASKED_AT)

    def _is_confirmed(self) -> bool:
        if ASKED_AT not in self._meta:
            return False
        before = self._meta.get(ANSWERED, "")
        asked = Asked(
            datetime.fromisoformat(self._meta[ASKED_AT]),
            datetime.fromisoformat(before) if before else None,
        )
        return is_confirmed(asked, self._answered_at, self._now)

    def _lately(self) -> Lately:
        """A pause does not end by waiting."""
        asked_at = datetime.fromisoformat(self._meta.get(ASKED_AT, self._now.isoformat()))
        return Lately.read(self._meta.get(GONE, "")).since(min(asked_at, self._now) - LATELY)
