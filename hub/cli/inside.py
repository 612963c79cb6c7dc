"""Sends a verb that needs the database into the hub container; there, hands over the settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import typer

from hub.cli import look, site
from hub.settings import Settings, load_resolved
from spawner.errors import CarrelError, Code

ETC = "CARREL_ETC"
"""Set in our containers alone: the folder of the files that ``up`` wrote."""


def ensure_inside() -> Settings:
    """The settings, when this is the hub container.

    On the host it runs the same command line in the hub container, with this terminal, and
    raises typer.Exit with its exit code. Raises CarrelError(UNAVAILABLE) when there is no hub.
    """
    if etc := os.environ.get(ETC):
        return load_resolved(Path(etc) / "settings.json")
    hub = site.container(site.settings(), "hub")
    found = look.container(hub)
    if found is None or found["status"] != "running":
        raise CarrelError(Code.UNAVAILABLE, "Carrel is not running.", "Start it with: ./carrel up")
    terminal = ["--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    command = ["docker", "exec", "--interactive", *terminal, hub, "python", "-m", "hub.cli"]
    raise typer.Exit(subprocess.run([*command, *sys.argv[1:]], check=False).returncode)
