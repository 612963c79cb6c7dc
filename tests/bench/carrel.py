"""A Carrel of a bench's own on this machine's engine: up, with people in it, and down again."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

from tests.bench.arriving import Target
from tests.bench.figures import Say
from tests.bench.stock import stock
from tests.hub.hub_process import ROOT

PROJECT, PORT, SUBNET = "carrelrush", 8190, "10.203.32.0/20"
DATA_DIR = Path("/var/lib/carrel-rush")
PROCESSES = ("hub", "proxy", "node", "web")


@asynccontextmanager
async def targets(say: Say, names: Sequence[str], *, vs_stock: bool) -> AsyncIterator[list[Target]]:
    """Carrel with these people in it, and a stock JupyterHub if it is asked for.

    Raises SystemExit when one of them cannot be brought up.
    """
    async with carrel(say, names) as ours:
        if not vs_stock:
            yield [ours]
            return
        say("a stock JupyterHub with DockerSpawner")
        image = json.loads((DATA_DIR / "etc" / "images.json").read_text())["base"]
        async with stock(str(image)) as (api, token):
            yield [ours, Target("stock", api, token)]


@asynccontextmanager
async def carrel(say: Say, names: Sequence[str]) -> AsyncIterator[Target]:
    """Raises SystemExit when it cannot be brought up."""
    # Enough room for all: what is measured is starting, not a machine that is too small.
    machines = {"small": {"cores": 1, "memory_gib": 1, "guarantee_gib": 0.25},
                "medium": {"cores": 2, "memory_gib": 3, "guarantee_gib": 1.5}}  # fmt: skip
    async with installed(say, {"CARREL_MACHINES": json.dumps(machines)}):
        await asyncio.to_thread(_add_accounts, names)
        token = (DATA_DIR / "secrets" / "hub" / "cli_token").read_text().strip()
        yield Target(
            "Carrel", f"http://127.0.0.1:{PORT}/hub/api", token, {"profile": "small"},
            tuple(f"{PROJECT}-{process}" for process in PROCESSES),
        )  # fmt: skip


@asynccontextmanager
async def installed(say: Say, settings: Mapping[str, str]) -> AsyncIterator[None]:
    """A Carrel with these settings beside the living one, as long as this lasts.

    Raises SystemExit when it cannot be brought up.
    """
    say("a Carrel of its own: ./carrel up")
    await asyncio.to_thread(run, "up", settings=settings)
    try:
        yield
    finally:
        await asyncio.to_thread(run, "down", settings=settings)
        shutil.rmtree(DATA_DIR, ignore_errors=True)


def run(
    *arguments: str, stdin: str = "", settings: Mapping[str, str] = MappingProxyType({})
) -> None:
    """A verb of this Carrel's command. Raises SystemExit with its words."""
    environment = {
        **{k: v for k, v in os.environ.items() if k == "CARREL_VENV" or "CARREL_" not in k},
        "CARREL_PROJECT": PROJECT, "CARREL_DATA_DIR": str(DATA_DIR),
        "CARREL_SERVER__PORT": str(PORT), "CARREL_NETWORK__SUBNET": SUBNET, **settings,
    }  # fmt: skip
    done = subprocess.run(
        [str(ROOT / "carrel"), *arguments],
        env=environment, input=stdin, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"./carrel {' '.join(arguments)}: {done.stderr[-2000:]}")


def _add_accounts(names: Sequence[str]) -> None:
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
    done = subprocess.run(
        command, input="\n".join(names), text=True, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"the accounts were not made: {done.stderr[-2000:]}")
