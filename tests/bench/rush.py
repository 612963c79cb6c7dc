"""Measures a class that arrives at once: N people press Start in the same moment.

A Carrel of its own on this machine's engine (project ``carrelrush``), brought up by ``./carrel up``
and taken down again; with ``--vs-stock`` also a stock JupyterHub with DockerSpawner that runs the
same session image, in turn. Each waits until everybody's server answers, failed, or ten minutes
are over.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.bench.run import Figure, percentile
from tests.bench.stock import stock
from tests.hub.hub_process import ROOT

PROJECT, PORT = "carrelrush", 8190
DATA_DIR = Path("/var/lib/carrel-rush")
PATIENCE_S = 600
LOOK_EVERY_S = 0.5
PROCESSES = ("hub", "proxy", "node", "web")

Say = Callable[[str], None]


@dataclass
class Target:
    """A hub that people arrive at, and how to ask it."""

    name: str
    api: str
    token: str
    options: dict[str, str] = field(default_factory=dict)
    containers: tuple[str, ...] = ()
    """Its processes, whose memory is looked at."""


@dataclass
class Rush:
    """What came of one; times in seconds since everybody pressed Start."""

    ready: list[float]
    failed: int


async def measure(say: Say, options: argparse.Namespace) -> list[Figure]:
    """Raises SystemExit when what it needs cannot be brought up."""
    names = [f"rush{number:03}" for number in range(options.users)]
    found: dict[str, list[Rush]] = {}
    memory: dict[str, float] = {}
    async with _carrel(say, len(names)) as carrel:
        targets = [carrel]
        if options.vs_stock:
            say("a stock JupyterHub with DockerSpawner")
            image = _session_image()
            async with stock(image) as (api, token):
                targets.append(Target("stock", api, token))
                await _rounds(say, options.rounds, targets, names, found, memory)
        else:
            await _rounds(say, options.rounds, targets, names, found, memory)
    figures = [figure for target in targets for figure in _figures(target, found, options.users)]
    return figures + [Figure(f"{k}: memory at the end", v, "MiB") for k, v in memory.items()]


async def _rounds(  # noqa: PLR0917
    say: Say, rounds: int, targets: list[Target], names: list[str],
    found: dict[str, list[Rush]], memory: dict[str, float],
) -> None:  # fmt: skip
    for number in range(rounds):
        for target in targets:
            say(f"round {number + 1}: {len(names)} arrive at {target.name}")
            found.setdefault(target.name, []).append(await _rush(target, names))
            memory.update(_memory(target))


def _figures(target: Target, found: dict[str, list[Rush]], users: int) -> list[Figure]:
    rushes = found[target.name]
    ready = [len(rush.ready) for rush in rushes]
    times = sorted(moment for rush in rushes for moment in rush.ready)
    last = max((max(rush.ready, default=0.0) for rush in rushes), default=0.0)
    ours = target.name == "Carrel"
    limit = 60.0 if ours and users <= 30 else None
    return [
        Figure(f"{target.name}: ready of {users}, fewest in a round", min(ready), ""),
        Figure(f"{target.name}: failed, most in a round", max(r.failed for r in rushes), "",
               0.0 if ours else None),
        Figure(f"{target.name}: median time to ready", percentile(times or [0.0], 0.5), "s"),
        Figure(f"{target.name}: last ready after", last, "s", limit),
    ]  # fmt: skip


async def _rush(target: Target, names: list[str]) -> Rush:
    headers = {"Authorization": f"token {target.token}"}
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(headers=headers, connector=connector, timeout=timeout) as http:
        for name in names:
            async with http.post(f"{target.api}/users/{name}") as answer:
                await answer.read()
        began = time.monotonic()
        outcomes = await asyncio.gather(*(_arrive(http, target, name, began) for name in names))
        rush = Rush([o for o in outcomes if o is not None], outcomes.count(None))
        await asyncio.gather(*(_leave(http, target, name) for name in names))
    return rush


async def _arrive(
    http: aiohttp.ClientSession, target: Target, name: str, began: float
) -> float | None:
    """When the server was ready, or None when it failed."""
    url = f"{target.api}/users/{name}"
    async with http.post(f"{url}/server", json=target.options) as answer:
        if answer.status not in (201, 202):
            return None
    while time.monotonic() - began < PATIENCE_S:
        async with http.get(url) as answer:
            server = (await answer.json()).get("servers", {}).get("")
        if server and server["ready"]:
            return time.monotonic() - began
        if server is None or not server.get("pending"):
            return None
        await asyncio.sleep(LOOK_EVERY_S)
    return None


async def _leave(http: aiohttp.ClientSession, target: Target, name: str) -> None:
    url = f"{target.api}/users/{name}"
    async with http.delete(f"{url}/server") as answer:
        await answer.read()
    for _ in range(240):
        async with http.get(url) as answer:
            servers = (await answer.json()).get("servers", {})
        if not any(s["ready"] or s["pending"] for s in servers.values()):
            return
        await asyncio.sleep(LOOK_EVERY_S)


@asynccontextmanager
async def _carrel(say: Say, users: int) -> AsyncIterator[Target]:
    say("a Carrel of its own: ./carrel up")
    # Enough room for all: what is measured is starting, not a machine that is too small.
    machines = {"small": {"cores": 1, "memory_gib": 1, "guarantee_gib": 0.25},
                "medium": {"cores": 2, "memory_gib": 3, "guarantee_gib": 1.5}}  # fmt: skip
    environment = {
        **{k: v for k, v in os.environ.items() if k == "CARREL_VENV" or "CARREL_" not in k},
        "CARREL_PROJECT": PROJECT, "CARREL_DATA_DIR": str(DATA_DIR),
        "CARREL_SERVER__PORT": str(PORT), "CARREL_NETWORK__SUBNET": "10.203.32.0/20",
        "CARREL_MACHINES": json.dumps(machines),
    }  # fmt: skip

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(ROOT / "carrel"), *arguments], env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise SystemExit(f"./carrel {arguments[0]}: {done.stderr[-2000:]}")
        return done.stdout

    await asyncio.to_thread(run, "up")
    try:
        roster = "".join(f"rush{number:03}\n" for number in range(users))
        _add_accounts(roster)
        token = (DATA_DIR / "secrets" / "hub" / "cli_token").read_text().strip()
        yield Target(
            "Carrel", f"http://127.0.0.1:{PORT}/hub/api", token, {"profile": "small"},
            tuple(f"{PROJECT}-{process}" for process in PROCESSES),
        )  # fmt: skip
    finally:
        await asyncio.to_thread(run, "down")
        shutil.rmtree(DATA_DIR, ignore_errors=True)


def _add_accounts(names: str) -> None:
    """In one go: a password for each would take argon2 longer than the whole rush."""
    script = (
        "import sys, os; from datetime import UTC, datetime; from pathlib import Path\n"
        "from hub import accounts, installation, store; from hub.audit import COMMAND_LINE, By\n"
        "from hub.enums import Role\n"
        "s = store.open_store(installation.load(Path(os.environ['CARREL_ETC'])).settings)\n"
        "by = By(COMMAND_LINE, datetime.now(UTC))\n"
        "for name in sys.stdin.read().split():\n"
        "    s.decide(accounts.create, accounts.NewAccount(name, Role.STUDENT), by)\n"
    )
    command = ["docker", "exec", "--interactive", f"{PROJECT}-hub", "python", "-c", script]
    done = subprocess.run(command, input=names, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"the accounts were not made: {done.stderr[-2000:]}")


def _session_image() -> str:
    return str(json.loads((DATA_DIR / "etc" / "images.json").read_text())["base"])


def _memory(target: Target) -> dict[str, float]:
    """Of the target's processes now, in MiB."""
    if not target.containers:
        return {}
    command = ["docker", "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}"]
    done = subprocess.run(
        [*command, *target.containers], capture_output=True, text=True, check=True
    )
    units = {"KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0}
    found = {}
    for line in done.stdout.splitlines():
        name, used = line.split()[:2]
        unit = used[-3:]
        found[name] = float(used.removesuffix(unit)) * units[unit]
    return found
