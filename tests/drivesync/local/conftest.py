"""A real disk's side on a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from drivesync.local import Disk, Limits
from drivesync.model import LocalFile
from drivesync.model import Path as Way

NOW = datetime(2026, 11, 24, 19, 5, tzinfo=UTC)
LIMITS = Limits(spare_bytes=0)


@dataclass
class Place:
    """``/drive`` and ``/state`` of one user, and the sidecar's view of them."""

    base: Path
    limits: Limits = LIMITS
    now: datetime = NOW

    def __post_init__(self) -> None:
        for folder in (self.drive, self.state):
            folder.mkdir(exist_ok=True)
        self.disk = self.again()
        self.disk.require_mounted()

    @property
    def drive(self) -> Path:
        return self.base / "drive"

    @property
    def state(self) -> Path:
        return self.base / "state"

    @property
    def top(self) -> Path:
        return self.drive / "MyDrive"

    @property
    def trash(self) -> Path:
        return self.drive / ".carrel" / "trash"

    def again(self) -> Disk:
        """The sidecar after a restart."""
        self.disk = Disk(self.drive, self.state, self.limits, lambda: self.now)
        return self.disk

    def limit(self, **changes: object) -> None:
        self.limits = replace(self.limits, **changes)  # type: ignore[arg-type]
        self.again().require_mounted()

    def bring(self, data: bytes, *path: str, over: LocalFile | None = None) -> LocalFile:
        """A download, from beginning to end."""
        incoming = self.disk.incoming(len(data))
        try:
            incoming.write(data)
            return self.disk.place(incoming, path, over, 1_700_000_000_123)
        finally:
            incoming.discard()

    def seen(self, *path: str) -> LocalFile:
        found = self.disk.look(path)
        assert found is not None
        return found

    def paths(self) -> set[Way]:
        return {file.path for file in self.disk.scan().files}

    def contents(self) -> dict[str, bytes]:
        """Of every regular file there is, MyDrive's and the trash's."""
        return {
            str(path.relative_to(self.drive)): path.read_bytes()
            for path in self.drive.rglob("*")
            if path.is_file() and not path.is_symlink()
        }


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    yield Place(tmp_path)
