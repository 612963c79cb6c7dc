"""How many writes a second somebody may do: a bucket of tokens each."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Bucket:
    """Thread-safe."""

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self._clock_ms = clock_ms
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, int]] = {}

    def take(self, who: str, per_s: float, burst: int) -> bool:
        """False: too many; nothing was taken then."""
        with self._lock:
            now = self._clock_ms()
            left, at = self._left.get(who, (float(burst), now))
            left = min(float(burst), left + (now - at) / 1000 * per_s)
            enough = left >= 1
            self._left[who] = (left - 1 if enough else left, now)
            return enough
