"""The simulation's chance, clock and faults: what happens at each boundary of a call."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from drivesync.faults import Busy, Lost

T = TypeVar("T")
BEGIN = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


class Crash(BaseException):
    """The process is gone, with all that it had in memory."""


@dataclass
class Chances:
    """Of each call; all zero: nothing goes wrong."""

    crash: float = 0
    lost: float = 0
    busy: float = 0
    meddle: float = 0
    stale: float = 0
    """Of each entry of a list, to be missing or old."""
    full: float = 0
    """Of each write, to find no room: on either side."""
    refused: float = 0
    """Of each download, that Drive does not send it."""


@dataclass
class World:
    random: random.Random
    chances: Chances = field(default_factory=Chances)
    ns: int = int(BEGIN.timestamp() * 1e9)
    requests: int = 0
    crashes: int = 0
    meddle: Callable[[], None] = lambda: None
    at: dict[str, list[Callable[[], None]]] = field(default_factory=dict)
    """What a test wants to happen at the named boundary: once each, in order."""
    calls: list[str] = field(default_factory=list)
    written: set[bytes] = field(default_factory=set)
    """What must be found somewhere."""
    _meddling: bool = False

    def tick(self) -> int:
        self.ns += 1_000_003
        return self.ns

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ns / 1e9, UTC)

    def jump(self, by: timedelta) -> None:
        self.ns += int(by.total_seconds() * 1e9)

    def boundary(self, name: str) -> None:
        """Before a call, or after it (``name`` says which)."""
        if self._meddling:
            return
        self.calls.append(name)
        if self.at.get(name):
            self.at[name].pop(0)()
        chances, rolled = self.chances, self.random.random
        if chances.meddle and rolled() < chances.meddle:
            self._meddling = True
            try:
                self.meddle()
            finally:
                self._meddling = False
        if chances.crash and rolled() < chances.crash:
            self.crashes += 1
            raise Crash(name)

    def request(self, name: str, does: Callable[[], T]) -> T:
        """One request to Drive: its answer may be lost, before it was done or after."""
        self.requests += 1
        self.boundary(f"before {name}")
        chances, rolled = self.chances, self.random.random
        if chances.busy and rolled() < chances.busy:
            raise Busy
        if chances.lost and rolled() < chances.lost:
            raise Lost
        result = does()
        self.boundary(f"after {name}")
        if chances.lost and rolled() < chances.lost:
            raise Lost
        return result


class InAnyOrder:
    """The executor of the simulation: one at a time, in an order of chance."""

    def __init__(self, random_: random.Random) -> None:
        self._random = random_

    def run(self, jobs: Sequence[Callable[[], T]]) -> Iterator[tuple[int, T]]:
        order = list(range(len(jobs)))
        self._random.shuffle(order)
        for number in order:
            yield number, jobs[number]()
