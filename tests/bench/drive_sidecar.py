"""Our own: the sidecar's real process between a folder and the emulated Drive."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.bench.drive_emulated import ROOT, Emulated
from tests.bench.memory import Process
from tests.drivesync.process import hub_stub

LOOK_S = 0.25
POLL_S = 2.0
NO_BRAKE = 10_000
"""Requests a second: Google's own limits are not what is measured."""


class Sidecar:
    """One that runs. ``memory`` reads its process; ``home`` is MyDrive."""

    def __init__(self, process: Process, folder: Path) -> None:
        self.memory = process
        self.drive = folder / "drive"
        self.home = self.drive / "MyDrive"
        self._log = folder / "log"

    def status(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.drive / ".carrel/status.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def in_step(self, files: int) -> bool:
        told = self.status()
        return (
            told.get("state") == "idle" and told["files"] >= files and not told["unsynced_count"]
            and not told["up"]["files"] and not told["down"]["files"]
        )  # fmt: skip

    async def until(self, what: str, true: Callable[[], bool], patience_s: float) -> None:
        """Raises SystemExit."""
        end = time.monotonic() + patience_s
        while not await asyncio.to_thread(true):
            if time.monotonic() > end:
                raise SystemExit(f"{what} took more than {patience_s:g} s: {self._state()}")
            if not self.memory.read_mb("VmRSS"):
                raise SystemExit(f"the sidecar ended: {what}: {self._state()}")
            await asyncio.sleep(LOOK_S)

    def _state(self) -> str:
        told = {name: value for name, value in self.status().items() if value not in ([], 0, None)}
        return f"{told}\n{self._log.read_text(errors='replace')[-3000:]}"

    async def tell_open_documents(self) -> None:
        """As a session does: none of Drive's is open, and that is known."""
        while True:
            half = self.drive / ".carrel/open.half"
            with suppress(FileNotFoundError):
                half.write_text(json.dumps({"at": time.time(), "paths": []}))
                half.replace(self.drive / ".carrel/open")
            await asyncio.sleep(2)


@asynccontextmanager
async def sidecar(
    python: Path, folder: Path, emulated: Emulated, email: str
) -> AsyncIterator[Sidecar]:
    """``folder`` keeps its disk and its state: begun again, it goes on."""
    (folder / "drive/MyDrive").mkdir(parents=True, exist_ok=True)
    (folder / "drive/.carrel").mkdir(exist_ok=True)
    (folder / "state").mkdir(exist_ok=True)
    (folder / "state/bearer").write_text(hub_stub.BEARER)
    with hub_stub.running() as hub, (folder / "log").open("ab") as log:
        hub.settings = {
            "everything": True, "poll_s": POLL_S, "requests_per_s": NO_BRAKE,
            "writes_per_s": NO_BRAKE, "flush_s": 60, "api_url": emulated.url,
        }  # fmt: skip
        hub.fresh_token = lambda: emulated.token(email)
        environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "images/drivesync"),
            # As the image sets it.
            "MALLOC_ARENA_MAX": "2", "CARREL_HUB_URL": hub.url,
            "CARREL_DRIVE": str(folder / "drive"), "CARREL_DRIVE_STATE": str(folder / "state"),
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            python, "-m", "drivesync", env=environment, stderr=log
        )
        found = Sidecar(Process(process.pid, "sidecar"), folder)
        telling = asyncio.create_task(found.tell_open_documents())
        try:
            yield found
        finally:
            telling.cancel()
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 90)
            except TimeoutError:
                process.kill()
                await process.wait()
