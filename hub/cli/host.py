"""The verbs of the host: down, status, logs, doctor."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from typing import Any

from hub import capacity
from hub.cli import checks, compose, health, look, shell, site
from hub.cli.deployment import FLUSH_MARGIN_S
from hub.cli.finding import Finding
from hub.cli.progress import console, results
from hub.cli.up import project
from hub.settings import Settings
from spawner.confinement import GIB, LABEL_DRIVE, LABEL_PROJECT, LABEL_SESSION
from spawner.errors import CarrelError, Code


def down() -> None:
    """Ends all processes and sessions; homes, database and images stay."""
    settings = site.settings()
    _require_engine()
    site.require_same_data_dir(settings)
    found = compose.find()
    env_file = settings.data_dir / "etc" / "compose.env"
    if found is None or not env_file.exists():
        console.print("Carrel was not up; nothing to do.")
        return
    # node first: without it nothing starts behind our back. The hub stays until the sidecars have
    # flushed, since they ask it for access.
    whole = project(settings, found, env_file)
    log = settings.data_dir / "logs" / "compose.log"
    whole.call(["stop", "web", "node"], log)
    _end(session_containers(settings), settings.sessions.stop_grace_s)
    _end(sidecar_containers(settings), settings.drive.flush_s + FLUSH_MARGIN_S)
    whole.call(["stop", "hub"], log)
    if whole.call(["down", "--remove-orphans"], log) != 0:
        raise CarrelError(Code.FAILED, "Compose could not end Carrel.", f"Its log: {log}")
    console.print(f"Carrel is down. Homes and databases are kept in {settings.data_dir}.")


def _end(containers: list[str], grace_s: int) -> None:
    """All at a time, each with that grace."""
    if containers:
        stop = ["docker", "stop", "--time", str(grace_s), *containers]
        shell.run(stop, timeout_s=grace_s + 60)
        shell.run(["docker", "rm", "--force", *containers])


def session_containers(settings: Settings) -> list[str]:
    """Ids of the session containers of this installation."""
    return _labelled(settings, LABEL_SESSION)


def sidecar_containers(settings: Settings) -> list[str]:
    """Ids of its Drive sidecars."""
    return _labelled(settings, LABEL_DRIVE)


def _labelled(settings: Settings, label: str) -> list[str]:
    answer = shell.run(
        ["docker", "ps", "--all", "--quiet",
         "--filter", f"label={LABEL_PROJECT}={settings.project}", "--filter", f"label={label}"]
    )  # fmt: skip
    return answer.out.split()


def status() -> dict[str, Any]:
    """What runs: processes, sessions, capacity."""
    settings = site.settings()
    _require_engine()
    machine = look.machine(settings.data_dir)
    running = health.processes(settings)
    return {
        "url": settings.public_url,
        "up": all(process.well for process in running),
        "processes": [dataclasses.asdict(process) for process in running],
        "sessions": len(session_containers(settings)),
        "holds": capacity.sentence(machine.memory_bytes, settings),
    }


def logs(process: str, *, follow: bool, lines: int) -> int:
    """Prints a process's log; returns the exit code."""
    settings = site.settings()
    names = site.processes(settings)
    if process not in names:
        raise CarrelError(
            Code.BAD_INPUT, f"There is no process {process!r}.", f"One of: {', '.join(names)}."
        )
    _require_engine()
    arguments = ["--follow"] if follow else []
    name = site.container(settings, process)
    if look.container(name) is None:
        raise CarrelError(Code.UNAVAILABLE, f"{process} is not there.", "Start it: ./carrel up")
    command = ["docker", "logs", "--tail", str(lines), *arguments, name]
    return subprocess.run(command, check=False).returncode


def doctor() -> list[Finding]:
    """Looks at everything that must be right, changes nothing."""
    settings = site.settings()
    findings = [Finding("settings", "ok", f"{site.config_file().name} is valid")]
    engine = look.find_engine()
    if engine is None:
        return [*findings, Finding("engine", "bad", "no Docker engine answers", "./carrel up")]
    found = compose.find()
    findings += [
        Finding("engine", "bad", p.message, p.remedy)
        for p in (*checks.engine_problems(engine), *checks.compose_problems(engine, found))
    ] or [Finding("engine", "ok", f"Docker {engine.version}")]
    findings += [
        Finding("isolation", "warning", p.message, p.remedy)
        for p in (*checks.engine_warnings(engine), *checks.web_warnings(settings))
    ]
    machine = look.machine(settings.data_dir)
    findings += _disk_findings(str(settings.data_dir), machine.disk_free_bytes)
    findings += _disk_findings(str(engine.root_dir), look.disk_free_bytes(engine.root_dir))
    findings += [_process_finding(process) for process in health.processes(settings)]
    findings.append(_node_finding(settings))
    return findings


def _disk_findings(folder: str, free_bytes: int) -> list[Finding]:
    return [
        Finding("disk", "bad", p.message, p.remedy)
        for p in checks.disk_problems(folder, free_bytes)
    ] or [Finding("disk", "ok", f"{free_bytes / GIB:.1f} GiB free for {folder}")]


def _process_finding(process: health.Process) -> Finding:
    remedy = "" if process.well else f"./carrel up, then ./carrel logs {process.name}"
    return Finding(process.name, "ok" if process.well else "bad", process.state, remedy)


def _node_finding(settings: Settings) -> Finding:
    name = site.container(settings, "node")
    answer = shell.run(["docker", "exec", name, "python", "-m", "spawner.node", "health"])
    if answer.ok:
        return Finding("firewall", "ok", "the sessions' firewall is in place")
    return Finding("firewall", "bad", answer.last_line, "./carrel logs node")


def _require_engine() -> None:
    if look.find_engine() is None:
        raise CarrelError(
            Code.UNAVAILABLE, "No Docker engine answers.", "Start it, or run ./carrel up."
        )


def print_status(found: dict[str, Any], *, as_json: bool) -> None:
    """For scripts or for people."""
    if as_json:
        print(json.dumps(found, indent=1))
        return
    results.print(f"Carrel is {'up' if found['up'] else 'not up'}: {found['url']}")
    for process in found["processes"]:
        results.print(f"  {process['name']:<9} {process['state']:<10} {process['image']}")
    results.print(f"{found['sessions']} session(s) run; the machine {found['holds']}.")
