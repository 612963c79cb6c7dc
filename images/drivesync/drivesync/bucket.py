"""How often Drive may be asked: token buckets that slow down when Drive says so, and recover.

``Level`` and its functions are pure; ``Bucket`` shares one among threads, first come first served.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

RECOVERY_S = 60.0
"""From nothing to the ceiling."""
SLOWEST = 1 / 32
"""Of the ceiling: it is never slowed below this."""
ONE_STORM_S = 1.0
"""Refusals within it answer requests of the same moment, and count once."""


@dataclass(frozen=True)
class Level:
    """A bucket at one moment; times in seconds of a monotonic clock."""

    ceiling: float
    """Tokens a second when Drive is content."""
    burst: float
    next_at: float = 0.0
    """When the next token is there, if all that was promised is taken."""
    slowed_rate: float = 0.0
    slowed_at: float | None = None


def rate(level: Level, now: float) -> float:
    """Tokens a second at this moment."""
    if level.slowed_at is None:
        return level.ceiling
    recovered = level.ceiling * max(0.0, now - level.slowed_at) / RECOVERY_S
    return min(level.ceiling, level.slowed_rate + recovered)


def take(level: Level, now: float) -> tuple[Level, float]:
    """Promises one token; how many seconds from now it is there."""
    each = 1 / rate(level, now)
    at = max(level.next_at, now - (level.burst - 1) * each)
    return replace(level, next_at=at + each), max(0.0, at - now)


def slow(level: Level, now: float, after_s: float = 0.0) -> Level:
    """Drive refused: half the rate, and nothing at all for ``after_s`` (its Retry-After)."""
    next_at = max(level.next_at, now + after_s)
    if level.slowed_at is not None and now - level.slowed_at < ONE_STORM_S:
        return replace(level, next_at=next_at)
    half = max(rate(level, now) / 2, level.ceiling * SLOWEST)
    # What was saved up is gone: a burst right after a refusal would earn the next one.
    return replace(level, next_at=max(next_at, now), slowed_rate=half, slowed_at=now)


def allow(level: Level, ceiling: float) -> Level:
    """Another ceiling; a slowed one stays as slow, in proportion."""
    ceiling = max(ceiling, 0.01)
    part = ceiling / level.ceiling
    burst = max(1.0, level.burst * part)
    return replace(level, ceiling=ceiling, burst=burst, slowed_rate=level.slowed_rate * part)


class Bucket:
    """One level, for all threads."""

    def __init__(
        self, per_s: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._level = Level(max(per_s, 0.01), max(burst, 1.0))
        self._clock = clock
        self._lock = threading.Lock()

    def take(self) -> float:
        """Promises a token; how many seconds to wait for it."""
        with self._lock:
            self._level, wait_s = take(self._level, self._clock())
        return wait_s

    def slow(self, after_s: float = 0.0) -> None:
        with self._lock:
            self._level = slow(self._level, self._clock(), after_s)

    def allow(self, per_s: float) -> None:
        with self._lock:
            self._level = allow(self._level, per_s)

    @property
    def rate(self) -> float:
        """Tokens a second, now."""
        with self._lock:
            return rate(self._level, self._clock())


class Buckets:
    """Of all requests (this sidecar's share of the site's), and of writes (Google's own limit)."""

    def __init__(
        self,
        requests_per_s: float,
        writes_per_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.requests = Bucket(requests_per_s, 2 * requests_per_s, clock)
        # Google allows about 3 a second sustained, and more for a while.
        self.writes = Bucket(writes_per_s, 10 * writes_per_s, clock)

    def set(self, requests_per_s: float, writes_per_s: float) -> None:
        """At any time; whoever waits already waits on."""
        self.requests.allow(requests_per_s)
        self.writes.allow(writes_per_s)

    def take(self, write: bool) -> float:
        """Promises room for a request; how many seconds to wait for it."""
        return max(self.requests.take(), self.writes.take() if write else 0.0)

    def slow(self, write: bool, after_s: float = 0.0) -> None:
        """Drive refused a request. A refused write tells nothing about reads."""
        (self.writes if write else self.requests).slow(after_s)
