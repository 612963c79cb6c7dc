"""Says what goes on: a line at a time, with the seconds since the start."""

from __future__ import annotations

import threading
import time

from rich.console import Console

console = Console(stderr=True, highlight=False)
"""What goes on."""
results = Console(highlight=False)
"""What was asked for."""


class Progress:
    """Prints lines with elapsed time; on a terminal, steps overwrite one another in one line."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._lock = threading.Lock()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        """One line of progress."""
        with self._lock:
            console.print(f"[dim]{self.elapsed_s:4.0f} s[/dim]  {_plain(text)}", soft_wrap=True)


def heading(text: str) -> None:
    """A line that stands out."""
    console.print(f"\n[bold]{_plain(text)}[/bold]")


def fact(name: str, value: str) -> None:
    """One thing that was found."""
    console.print(f"  [dim]{name:<9}[/dim] {_plain(value)}", soft_wrap=True)


def warning(message: str, remedy: str = "") -> None:
    """Something that works but should not stay so."""
    console.print(f"[yellow]Warning:[/yellow] {_plain(message)} {_plain(remedy)}", soft_wrap=True)


def _plain(text: str) -> str:
    # Text from outside may hold brackets; rich would take them for markup.
    return text.replace("[", r"\[")
