"""An engine that does as a test says; as a program, a sidecar around it.

As a program (``python fake_engine.py``) it takes its orders from ``orders.json`` in the state's
folder, read anew at each cycle, and writes down each cycle in ``cycles``.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from drivesync import faults, logs, process
from drivesync.desk import Desk, Orders
from drivesync.engine import Outcome
from drivesync.process import Place
from drivesync.report import Amount, Conflict, Pause, Report, State, Unsynced
from drivesync.settings import Settings
from drivesync.tokens import Tokens


class FakeEngine:
    """``behave`` is called in each cycle."""

    def __init__(self) -> None:
        self.known = Report(State.IDLE)
        self.cycles: list[Orders] = []
        self.behave: Callable[[Orders], None] = lambda _: None
        self.closed = 0
        self.again = False

    def cycle(self, orders: Orders) -> Outcome:
        self.cycles.append(orders)
        self.behave(orders)
        known = self.known
        return Outcome(
            clean=known.pause is None and known.up.files == 0 and known.unsynced_count == 0,
            again=self.again,
            pause=known.pause,
            detail=known.pause_detail,
        )

    def report(self) -> Report:
        return self.known

    def close(self) -> None:
        self.closed += 1

    def knows(self, **facts: object) -> None:
        self.known = replace(self.known, **facts)  # type: ignore[arg-type]


class Ordered(FakeEngine):
    """Follows ``orders.json``: files, up, unsynced, conflicts_at, pause, fault, takes_s, deaf,
    crash."""

    def __init__(self, state: Path, tokens: Tokens) -> None:
        super().__init__()
        self._state = state
        self._tokens = tokens
        self.behave = self._obey

    def _obey(self, given: Orders) -> None:
        self._tokens.get()
        file = self._state / "orders.json"
        told = json.loads(file.read_text()) if file.exists() else {}
        self.knows(
            files=told.get("files", 0),
            up=Amount(told.get("up", 0), 10 * told.get("up", 0)),
            unsynced=tuple(Unsynced(path, "why") for path in told.get("unsynced", ())),
            unsynced_count=len(told.get("unsynced", ())),
            conflicts=tuple(
                Conflict("a", f"a ({at})", datetime.fromtimestamp(at, UTC))
                for at in told.get("conflicts_at", ())
            ),
            pause=Pause(told["pause"]) if "pause" in told else None,
        )
        with (self._state / "cycles").open("a") as cycles:
            cycles.write(f"{'last' if given.last else 'cycle'} {os.getpid()}\n")
        end = time.monotonic() + told.get("takes_s", 0)
        while time.monotonic() < end and (told.get("deaf") or not given.stopping()):
            time.sleep(0.02)
        if "crash" in told:
            raise RuntimeError("a defect; token ya29.should-not-be-told")
        if "fault" in told:
            raise getattr(faults, told["fault"])("MyDrive/secret name.txt")
        if given.last and told.get("flushes"):
            self.knows(up=Amount(), files=self.known.files + told["flushes"])


def make(place: Place, _settings: Settings, tokens: Tokens) -> Ordered:
    return Ordered(place.state, tokens)


def watch(_place: Place, _desk: Desk) -> None:
    threading.Event().wait()


if __name__ == "__main__":
    logs.begin()
    process.main(os.environ, make, watch)
