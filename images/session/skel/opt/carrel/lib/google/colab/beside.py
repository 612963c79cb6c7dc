"""Google's other libraries, beside this one: also those that were installed after it was imported.

Python looks for the folders ``google`` of a path once, so that what `%pip` brings in a later cell
would not be found before the kernel was started anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path


class Everywhere:
    """All folders ``google`` that there are on ``sys.path``, each time that somebody looks."""

    def __iter__(self) -> Iterator[str]:
        places = dict.fromkeys(str(Path(place or ".").absolute() / "google") for place in sys.path)
        return (place for place in places if Path(place).is_dir())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, index: int) -> str:
        return list(self)[index]

    def append(self, place: str) -> None:
        """Of old libraries that share the name by hand; what is on ``sys.path`` is there anyway."""


def find_always() -> None:
    """Makes ``google`` look anew at each import; harmless the second time."""
    google = sys.modules.get("google")
    # With a file of its own the name is somebody's alone.
    if google is not None and getattr(google, "__file__", None) is None:
        google.__path__ = Everywhere()  # type: ignore[assignment]
