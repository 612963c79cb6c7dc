"""Looks at this machine, says what it found, and sees to it that an engine and Compose answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hub import capacity
from hub.cli import checks, client_secret, compose, engine, look, promises, site
from hub.cli.progress import fact, heading, warning
from hub.settings import Settings
from spawner.confinement import GIB
from spawner.errors import CarrelError, Code


@dataclass(frozen=True)
class Found:
    """What this machine is, once an engine answers."""

    machine: look.Machine
    engine: look.Engine
    compose: compose.Compose
    may_install: bool


def survey(settings: Settings, *, install: bool, say: Callable[[str], None]) -> Found:
    """Raises CarrelError(BAD_INPUT) with all that stands in the way, before anything is changed."""
    heading("Looking at this machine")
    machine = look.machine(settings.data_dir)
    seen = _see(settings, machine)
    _tell_host(settings, seen)
    present = look.find_engine()
    problems = checks.host_problems(settings, seen) + promises.problems(settings, machine)
    if present is None:
        fact("Engine", "none answers")
    else:
        problems += checks.engine_problems(present)
    _refuse(problems)
    found = engine.ensure_engine(install=install, say=say)
    found_compose = engine.ensure_compose(install=install, say=say)
    free_bytes = look.disk_free_bytes(found.root_dir)
    _refuse(
        checks.engine_problems(found)
        + checks.compose_problems(found, found_compose)
        + checks.disk_problems(str(found.root_dir), free_bytes)
    )
    assert found_compose is not None
    _tell_engine(settings, machine, found, found_compose)
    return Found(machine, found, found_compose, install)


def _see(settings: Settings, machine: look.Machine) -> checks.Seen:
    proxy = look.container(site.container(settings, "proxy"))
    ours = (
        proxy is not None
        and proxy["status"] == "running"
        and str(settings.server.port) in proxy["ports"].split(",")
    )
    return checks.Seen(
        machine=machine,
        port_free=look.port_free(settings.server.bind, settings.server.port),
        port_is_ours=ours,
        data_dir_writable=look.folder_writable(settings.data_dir),
        routes=look.routes(),
        client_secret=client_secret.is_there(settings),
    )


def _tell_host(settings: Settings, seen: checks.Seen) -> None:
    machine, server = seen.machine, settings.server
    fact("System", f"{machine.cores} cores, {machine.memory_bytes / GIB:.1f} GiB of memory")
    fact("Disk", f"{machine.disk_free_bytes / GIB:.1f} GiB free for {settings.data_dir}")
    state = "ours already" if seen.port_is_ours else "free" if seen.port_free else "taken"
    fact("Port", f"{server.bind}:{server.port} is {state}")
    names = ", ".join(gpu.name for gpu in machine.gpus)
    fact("GPUs", names or f"none: {machine.gpu_note}; sessions run on the CPU")


def _tell_engine(
    settings: Settings, machine: look.Machine, found: look.Engine, with_: compose.Compose
) -> None:
    remap = "on" if found.userns_base is not None else "off"
    fact("Engine", f"Docker {found.version}, userns-remap {remap}")
    fact("Compose", f"{with_.version} (v{with_.major})")
    fact("Capacity", capacity.sentence(machine.memory_bytes, settings))
    worth_saying = (
        *checks.engine_warnings(found),
        *checks.web_warnings(settings),
        *promises.notes(settings, machine),
    )
    for item in worth_saying:
        warning(item.message, item.remedy)


def _refuse(problems: list[checks.Problem]) -> None:
    if problems:
        listing = "\n".join(f"  - {p.message} {p.remedy}" for p in problems)
        raise CarrelError(Code.BAD_INPUT, f"Nothing was started:\n{listing}", "")
