"""A stand-in for Drive's sidecar: a thread that copies files to a folder and tells it honestly."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def tell(drive: Path, **fields: Any) -> None:
    """Writes a status of now; ``fields`` replace its own."""
    told = {
        "at": time.time(), "state": "idle", "pause": None, "pause_detail": "", "files": 0,
        "up": {"files": 0, "size_bytes": 0}, "down": {"files": 0, "size_bytes": 0},
        "up_total": {"files": 0, "size_bytes": 0}, "down_total": {"files": 0, "size_bytes": 0},
        "conflicts": [], "conflict_count": 0, "unsynced": [], "unsynced_count": 0,
        "skipped": [], "skipped_count": 0, "last_success_at": None, "flush": None, **fields,
    }  # fmt: skip
    (drive / ".carrel").mkdir(exist_ok=True)
    half = drive / ".carrel/status.tmp"
    half.write_text(json.dumps(told))
    half.replace(drive / ".carrel/status.json")


@dataclass
class Sidecar:
    """``there`` is what Drive has; a name in ``refused`` stays out; one file a ``step_s``."""

    drive: Path
    there: Path
    refused: dict[str, str] = field(default_factory=dict)
    step_s: float = 0.02
    brings: dict[str, str] = field(default_factory=dict)
    """What is still to come down: name → text."""
    flushes: list[str] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)
    _last: str | None = None

    def run(self) -> None:
        while not self._end.wait(self.step_s):
            self._one()
            self._tell()

    def _one(self) -> None:
        for path in self._missing():
            if path.name not in self.refused:
                shutil.copyfile(path, self.there / path.name)
                return
        for name in list(self.brings):
            (self.drive / "MyDrive" / name).write_text(self.brings.pop(name))
            return

    def _tell(self) -> None:
        left = [path for path in self._missing() if path.name not in self.refused]
        unsynced = [
            {"path": path.name, "why": self.refused[path.name]}
            for path in self._missing()
            if path.name in self.refused
        ]
        work = left or self.brings
        if not work:
            self._last = datetime.now(UTC).isoformat()
        size = sum(path.stat().st_size for path in left)
        tell(
            self.drive, state="syncing" if work else "idle",
            files=sum(1 for _ in self.there.iterdir()), last_success_at=self._last,
            up={"files": len(left), "size_bytes": size},
            down={"files": len(self.brings), "size_bytes": len(self.brings)},
            unsynced=unsynced, unsynced_count=len(unsynced), flush=self._flush(work, unsynced),
        )  # fmt: skip

    def _flush(self, work: Any, unsynced: list[dict[str, str]]) -> dict[str, Any] | None:
        try:
            asked = json.loads((self.drive / ".carrel/flush").read_text())["id"]
        except FileNotFoundError:
            return None
        if asked not in self.flushes:
            self.flushes.append(asked)
        state = "working" if work else "not clean" if unsynced else "clean"
        return {"id": asked, "state": state, "unsynced": unsynced}

    def _missing(self) -> list[Path]:
        """What is in MyDrive and not, or otherwise, in Drive."""
        return [
            path
            for path in sorted((self.drive / "MyDrive").iterdir())
            if not (self.there / path.name).exists()
            or (self.there / path.name).read_bytes() != path.read_bytes()
        ]


@contextmanager
def sidecar(drive: Path, there: Path, **more: Any) -> Iterator[Sidecar]:
    (drive / "MyDrive").mkdir(parents=True, exist_ok=True)
    (drive / ".carrel").mkdir(exist_ok=True)
    there.mkdir(exist_ok=True)
    found = Sidecar(drive, there, **more)
    thread = threading.Thread(target=found.run)
    thread.start()
    try:
        yield found
    finally:
        found._end.set()
        thread.join()
