"""The real parts put together: Drive, the disk, the state and the engine on them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from drivesync.bucket import Buckets
from drivesync.desk import Desk, Orders
from drivesync.engine import Engine, Outcome
from drivesync.faults import Lost
from drivesync.hints import Hints
from drivesync.local import Disk, Limits
from drivesync.options import AskOpen, OpenDocuments, Options
from drivesync.process import Place
from drivesync.remote import make_remote
from drivesync.report import Report
from drivesync.settings import Settings
from drivesync.state import State
from drivesync.tidying import Tidying
from drivesync.tokens import Tokens

ASK_S = 0.2
"""How often a running cycle is asked whether it should come to its end."""
LOOK_S = 60.0
OPEN_S = 0.5
"""How old it may be which documents are open, when a file is about to be changed."""


class Access:
    """For Drive's side, which asks for a token when its own has ended or was refused: so it is
    never given the same one again. Nor is it given another account's: what it is about to do was
    planned for this one."""

    def __init__(self, tokens: Tokens, account: str) -> None:
        self._tokens, self._account = tokens, account
        self._given = ""

    def __call__(self) -> tuple[str, datetime]:
        for _ in range(2):  # the first may be the one of before
            token = self._tokens.get(refused=self._given)
            self._given = token.value
            if token.account == self._account:
                return token.value, datetime.fromtimestamp(token.expires_at, UTC)
        raise Lost("Another account was connected.")


class Lately:
    """What was asked a moment ago is not asked again: many files are changed at once."""

    def __init__(self, ask: AskOpen, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._clock = ask, clock
        self._told: tuple[float, OpenDocuments] | None = None

    def __call__(self) -> OpenDocuments:
        now, told = self._clock(), self._told
        if told is None or now - told[0] >= OPEN_S:
            told = self._told = now, self._ask()
        return told[1]


class Sync:
    """Implements ``desk.Syncs``."""

    def __init__(self, place: Place, settings: Settings, tokens: Tokens) -> None:
        self._settings = settings
        self._state = State.open(place.state / "sync.sqlite")
        self._disk = Disk(place.drive, place.state, Limits(settings.cap_bytes, settings.trash_days))
        self._tidying = Tidying(self._disk.purge_trash)
        self._buckets = Buckets(settings.requests_per_s, settings.writes_per_s)
        self._remote = make_remote(
            settings.api_url, Access(tokens, settings.account), self._state.uploads, self._buckets
        )
        self._engine = self._new_engine()
        self._stopped = self._counted = False
        files = sum(not one.folder for one in self._state.synced.values())
        self._known = replace(self._engine.report(), files=files)

    def cycle(self, orders: Orders) -> Outcome:
        self._change(orders)
        if self._stopped:  # for good: another one goes on where it was
            self._known = self.report()
            self._engine = self._new_engine(orders.last)
            self._stopped = self._counted = False
        with self._hastened(orders):
            outcome = self._engine.cycle(datetime.now(UTC), Lately(orders.open_paths))
        self._counted = True
        if not orders.last:
            self._state.uploads.forget_old()
            self._tidying.begin_if_due()
        return outcome

    def report(self) -> Report:
        """Until an engine's first cycle is over, it knows only what is on its way."""
        now, before = self._engine.report(), self._known
        last = now.last_success_at or before.last_success_at
        if self._counted:
            return replace(now, last_success_at=last)
        return replace(
            now,
            files=before.files,
            last_success_at=last,
            conflicts=now.conflicts or before.conflicts,
            conflict_count=now.conflict_count or before.conflict_count,
        )

    def close(self) -> None:
        self._engine.stop()
        self._remote.stop()
        self._state.close()

    def _new_engine(self, only_up: bool = False) -> Engine:
        chosen = options(self._settings, only_up)
        return Engine(self._remote, self._disk, self._state, chosen)

    def _change(self, orders: Orders) -> None:
        settings = orders.settings
        self._engine.choose(options(settings, orders.last))
        if settings == self._settings:
            return
        self._disk.set_limits(settings.cap_bytes, settings.trash_days)
        self._buckets.set(settings.requests_per_s, settings.writes_per_s)
        self._settings = settings

    @contextmanager
    def _hastened(self, orders: Orders) -> Iterator[None]:
        """Stops the engine when the process is asked to end."""
        over = threading.Event()

        def ask() -> None:
            while not over.wait(ASK_S):
                if orders.stopping():
                    self._stopped = True
                    self._engine.stop()
                    return

        thread = threading.Thread(target=ask, name="hasten", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def options(settings: Settings, only_up: bool) -> Options:
    return Options(
        folders=frozenset(folder.id for folder in settings.folders),
        everything=settings.everything,
        scope=settings.scope,
        export=settings.export,
        only_up=only_up,
        confirmed_deletion_at=settings.confirmed_deletion,
    )


def make(place: Place, settings: Settings, tokens: Tokens) -> Sync:
    return Sync(place, settings, tokens)


def watch(place: Place, desk: Desk) -> None:
    """Rings when something changes on disk, for as long as the process lives."""
    root = os.open(place.drive, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    hints = Hints(root)
    desk.watched = hints.complete
    while True:
        if hints.wait(LOOK_S):
            desk.disk_changed(hints.complete)
