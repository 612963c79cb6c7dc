"""How many refusals of somebody go on record: a record that anybody can flood tells nothing."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta

MOST = 10
WITHIN = timedelta(minutes=1)
MOST_PEOPLE = 10_000
"""Remembered; the oldest are forgotten first."""


class Refusals:
    """Of this process."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, deque[datetime]] = OrderedDict()

    def counts(self, name: str, now: datetime) -> bool:
        """Whether this one goes on record: ``MOST`` of a person do within a minute."""
        seen = self._seen.pop(name, deque[datetime](maxlen=MOST))
        self._seen[name] = seen
        while len(self._seen) > MOST_PEOPLE:
            self._seen.popitem(last=False)
        if len(seen) == MOST and now - seen[0] < WITHIN:
            return False
        seen.append(now)
        return True
