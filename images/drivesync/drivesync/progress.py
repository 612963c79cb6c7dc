"""What is told of a cycle while it runs: any thread may ask."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from drivesync.ops import Bring, Create, Deliver, Op, Update
from drivesync.report import Amount, Conflict, Pause, Report, State, Unsynced

MOST = 100
"""Entries of a list in a report."""


class Progress:
    """The figures of the last plan, less what has passed since."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._report = Report(State.STARTING, looked=False)
        self._waiting: dict[str, tuple[bool, int]] = {}
        self._passed = {True: 0, False: 0}
        self._done = {True: Amount(), False: Amount()}

    def up(self, size: int) -> None:
        with self._lock:
            self._passed[True] += size

    def down(self, size: int) -> None:
        with self._lock:
            self._passed[False] += size

    def plan(self, ops: Iterable[Op]) -> None:
        """What is to be done now; bars go on from what was done before in this cycle."""
        with self._lock:
            self._waiting = dict(filter(None, map(_load, ops)))

    def done(self, key: str) -> None:
        with self._lock:
            if (load := self._waiting.pop(key, None)) is None:
                return
            up, size = load
            self._passed[up] = max(self._passed[up] - size, 0)
            before = self._done[up]
            self._done[up] = Amount(before.files + 1, before.size_bytes + size)

    def begin(self) -> None:
        with self._lock:
            self._passed = {True: 0, False: 0}
            self._done = {True: Amount(), False: Amount()}
            self._report = replace(self._report, state=State.SYNCING, looked=False)

    def end(self, pause: Pause | None, detail: str, files: int, success: datetime | None) -> None:
        with self._lock:
            state = State.PAUSED if pause else State.IDLE
            last = success or self._report.last_success_at
            self._report = replace(
                self._report,
                state=state,
                pause=pause,
                pause_detail=detail,
                files=files,
                last_success_at=last,
            )

    def lists(
        self,
        unsynced: Sequence[Unsynced],
        skipped: Sequence[Unsynced],
        conflicts: Sequence[Conflict],
    ) -> None:
        latest = sorted(conflicts, key=lambda one: one.at, reverse=True)
        with self._lock:
            self._report = replace(
                self._report,
                unsynced=tuple(unsynced[:MOST]),
                unsynced_count=len(unsynced),
                skipped=tuple(skipped[:MOST]),
                skipped_count=len(skipped),
                conflicts=tuple(latest[:MOST]),
                conflict_count=len(latest),
                looked=True,
            )

    def report(self) -> Report:
        with self._lock:
            up, down = self._left(True), self._left(False)
            return replace(
                self._report,
                up=up,
                down=down,
                up_total=self._total(True),
                down_total=self._total(False),
            )

    def _left(self, up: bool) -> Amount:
        sizes = [size for way, size in self._waiting.values() if way is up]
        return Amount(len(sizes), max(sum(sizes) - self._passed[up], 0))

    def _total(self, up: bool) -> Amount:
        done = self._done[up]
        sizes = [size for way, size in self._waiting.values() if way is up]
        return Amount(done.files + len(sizes), done.size_bytes + sum(sizes))


def _load(op: Op) -> tuple[str, tuple[bool, int]] | None:
    match op:
        case Create():
            return "/" + "/".join(op.local.path), (True, op.local.stamp.size)
        case Update():
            return op.remote.id, (True, op.local.stamp.size)
        case Bring() | Deliver():
            return op.remote.id, (False, op.remote.size)
        case _:
            return None
