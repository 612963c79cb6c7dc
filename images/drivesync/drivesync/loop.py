"""One cycle of the engine after the other, each when it is time."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from drivesync import flush, memory, pauses
from drivesync.bell import Bell
from drivesync.desk import Desk, Orders, Syncs
from drivesync.engine import Outcome
from drivesync.faults import Fault
from drivesync.hub import Ended, NoFolders
from drivesync.open_documents import OpenDocuments
from drivesync.pauses import PASSING, Paused
from drivesync.report import Report
from drivesync.settings import Settings
from drivesync.stopping import Stopping
from drivesync.tokens import Tokens
from drivesync.waits import Moment, heeded, next_wait

log = logging.getLogger("drivesync.loop")

DEFAULT_FLUSH_S = 60.0


@dataclass(frozen=True)
class Parts:
    """What the loop is put together of."""

    make: Callable[[Settings], Syncs]
    """The engine for these settings; may raise faults."""
    tokens: Tokens
    documents: OpenDocuments
    bell: Bell
    stopping: Stopping


class Loop:
    def __init__(self, desk: Desk, parts: Parts) -> None:
        self._desk = desk
        self._parts = parts
        self._made_for = ("", "")
        self._failures = 0
        self._busy_at = time.monotonic()
        self._seen: object = None
        self._wish: str | None = None
        self._wish_at = 0.0
        self._wish_cycles = 0

    def run(self) -> None:
        """Until asked to stop; then a last flush until its deadline. Raises Ended."""
        while not self._parts.stopping.asked:
            self._attempt(last=False)
            self._answer()
            self._wait(next_wait(self._moment()))
        self._finish()

    def _attempt(self, last: bool) -> None:
        """One cycle; what stands in its way becomes a pause."""
        self._hear_wish()
        self._desk.cycling_since = time.monotonic()
        try:
            outcome = self._cycle(last)
        except Ended:
            raise
        except Fault as fault:
            paused, again = pauses.of_fault(fault), True
        else:
            paused, again = pauses.of_outcome(outcome, self._parts.tokens.fault), outcome.again
            if outcome.done:
                self._busy_at = time.monotonic()
            if outcome.done or not self._desk.looked:  # what was read at the start is garbage now
                memory.trim()
            self._desk.looked = True
        finally:
            self._desk.cycling_since = None
        if self._desk.ended or isinstance(self._parts.tokens.fault, Ended):
            raise Ended("The hub does not know this sidecar any more.")
        self._failures = self._failures + 1 if paused or again else 0
        self._note(paused)

    def _cycle(self, last: bool) -> Outcome:
        desk, parts = self._desk, self._parts
        if desk.settings is None or desk.refused is not None:
            self._drop_engine()  # its access token may be one that was withdrawn
            self._ask(last)
        settings = desk.settings
        assert settings is not None, "every access token comes with settings"
        if settings.nothing_chosen:
            raise NoFolders
        return self._engine(settings).cycle(
            Orders(
                settings=settings,
                open_paths=parts.documents.paths,
                stopping=self._over if last else lambda: parts.stopping.asked,
                last=last,
            )
        )

    def _ask(self, last: bool) -> None:
        """For access. At the end the engine is asked all the same: what is on disk it sees."""
        try:
            self._parts.tokens.get()
            self._desk.refused = None
        except Ended:
            raise
        except Fault:
            if not last or self._desk.settings is None:
                raise

    def _engine(self, settings: Settings) -> Syncs:
        """A new one for another Drive: it takes up from the recorded state, as after a crash."""
        engine = self._desk.engine
        which = (settings.api_url, settings.account)
        if engine is None or which != self._made_for:
            self._drop_engine()
            engine = self._desk.engine = self._parts.make(settings)
            self._made_for = which
        return engine

    def _drop_engine(self) -> None:
        engine, self._desk.engine = self._desk.engine, None
        if engine is not None:
            engine.close()

    def _note(self, paused: Paused | None) -> None:
        if paused != self._desk.paused:
            log.info("%s", f"Paused: {paused.pause.value}" if paused else "Goes on")
        self._desk.paused = paused
        report = self._desk.report()
        seen = (report.files, report.up, report.down, report.conflict_count)
        if seen != self._seen:
            self._busy_at = time.monotonic()
            log.info(
                "%s files in step, %s to go up, %s to come down, %s conflict copies, %s unsynced",
                report.files,
                report.up.files,
                report.down.files,
                report.conflict_count,
                report.unsynced_count,
            )
        self._seen = seen

    def _moment(self) -> Moment:
        settings = self._desk.settings or Settings()
        paused = self._desk.paused
        report = self._desk.report()
        answer = self._desk.answer
        return Moment(
            poll_s=settings.poll_s,
            requests_per_s=settings.requests_per_s,
            pause=paused.pause if paused else None,
            failures=self._failures,
            quiet_s=time.monotonic() - self._busy_at,
            open_documents=bool(self._parts.documents.paths()),
            watched=self._desk.watched,
            flushing=answer is not None and answer.stage is flush.Stage.WORKING,
            work_left=report.up.files + report.down.files > 0,
            spread=random.random(),  # noqa: S311  no secret
        )

    def _wait(self, seconds: float) -> None:
        heeds = heeded(self._desk.paused.pause if self._desk.paused else None)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._parts.stopping.asked:
            if self._parts.bell.wait(left) & heeds:
                self._busy_at = time.monotonic()
                return

    def _hear_wish(self) -> None:
        if self._desk.wish != self._wish:
            self._wish, self._wish_at, self._wish_cycles = self._desk.wish, time.monotonic(), 0

    def _answer(self) -> None:
        answer = self._desk.answer
        if answer is None or answer.id != self._wish or answer.stage is not flush.Stage.WORKING:
            return
        self._wish_cycles += 1
        progress = flush.Progress(
            cycles=self._wish_cycles,
            seconds=time.monotonic() - self._wish_at,
            paused=self._desk.paused,
            report=self._desk.report(),
        )
        self._desk.answer = flush.decide(self._wish, progress)

    def _left_s(self) -> float:
        settings = self._desk.settings
        return self._parts.stopping.left_s(settings.flush_s if settings else DEFAULT_FLUSH_S)

    def _over(self) -> bool:
        return self._left_s() <= 0

    def _finish(self) -> None:
        """Everything that can be in Drive goes there, as far as the time allows."""
        self._failures = 0
        while not self._over():
            self._attempt(last=True)
            if finished(self._desk.paused, self._desk.report(), self._failures):
                return
            time.sleep(max(0.0, min(next_wait(self._moment()), 2.0, self._left_s())))


def finished(paused: Paused | None, report: Report, failures: int) -> bool:
    """Whether another cycle would change nothing."""
    if paused is not None:
        return paused.pause not in PASSING
    return failures == 0 and report.up.files == 0
