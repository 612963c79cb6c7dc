"""What every measurement of Drive's sync stands on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.bench.drive_emulated import Emulated
from tests.bench.figures import Say

PATIENCE_S = 900.0


@dataclass(frozen=True)
class Sizes:
    """What is measured with."""

    files: int
    many: int
    edits: int
    big_mb: int


@dataclass(frozen=True)
class Place:
    """What every measurement stands on."""

    say: Say
    sizes: Sizes
    python: Path
    emulated: Emulated
    folder: Path

    def make(self, name: str) -> Path:
        found = self.folder / name
        found.mkdir(parents=True)
        return found


def require(true: bool, otherwise: str) -> None:
    """A measurement of something that went wrong is none."""
    if not true:
        raise SystemExit(otherwise)
