"""The tests' dockerd in the hands of a test: paused, ended, killed, and started again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests import run

PATIENCE_S = 60


def pid() -> int:
    return int(run.PID_FILE.read_text(encoding="ascii"))


def info(field: str) -> str:
    """What the engine says of itself; empty while it says nothing."""
    host = f"unix://{run.SOCKET}"
    command = ["docker", "-H", host, "info", "--format", f"{{{{.{field}}}}}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    return done.stdout.strip() if done.returncode == 0 else ""


@contextlib.contextmanager
def live_restore() -> Iterator[None]:
    """Containers outlive the daemon, as long as this lasts."""
    _configure(live_restore=True)
    try:
        yield
    finally:
        _configure(live_restore=False)


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """It takes connections and does nothing with them."""
    os.kill(pid(), signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid(), signal.SIGCONT)


@contextlib.contextmanager
def down(how: signal.Signals) -> Iterator[None]:
    """No daemon, as long as this lasts."""
    end(how)
    try:
        yield
    finally:
        start()


def end(how: signal.Signals) -> None:
    """Ends dockerd; the containerd that it started, unless the host has one, ends with it."""
    files = (run.PID_FILE, run.EXEC_ROOT / "exec" / "containerd" / "containerd.pid")
    processes = {file: int(file.read_text(encoding="ascii")) for file in files if file.exists()}
    os.kill(processes[run.PID_FILE], how)
    for file, process in processes.items():
        _until(partial(_is_over, process), f"the process of {file} does not end")
        # A killed one leaves it, and where nobody reaps the dead the next would believe it.
        file.unlink(missing_ok=True)


def start() -> None:
    with run.LOG.open("ab") as log:
        subprocess.run(["setsid", "--fork", *run.command()], stdout=log, stderr=log, check=True)
    _until(lambda: bool(info("ID")), "dockerd does not start")


def _configure(*, live_restore: bool) -> None:
    run.DAEMON_JSON.write_text(json.dumps({"live-restore": live_restore}), encoding="ascii")
    os.kill(pid(), signal.SIGHUP)
    wanted = str(live_restore).lower()
    _until(lambda: info("LiveRestoreEnabled") == wanted, "dockerd does not take its settings")


def _is_over(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def _until(true: Callable[[], bool], complaint: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until, complaint
        time.sleep(0.1)
