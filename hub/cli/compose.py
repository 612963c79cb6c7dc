"""Docker Compose, v2 or v1, whichever this host has."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.cli import shell


@dataclass(frozen=True)
class Compose:
    """A Compose that answers: how to call it, and its version."""

    command: tuple[str, ...]
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


def find() -> Compose | None:
    """Compose v2 as the engine's plugin or on its own, else v1, else None."""
    for command in (("docker", "compose"), ("docker-compose",)):
        answer = shell.run([*command, "version", "--short"])
        version = answer.out.strip().lstrip("v")
        if answer.ok and version[:1].isdigit():
            return Compose(command, version)
    return None


@dataclass(frozen=True)
class Project:
    """One installation's Compose project."""

    compose: Compose
    name: str
    file: Path
    env_file: Path
    profiles: tuple[str, ...] = ()

    def call(self, arguments: Sequence[str], log: Path | None = None) -> int:
        """Runs Compose on the project; its output goes to ``log`` or to the terminal.

        Returns its exit code.
        """
        command = [
            *self.compose.command,
            "--project-name", self.name,
            "--file", str(self.file),
            "--env-file", str(self.env_file),
            *(part for profile in self.profiles for part in ("--profile", profile)),
            *arguments,
        ]  # fmt: skip
        # Compose lets the environment override the env file; ours must not leak into it.
        env = {k: v for k, v in os.environ.items() if not k.startswith(("CARREL_", "COMPOSE_"))}
        if log is None:
            return subprocess.run(command, env=env, check=False).returncode
        with log.open("ab") as sink:
            return subprocess.run(
                command, env=env, stdout=sink, stderr=sink, check=False
            ).returncode
