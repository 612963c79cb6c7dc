"""The sidecar as a process: puts the parts together and sees them through to the end.

It may be killed at any moment: whatever it does is found again from the state and the two sides.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

from drivesync import lock
from drivesync.bell import Bell
from drivesync.desk import Desk, Syncs
from drivesync.hub import Ended, Hub
from drivesync.loop import Loop, Parts
from drivesync.open_documents import OpenDocuments
from drivesync.settings import Settings
from drivesync.stopping import Stopping
from drivesync.teller import Ears, Teller
from drivesync.tokens import Tokens

log = logging.getLogger("drivesync")


class Exit(IntEnum):
    """Exit codes."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    HELD = 3
    """Another sidecar has this user's state."""
    UNKNOWN = 4
    """The hub does not know this one (any more)."""


@dataclass(frozen=True)
class Place:
    """Where it runs; read from the environment once."""

    hub_url: str
    drive: Path = Path("/drive")
    state: Path = Path("/state")
    lock_wait_s: float = lock.WAIT_S


def read_place(environment: Mapping[str, str]) -> Place:
    """The folders are the image's; tests say others."""
    return Place(
        hub_url=environment.get("CARREL_HUB_URL", ""),
        drive=Path(environment.get("CARREL_DRIVE", "/drive")),
        state=Path(environment.get("CARREL_DRIVE_STATE", "/state")),
        lock_wait_s=float(environment.get("CARREL_LOCK_WAIT_S", lock.WAIT_S)),
    )


Make = Callable[[Place, Settings, Tokens], Syncs]
Watch = Callable[[Place, Desk], None]


def run(place: Place, make: Make, watch: Watch) -> Exit:
    """``make`` makes the engine; ``watch`` rings when something changes on disk, in a thread of
    its own, for as long as the process lives."""
    bell = Bell()
    stopping = Stopping(bell)
    stopping.install()
    held = lock.take(place.state, lambda: stopping.asked, place.lock_wait_s)
    if held is None:
        if stopping.asked:
            return Exit.DONE
        log.error("Another sidecar of this user did not end in time; this one ends.")
        return Exit.HELD
    bearer = place.state / "bearer"
    desk = Desk(bell, _began_at(bearer))
    hub = Hub(place.hub_url, bearer)
    tokens = Tokens(hub.access, desk.settle)
    teller = Teller(desk, Ears(place.drive, hub, tokens.forget, bell, stopping))
    parts = Parts(
        make=lambda settings: make(place, settings, tokens),
        tokens=tokens,
        documents=OpenDocuments(place.drive, time.time),
        bell=bell,
        stopping=stopping,
    )
    threading.Thread(target=watch, args=(place, desk), name="watch", daemon=True).start()
    teller.start()
    try:
        Loop(desk, parts).run()
    except Ended as ended:
        log.error("%s", ended)
        return Exit.UNKNOWN
    teller.last_words()
    return Exit.DONE


def _began_at(bearer: Path) -> datetime:
    """It is written when the session's sidecar is made, and stays when that is started again."""
    try:
        return datetime.fromtimestamp(bearer.stat().st_mtime, UTC)
    except OSError:
        return datetime.now(UTC)


def _run(environment: Mapping[str, str], make: Make, watch: Watch) -> Exit:
    try:
        place = read_place(environment)
        Hub(place.hub_url, place.state)
    except ValueError as error:
        log.error("%s", error)
        return Exit.USAGE
    return run(place, make, watch)


def main(environment: Mapping[str, str], make: Make, watch: Watch) -> None:
    """Never returns: threads that still hang at something do not hold up the end."""
    try:
        code = _run(environment, make, watch)
    except BaseException:
        log.exception("Failed; nothing is lost: it begins anew where it was")
        code = Exit.FAILED
    logging.shutdown()
    os._exit(code)
