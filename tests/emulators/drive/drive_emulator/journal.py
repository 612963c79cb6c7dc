"""What was asked of the emulator, and what it answered; counted for benches."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

_KEPT = 200_000


@dataclass(frozen=True)
class Entry:
    """One request. ``status`` 0: it got no answer."""

    at_ms: int
    method: str
    path: str
    operation: str
    status: int
    took_ms: float
    sent_bytes: int
    """By the client."""
    faults: tuple[str, ...] = ()


class Journal:
    """Of one emulator."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._failures: list[str] = []

    def add(self, entry: Entry) -> None:
        with self._lock:
            self._entries.append(entry)

    def fail(self, what: str) -> None:
        """An answer of ours was not what Google's description says: a defect of the emulator."""
        with self._lock:
            self._failures.append(what)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()

    def entries(self) -> list[Entry]:
        with self._lock:
            return list(self._entries)

    def failures(self) -> list[str]:
        with self._lock:
            return list(self._failures)

    def summary(self) -> dict[str, Any]:
        """Counts; ``requests_per_created`` is None where no file was made."""
        entries = self.entries()
        operations = Counter(entry.operation or entry.path for entry in entries)
        statuses = Counter(str(entry.status) for entry in entries)
        # The last request of a resumable upload is what makes a file; of an update's, the path
        # ends with the file's id.
        made = sum(
            entry.status == 200
            and (
                entry.operation in ("files.insert", "files.create")
                or (entry.operation == "uploads.put" and entry.path.endswith("/files"))
            )
            for entry in entries
        )
        api = [entry for entry in entries if entry.operation]
        return {
            "requests": len(api),
            "operations": dict(operations),
            "statuses": dict(statuses),
            "created": made,
            "requests_per_created": round(len(api) / made, 4) if made else None,
            "failures": self.failures(),
        }

    def told(self) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self.entries()]
