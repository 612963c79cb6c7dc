"""Tells how it stands, beside the loop: to ``status.json`` each second, to the hub less often.

It also hears the session's wishes, and ends the process when the loop does not.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivesync import flush, notes, pauses, status
from drivesync.bell import Bell, Ring
from drivesync.desk import Desk
from drivesync.faults import DeadGrant
from drivesync.hub import MOST_REPORT_BYTES, Ended, Hub, HubAway, NoFolders
from drivesync.report import Pause, State
from drivesync.stopping import Stopping

log = logging.getLogger("drivesync.teller")

TICK_S = 1.0
STATUS = "status.json"
MOST_STATUS_BYTES = 1 << 20
STATUS_S = 8.0
"""Readers take one of more than 10 s ago for a sign that nothing syncs."""
REPORT_S = 5.0
IDLE_REPORT_S = 30.0
REPORT_TIMEOUT_S = 4.0
GRACE_S = 3.0
"""So long after its deadline the loop may still take to end by itself."""
STUCK_S = 1800.0
"""A cycle that does nothing for so long never will: ended, it begins anew."""


@dataclass(frozen=True)
class Told:
    """When what was told; on the monotonic clock."""

    at: float = float("-inf")
    what: dict[str, Any] | None = None


def report_due(told: Told, what: dict[str, Any], now: float) -> bool:
    """Every 5 s while things change or somebody must do something, else every 30 s."""
    if now - told.at < REPORT_S:
        return False
    waits = what["state"] == State.PAUSED.value and what["pause"] != Pause.OFFLINE.value
    return what != told.what or waits or now - told.at >= IDLE_REPORT_S


@dataclass(frozen=True)
class Ears:
    """What the teller listens to and speaks through."""

    root: Path
    """The drive's folder, which holds ``.carrel``."""
    hub: Hub
    forget_token: Callable[[], None]
    bell: Bell
    stopping: Stopping


class Teller:
    def __init__(self, desk: Desk, ears: Ears) -> None:
        self._desk = desk
        self._ears = ears
        self._lock = threading.Lock()
        self._status = Told()
        self._report = Told()
        self._moved = Told()
        self._over = False

    def start(self) -> None:
        threading.Thread(target=self._run, name="teller", daemon=True).start()

    def _run(self) -> None:
        try:
            while not self._over:
                self.tick()
                time.sleep(TICK_S)
        except BaseException:
            log.exception("The teller failed")
            os._exit(1)

    def tick(self) -> None:
        self._hear()
        what = status.as_dict(self._desk.report())
        with self._lock:
            if self._over:
                return
            self._write(what)
            if report_due(self._report, what, time.monotonic()):
                self._post(what)
        self._watch(what)

    def last_words(self) -> None:
        """The end, told once; nothing is told after it."""
        with self._lock:
            if self._over:
                return
            self._over = True
            report = self._desk.report()
            result = status.result(report, self._desk.began_at)
            what = status.as_dict(report) | {"state": State.ENDED.value, "result": result}
            self._write(what)
            self._post(what)
        log.info("Ended: %s", result)

    def _hear(self) -> None:
        wish = flush.requested(self._ears.root)
        if wish and wish != self._desk.wish:
            self._desk.answer = flush.Answer(wish, flush.Stage.WORKING)
            self._desk.wish = wish
            self._ears.bell.ring(Ring.FLUSH)

    def _write(self, what: dict[str, Any]) -> None:
        answer = self._desk.answer
        what = what | {"flush": answer.as_dict() if answer else None}
        now = time.monotonic()
        if what == self._status.what and now - self._status.at < STATUS_S:
            return
        data = status.encode(what | {"at": time.time()}, MOST_STATUS_BYTES)
        if notes.write(self._ears.root, STATUS, data):
            self._status = Told(now, what)

    def _post(self, what: dict[str, Any]) -> None:
        desk = self._desk
        self._report = Told(time.monotonic(), what)
        try:
            data = status.encode(what, MOST_REPORT_BYTES)
            desk.settle(self._ears.hub.report(data, REPORT_TIMEOUT_S))
            if desk.refused is not None:
                self._ears.bell.ring(Ring.SETTINGS)
        except HubAway:
            self._report = Told(self._report.at)  # as news, when the hub is back
        except Ended:
            desk.ended = True
            self._ears.bell.ring(Ring.STOP)
        except (DeadGrant, NoFolders) as fault:
            self._ears.forget_token()
            desk.refused = pauses.of_fault(fault)
            self._ears.bell.ring(Ring.SETTINGS)

    def _watch(self, what: dict[str, Any]) -> None:
        now = time.monotonic()
        flush_s = self._desk.settings.flush_s if self._desk.settings else 0
        if self._ears.stopping.left_s(flush_s) < -GRACE_S:
            log.warning("The deadline is over, and the last cycle is not")
            self.last_words()
            os._exit(0)
        if what != self._moved.what or self._desk.cycling_since is None:
            self._moved = Told(now, what)
        elif now - self._moved.at > STUCK_S:
            log.error("Nothing moves any more: ended, to begin anew")
            os._exit(1)
