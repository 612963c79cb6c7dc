"""One user's Drive as a whole: the emulator, a hub's stub, the disk, a real sidecar's process."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drive_emulator.emulator import Emulator
from drive_emulator.model import FOLDER, Access, Bytes, Edit, New, Seen
from drive_emulator.server import serving

from tests.drivesync import venv
from tests.drivesync.process import hub_stub
from tests.drivesync.process.hub_stub import HubStub

ROOT = Path(__file__).resolve().parents[3]
USER = "user@example.org"
AT_HOME = Access(USER, "a browser elsewhere")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Drive:
    """Drive as its user works in it elsewhere; paths are titles joined by ``/``."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.store = emulator.store
        self.root = self.store.add_account(USER).root

    def find(self, path: str) -> Seen | None:
        """The first of that name, not in the trash."""
        at, found = self.root, None
        for title in path.split("/"):
            here = [s for s in self.store.in_folder(AT_HOME, at) if s.file.title == title]
            if not here:
                return None
            found, at = here[0], here[0].id
        return found

    def folder(self, path: str) -> str:
        """Its id; made where it is missing."""
        at = self.root
        for title in filter(None, path.split("/")):
            here = [s for s in self.store.in_folder(AT_HOME, at) if s.file.title == title]
            made = here or [self.store.insert(AT_HOME, New(title, FOLDER, at))]
            at = made[0].id
        return at

    def write(self, path: str, data: bytes) -> str:
        """Its id; another revision where the file is there."""
        found = self.find(path)
        if found is not None:
            self.store.update(AT_HOME, found.id, Edit(blob=Bytes.of(data)))
            return found.id
        folder, _, title = path.rpartition("/")
        new = New(title, "text/plain", self.folder(folder), blob=Bytes.of(data))
        return self.store.insert(AT_HOME, new).id

    def read(self, path: str) -> bytes | None:
        found = self.find(path)
        if found is None or found.file.head is None:
            return None
        return found.file.head.blob.read(0, found.file.size)

    def trash(self, path: str) -> None:
        found = self.find(path)
        assert found, path
        self.store.trash(AT_HOME, found.id)

    def tree(self) -> dict[str, str]:
        """Digests by path; of folders, an empty text."""
        return dict(self._below(self.root, ""))

    def files(self) -> list[str]:
        """Digests; titles may be there twice, and have other names on disk then."""
        return sorted(held for _, held in self._below(self.root, "") if held)

    def _below(self, folder: str, path: str) -> Iterator[tuple[str, str]]:
        for seen in self.store.in_folder(AT_HOME, folder):
            name = f"{path}{seen.file.title}"
            if seen.file.folder:
                yield name, ""
                yield from self._below(seen.id, name + "/")
            elif seen.file.head is not None:
                yield name, digest(seen.file.head.blob.read(0, seen.file.size))

    def everything(self) -> set[str]:
        """Digests of all that was ever in Drive: trash and revisions included."""
        return {
            digest(revision.blob.read(0, revision.blob.size))
            for _, revision in self.store.every_blob(USER)
        }

    def token(self) -> str:
        return self.emulator.token(USER)

    def writes(self) -> int:
        """Requests until now that were meant to change something."""
        return sum(entry.method != "GET" for entry in self.emulator.journal.entries())


class Sidecar:
    """Its process, and the user's disk."""

    def __init__(self, folder: Path, drive: Drive, hub: HubStub) -> None:
        self.drive, self.hub = drive, hub
        self.disk, self.state = folder / "drive", folder / "state"
        self.home = self.disk / "MyDrive"
        self.disk.mkdir()
        self.state.mkdir()
        (self.state / "bearer").write_text(hub_stub.BEARER)
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [venv.python(), "-m", "drivesync"],
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(ROOT / "images" / "drivesync"),
                    "MALLOC_ARENA_MAX": "2",
                    "CARREL_HUB_URL": self.hub.url,
                    "CARREL_DRIVE": str(self.disk),
                    "CARREL_DRIVE_STATE": str(self.state),
                },
                stderr=log,
            )

    def signal(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def end(self, seconds: float = 20) -> int:
        """SIGTERM; its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds: float = 20) -> int:
        """Until it has ended; its exit code."""
        assert self.process
        code = self.process.wait(seconds)
        self.process = None
        return code

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """It does not run meanwhile, as if all of this happened at one moment."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def write(self, path: str, data: bytes) -> None:
        """As editors do: beside it, then over it in one step."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f".~{file.name}.tmp")
        new.write_bytes(data)
        new.replace(file)

    def read(self, path: str) -> bytes | None:
        file = self.home / path
        return file.read_bytes() if file.is_file() else None

    def tree(self) -> dict[str, str]:
        return {
            str(file.relative_to(self.home)): digest(file.read_bytes()) if file.is_file() else ""
            for file in self.home.rglob("*")
            if not file.name.startswith(".~")
        }

    def files(self) -> list[str]:
        return sorted(held for held in self.tree().values() if held)

    def everything(self) -> set[str]:
        """Digests of all that is on disk: Carrel's trash included."""
        return {
            digest(file.read_bytes())
            for folder in (self.home, self.disk / ".carrel" / "trash")
            for file in folder.rglob("*")
            if file.is_file()
        }

    def opens(self, *paths: str) -> None:
        """The session says that these documents are open."""
        self._note("open", {"at": time.time(), "paths": [f"MyDrive/{path}" for path in paths]})

    def wish(self, id_: str) -> None:
        self._note("flush", {"id": id_, "at": time.time()})

    def _note(self, name: str, told: dict[str, Any]) -> None:
        (self.disk / ".carrel").mkdir(exist_ok=True)
        new = self.disk / ".carrel" / f"{name}.new"
        new.write_text(json.dumps(told))
        new.replace(self.disk / ".carrel" / name)

    def status(self) -> dict[str, Any]:
        """As last told; a sidecar that has ended by itself is told at once."""
        ended = self.process.poll() if self.process else None
        assert not ended, f"ended with {ended}: {self.log.read_text()}"
        file = self.disk / ".carrel" / "status.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def megabytes(self) -> dict[str, float]:
        """What its process holds in memory: all, and what is its own."""
        assert self.process
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        told = dict(line.split(":", 1) for line in lines)
        return {name: int(told[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon")}


@contextmanager
def running(folder: Path) -> Iterator[Sidecar]:
    """All of it, the sidecar not yet started; Drive's answers are held against its description."""
    site = next((venv.python().parent.parent / "lib").glob("python3*/site-packages"))
    documents = site / "googleapiclient" / "discovery_cache" / "documents"
    (folder / "uploads").mkdir()
    emulator = Emulator([documents / "drive.v2.json"], folder / "uploads")
    with serving(emulator) as url, hub_stub.running() as hub:
        drive = Drive(emulator)
        hub.settings = {
            "everything": True,
            "poll_s": 0.3,
            "requests_per_s": 500,
            "writes_per_s": 200,
            "flush_s": 20,
            "api_url": url + "/",
        }
        hub.fresh_token = drive.token
        sidecar = Sidecar(folder, drive, hub)
        try:
            yield sidecar
        finally:
            sidecar.kill()
    assert emulator.journal.failures() == []
