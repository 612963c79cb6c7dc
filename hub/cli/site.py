"""This checkout, its settings and what it remembers, as the host's verbs see them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from hub.cli import shell
from hub.settings import Settings, load
from spawner.errors import CarrelError, Code

ROOT = Path(__file__).resolve().parents[2]
"""The checkout that this command belongs to."""

ALL_ADDRESSES = "0.0.0.0"  # noqa: S104  asked for with --lan, and warned of


def config_file() -> Path:
    """carrel.toml: the checkout's, or the one that CARREL_CONFIG names."""
    return Path(os.environ.get("CARREL_CONFIG") or ROOT / "config" / "carrel.toml")


def settings(*, lan: bool | None = None) -> Settings:
    """The settings on the host; ``lan`` None: as the last ``up --lan`` or ``--no-lan`` left it.

    Raises CarrelError with every problem at once.
    """
    found = load(config_file())
    if found.demo and lan:
        raise CarrelError(Code.BAD_INPUT, "The demo is for this machine alone.", "Leave --lan out.")
    # A mark that is left from before `demo = true` opens no demo to the network.
    if lan if lan is not None else not found.demo and _lan_mark(found).exists():
        server = found.server.model_copy(update={"bind": ALL_ADDRESSES})
        return found.model_copy(update={"server": server})
    return found


def remember_lan(site: Settings, lan: bool | None) -> None:
    """Keeps what was asked for, so that the next plain ``up`` does not cut people off."""
    if lan:
        _lan_mark(site).parent.mkdir(parents=True, exist_ok=True)
        _lan_mark(site).touch()
    elif lan is False:
        _lan_mark(site).unlink(missing_ok=True)


def _lan_mark(site: Settings) -> Path:
    return site.data_dir / "etc" / "lan"


def require_demo(data_dir: Path) -> None:
    """Raises CarrelError(BAD_INPUT) where that folder holds anything but a demo."""
    resolved = data_dir / "etc" / "settings.json"
    if not data_dir.exists() or not any(data_dir.iterdir()):
        return
    try:
        if json.loads(resolved.read_text(encoding="utf-8")).get("demo") is True:
            return
    except (OSError, ValueError):
        # A first `up` that was killed before it wrote its settings leaves images' logs alone.
        if {entry.name for entry in data_dir.iterdir()} <= {
            "logs",
            "debootstrap",
            "etc",
            "secrets",
        }:
            return
    raise CarrelError(
        Code.BAD_INPUT,
        f"{data_dir} is there already and is no demo.",
        "The demo lives in <data_dir>-demo: move that folder away. Only ./carrel demo sets "
        "demo = true.",
    )


def require_same_data_dir(site: Settings) -> None:
    """Refuses when the project's containers belong to another data directory.

    Raises CarrelError(BAD_INPUT): a second ``up`` would swap everybody's home for an empty one.
    """
    label = '{{index .Config.Labels "carrel.data_dir"}}'
    answer = shell.run(["docker", "inspect", "--format", label, container(site, "node")])
    runs_with = answer.out.strip()
    if answer.ok and runs_with and runs_with != str(site.data_dir):
        raise CarrelError(
            Code.BAD_INPUT,
            f"Carrel ({site.project}) is there already, with the data directory {runs_with}, "
            f"not {site.data_dir}.",
            f"Set CARREL_DATA_DIR={runs_with}, or data_dir in config/carrel.toml; for a second "
            "Carrel set project, server.port and network.subnet too.",
        )


def container(site: Settings, process: str) -> str:
    """Name of the container of one of Carrel's processes."""
    return f"{site.project}-{process}"


def processes(site: Settings) -> tuple[str, ...]:
    """Carrel's processes, in the order in which they start."""
    optional = ("postgres",) if site.database.backend == "postgres" else ()
    drive = ("drive-emulator",) if site.demo else ()
    return ("node", *optional, "proxy", "hub", "web", *drive)
