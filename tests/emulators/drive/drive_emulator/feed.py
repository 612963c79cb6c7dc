"""The list of changes: per person, and of each file only its newest entry."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator


class Feed:
    """Numbers grow over all people; not thread-safe by itself."""

    def __init__(self) -> None:
        self.end = 1
        """The number that the next change will have."""
        self._numbers: dict[str, list[int]] = {}
        self._entries: dict[str, list[tuple[int, str, int]]] = {}
        self._newest: dict[tuple[str, str], int] = {}

    def add(self, id_: str, people: Iterable[str], at_ms: int) -> None:
        """A file changed for these people."""
        for email in people:
            self._numbers.setdefault(email, []).append(self.end)
            self._entries.setdefault(email, []).append((self.end, id_, at_ms))
            self._newest[email, id_] = self.end
        self.end += 1

    def of(self, email: str, start: int) -> Iterator[tuple[int, str, int]]:
        """(number, file id, time) from ``start`` on; what changed again later stands there."""
        entries = self._entries.get(email, [])
        for entry in entries[bisect_left(self._numbers.get(email, []), start) :]:
            if self._newest[email, entry[1]] == entry[0]:
                yield entry
