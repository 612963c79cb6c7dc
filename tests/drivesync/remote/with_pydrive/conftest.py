"""Real pydrive2 on the emulator. Runs in the venv of tests/drivesync/venv.py."""

from __future__ import annotations

import hashlib
import io
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest

ROOT = Path(__file__).resolve().parents[4]
sys.path[:0] = [str(ROOT / "images" / "drivesync"), str(ROOT / "tests" / "emulators" / "drive")]

from drive_emulator.emulator import Emulator
from drive_emulator.faults import Fault, Rule
from drive_emulator.model import FOLDER, Access, Bytes, New
from drive_emulator.server import serving
from drivesync import google
from drivesync.bucket import Buckets
from drivesync.model import RemoteFile
from drivesync.remote import DriveRemote, make_remote

LAG_S = 0.05
"""The emulator writes a request down after it was answered."""
USER = "student@example.org"


@dataclass
class Source:
    """Bytes of a local file; ``then`` is what it is at the second opening."""

    data: bytes
    then: bytes | None = None
    opened: int = 0

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def md5(self) -> str:
        return hashlib.md5(self.data).hexdigest()

    def open(self) -> BinaryIO:
        self.opened += 1
        return io.BytesIO(self.data if self.then is None or self.opened == 1 else self.then)


@dataclass
class Incoming:
    data: bytes = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def restart(self) -> None:
        self.data = b""

    def discard(self) -> None:
        self.data = b""


@dataclass
class Uploads:
    saved: dict[str, str] = field(default_factory=dict)

    def find(self, key: str) -> str | None:
        return self.saved.get(key)

    def save(self, key: str, uri: str) -> None:
        self.saved[key] = uri

    def forget(self, key: str) -> None:
        self.saved.pop(key, None)


@dataclass
class Progress:
    told: list[int] = field(default_factory=list)

    def __call__(self, more: int) -> None:
        self.told.append(more)

    @property
    def sum(self) -> int:
        return sum(self.told)


class Drive:
    """The emulator with one account, and a sidecar's side of it."""

    def __init__(self, emulator: Emulator, url: str) -> None:
        self.emulator, self.url = emulator, url
        self.uploads = Uploads()
        self.made: list[DriveRemote] = []
        self.root = emulator.store.add_account(USER).root
        self.asked_for_tokens = 0
        self.remote = self.another()

    def another(self, **more: Any) -> DriveRemote:
        """As after a restart: nothing in memory, what was saved is there."""
        given = {"access": self.access, "uploads": self.uploads, "timeout_s": 10.0, **more}
        self.made.append(make_remote(self.url, buckets=Buckets(10_000, 10_000), **given))
        return self.made[-1]

    def access(self) -> tuple[str, datetime]:
        self.asked_for_tokens += 1
        return self.emulator.token(USER), datetime.now(UTC) + timedelta(hours=1)

    def fail(self, fault: Fault, operation: str, **more: Any) -> Rule:
        return self.emulator.faults.add(Rule(fault, operation, **more))

    def make(self, title: str, data: bytes | None = b"text", **more: Any) -> RemoteFile:
        """Somebody makes a file elsewhere; None: a folder."""
        blob = None if data is None else Bytes.of(data)
        mime = more.pop("mime", FOLDER if data is None else "text/plain")
        parent = more.pop("parent", self.root)
        seen = self.emulator.store.insert(
            Access(USER, "web"), New(title, mime, parent, blob=blob, **more)
        )
        found = self.remote.get(seen.file.id)
        assert found
        return found

    def edit(self, id_: str, **more: Any) -> None:
        self.emulator.edit({"id": id_, **more})

    def id(self) -> str:
        return self.remote.new_ids(1)[0]

    def files(self) -> dict[str, str]:
        """md5 by title, of what is not trashed; folders have none."""
        found = self.emulator.store.find(Access(USER, "web"), lambda seen: not seen.trashed)
        return {
            seen.file.title: seen.file.head.blob.md5 if seen.file.head else ""
            for seen in found
            if seen.file.id != self.root
        }

    def forget_requests(self) -> None:
        time.sleep(LAG_S)
        self.emulator.journal.clear()

    def requests(self) -> list[str]:
        time.sleep(LAG_S)
        return [entry.operation for entry in self.emulator.journal.entries() if entry.operation]


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Drive]:
    emulator = Emulator([google.DESCRIPTION], folder=tmp_path, seed=1)
    with serving(emulator) as url:
        made = Drive(emulator, url)
        yield made
        for remote in made.made:
            remote.close()
    assert emulator.journal.failures() == []


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> int:
    """Uploads in parts of so many bytes begin with the smallest file."""
    from drivesync import uploads

    monkeypatch.setattr(uploads, "SMALL_BYTES", 0)
    monkeypatch.setattr(uploads, "PART_BYTES", 1 << 18)
    return 1 << 18


@pytest.fixture
def source() -> Callable[..., Source]:
    return Source


@pytest.fixture
def incoming() -> Callable[[], Incoming]:
    return Incoming


@pytest.fixture
def progress() -> Progress:
    return Progress()


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()
