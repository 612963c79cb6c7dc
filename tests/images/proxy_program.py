"""Our proxy as its image has it, on this machine: Node.js and the packages that the locks name."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.spawner.fake_engine import free_port

ROOT = Path(__file__).resolve().parents[2]
IMAGE = ROOT / "images" / "proxy"
LOCKS = ("requirements.lock", "package.json", "package-lock.json")


def folder() -> Path:
    """Where it is; installs it where it is missing."""
    state = os.environ.get("CARREL_TEST_ENGINE")
    cache = Path(state) if state and os.access(state, os.W_OK) else ROOT / ".cache"
    locks = b"".join((IMAGE / name).read_bytes() for name in LOCKS)
    found = cache / f"proxy-{hashlib.sha256(locks + sys.version.encode()).hexdigest()[:12]}"
    if not (found / "complete").exists():
        shutil.rmtree(found, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", found / "venv"], check=True)
        pip = [found / "venv" / "bin" / "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "-r", IMAGE / "requirements.lock"], check=True)
        for name in LOCKS[1:]:
            shutil.copy(IMAGE / name, found)
        npm = ["npm", "ci", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(npm, cwd=found, env=_environment(found), check=True)
        (found / "complete").touch()
    return found


def _environment(found: Path) -> dict[str, str]:
    return {**os.environ, "PATH": f"{found / 'venv' / 'bin'}:{os.environ['PATH']}"}


@dataclass(frozen=True)
class RealProxy:
    """A proxy that runs; ``port`` is the browsers', ``api_port`` the hub's."""

    port: int
    api_port: int
    token: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def route(self, path: str, target: str) -> None:
        """As the hub gives it its routes."""
        where = f"http://127.0.0.1:{self.api_port}/api/routes{path}"
        headers = {"Authorization": f"token {self.token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.post(where, json={"target": target}) as answer,
        ):
            assert answer.status == 201, await answer.text()


@asynccontextmanager
async def running(scratch: Path, hub_port: int) -> AsyncIterator[RealProxy]:
    """Started as Compose starts it, as long as this lasts; it has no routes yet."""
    installed = folder()
    # Beside its packages, as in the image: Node.js looks for them from there.
    here = scratch / "proxy"
    here.mkdir()
    (here / "node_modules").symlink_to(installed / "node_modules")
    for name in ("start.mjs", "restarting.mjs", "restarting.html"):
        shutil.copy(IMAGE / name, here)
    proxy = RealProxy(free_port(), free_port(), "0123456789")
    (scratch / "token").write_text(proxy.token)
    with (scratch / "proxy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "node", "--preserve-symlinks", "start.mjs", str(scratch / "token"),
            "--ip=127.0.0.1", f"--port={proxy.port}",
            "--api-ip=127.0.0.1", f"--api-port={proxy.api_port}",
            f"--error-target=http://127.0.0.1:{hub_port}/hub/error", "--log-level=info",
            cwd=here, env=_environment(installed), stdout=log, stderr=log,
            # The wheel's `node` is a script that starts the real one: both are ended.
            start_new_session=True,
        )  # fmt: skip
    try:
        await _answers(proxy, process, (scratch / "proxy.log").read_text)
        yield proxy
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _answers(
    proxy: RealProxy, process: asyncio.subprocess.Process, said: Callable[[], str]
) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(30):
        while True:
            assert process.returncode is None, said()
            try:
                async with http.get(proxy.url):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
