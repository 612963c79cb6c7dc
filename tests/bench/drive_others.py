"""Others that move the same files, each a process of its own: a loop, fsspec's layer, rclone."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench.drive_emulated import PROGRAM, Emulated

RIVALS = Path(__file__).with_name("drive_rivals.py")
TRANSFERS = 16
MOST_S = 3600.0
_PROXY = """
import signal, sys
from pathlib import Path
from drive_emulator.rclone_proxy import certify, proxying
certify(Path(sys.argv[1]))
with proxying(Path(sys.argv[1]), int(sys.argv[2])) as url:
    print(url, flush=True)
    signal.pause()
"""


class Other(Protocol):
    """Moves the files of a folder up to one of its name at the top of My Drive, or down."""

    name: str

    async def move(self, direction: str, token: str, place: Path) -> None: ...


@dataclass(frozen=True)
class Pydrive2:
    """One file after the other; ``way`` is one of drive_rivals'."""

    name: str
    way: str
    python: Path
    emulated: Emulated

    async def move(self, direction: str, token: str, place: Path) -> None:
        command = [self.python, RIVALS, self.way, direction, self.emulated.url, place]
        await run(self.name, [str(part) for part in command], os.environ, f"{token}\n")


@dataclass(frozen=True)
class Rclone:
    """Through a proxy that takes it for Google; its own brake for Google's limits is let go, as
    ours is."""

    proxy_url: str
    ca: Path
    config: Path
    name: str = f"rclone, {TRANSFERS} transfers"

    async def move(self, direction: str, token: str, place: Path) -> None:
        known = {"access_token": token, "token_type": "Bearer", "expiry": "2099-01-01T00:00:00Z"}
        environment = {
            "PATH": os.environ["PATH"], "HTTPS_PROXY": self.proxy_url,
            "SSL_CERT_FILE": str(self.ca), "RCLONE_CONFIG": str(self.config),
            "RCLONE_CONFIG_D_TYPE": "drive", "RCLONE_CONFIG_D_SCOPE": "drive",
            "RCLONE_CONFIG_D_CLIENT_ID": "bench", "RCLONE_CONFIG_D_CLIENT_SECRET": "bench",
            "RCLONE_CONFIG_D_TOKEN": json.dumps(known),
        }  # fmt: skip
        there = f"d:{place.name}"
        ends = [str(place), there] if direction == "up" else [there, str(place)]
        command = [
            "rclone", "copy", *ends, "--transfers", str(TRANSFERS), "--checkers", str(TRANSFERS),
            "--retries", "1", "--drive-pacer-min-sleep", "1ms", "--drive-pacer-burst", "1000",
        ]  # fmt: skip
        await run(self.name, command, environment)


@asynccontextmanager
async def rclone(emulated: Emulated, folder: Path) -> AsyncIterator[Rclone]:
    """Ready to be used; ``folder`` takes its certificates."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROXY, folder, str(emulated.port),
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(PROGRAM)},
    )  # fmt: skip
    try:
        assert process.stdout
        url = (await process.stdout.readline()).decode().strip()
        if not url:
            raise SystemExit("the proxy for rclone does not start")
        config = folder / "rclone.conf"
        config.touch()
        yield Rclone(url, folder / "ca.pem", config)
    finally:
        process.kill()
        await process.wait()


async def run(
    name: str, command: list[str], environment: Mapping[str, str], said: str = ""
) -> None:
    """Raises SystemExit with the end of its words when it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(said.encode()), MOST_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise SystemExit(f"{name} failed: {out.decode(errors='replace')[-1500:]}")
