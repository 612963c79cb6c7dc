"""Runs other programs for the command line."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """What a program answered; ``code`` is 124 when it did not end in time, 127 when absent."""

    code: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def last_line(self) -> str:
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1].strip() if lines else f"exit code {self.code}"


def run(
    command: Sequence[str],
    *,
    timeout_s: float = 60,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> Result:
    """Runs a program to its end and returns what it said; never raises for what it answers."""
    try:
        done = subprocess.run(
            list(command),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            env=dict(env) if env is not None else None,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            check=False,
        )
    except FileNotFoundError:
        return Result(127, "", f"{command[0]}: not found")
    except subprocess.TimeoutExpired:
        return Result(124, "", f"{command[0]}: no answer within {timeout_s:.0f} s")
    return Result(done.returncode, done.stdout, done.stderr)
