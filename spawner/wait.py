"""A place in the queue, as it is told to whoever waits there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wait:
    """The next one has place 1; ``reason`` is one or more sentences on what is waited for."""

    place: int
    reason: str

    def __str__(self) -> str:
        return f"You are number {self.place} in the queue. {self.reason}"
