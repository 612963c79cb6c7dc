"""Decides what a look at the machine means: what stands in the way, what deserves a warning."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from hub import origins
from hub.cli.compose import Compose
from hub.cli.look import Engine, Machine
from hub.enums import Provider
from hub.remapping import REMEDY, WARNING
from hub.settings import Settings
from spawner.confinement import GIB

MIN_ENGINE = (20, 10)
MIN_DISK_BYTES = 5 * GIB
MIN_PREFIX = 8
V1_MAX_ENGINE = 24
"""Compose v1 breaks on recreate (`ContainerConfig`) with newer engines."""


@dataclass(frozen=True)
class Seen:
    """All that the checks need of the machine."""

    machine: Machine
    port_free: bool
    port_is_ours: bool
    data_dir_writable: bool
    routes: tuple[str, ...] = ()
    """`CIDR device` of each."""
    client_secret: bool = False
    """Whether there is one for single sign-on."""


@dataclass(frozen=True)
class Problem:
    """What is wrong, and what to do about it."""

    message: str
    remedy: str


def host_problems(settings: Settings, seen: Seen) -> list[Problem]:
    """What stands in the way whatever the engine is."""
    problems = []
    if not seen.port_free and not seen.port_is_ours:
        problems.append(
            Problem(
                f"Port {settings.server.port} on {settings.server.bind} is taken.",
                "End what listens there, or set another: CARREL_SERVER__PORT=8010 ./carrel up "
                "(or [server] port in config/carrel.toml).",
            )
        )
    if not seen.data_dir_writable:
        problems.append(
            Problem(
                f"The data directory {settings.data_dir} cannot be written.",
                "Run as root, or set one that you own: CARREL_DATA_DIR=$HOME/carrel-data "
                "(or data_dir in config/carrel.toml).",
            )
        )
    problems += _sign_on(settings, seen)
    problems += disk_problems(str(settings.data_dir), seen.machine.disk_free_bytes)
    return problems + _overlaps(settings, seen.routes)


def disk_problems(folder: str, free_bytes: int) -> list[Problem]:
    """Less than images and homes need on the disk of ``folder``."""
    if free_bytes >= MIN_DISK_BYTES:
        return []
    return [
        Problem(
            f"Only {free_bytes / GIB:.1f} GB of disk are free for {folder}; 5 GB are needed.",
            "Free some, or put data_dir and Docker's data on another disk.",
        )
    ]


def _sign_on(settings: Settings, seen: Seen) -> list[Problem]:
    if settings.sign_on.provider is Provider.LOCAL:
        return []
    problems = []
    if not seen.client_secret:
        problems.append(
            Problem(
                f"The client secret for logging in with {settings.sign_on.called} is missing.",
                "./carrel sign-on secret puts the one that the provider gave you where the hub "
                "reads it.",
            )
        )
    if not settings.server.public_url and not _loopback(settings):
        problems.append(
            Problem(
                f"{settings.sign_on.called} sends people back to one address, and Carrel does not "
                "know which.",
                "Set [server] public_url to the address that people type.",
            )
        )
    return problems


def _loopback(settings: Settings) -> bool:
    return ipaddress.ip_address(settings.server.bind).is_loopback


def _overlaps(settings: Settings, routes: tuple[str, ...]) -> list[Problem]:
    subnet, bridge = settings.network.subnet, f"{settings.project}0"
    ours = ipaddress.ip_network(subnet)
    return [
        Problem(
            f"The sessions' network {subnet} overlaps {route} on this host.",
            "Set another one: [network] subnet in config/carrel.toml.",
        )
        for route in routes
        if not route.endswith(f" {bridge}")
        # A VPN's 0.0.0.0/1 is a default route in two halves, no network of its own.
        and ipaddress.ip_network(route.split()[0], strict=False).prefixlen >= MIN_PREFIX
        and ipaddress.ip_network(route.split()[0], strict=False).overlaps(ours)
    ]


def engine_problems(engine: Engine) -> list[Problem]:
    """What stands in the way in the engine itself."""
    problems = []
    parts = tuple(int(p) for p in engine.version.split("+")[0].split(".")[:2] if p.isdigit())
    if parts < MIN_ENGINE:
        problems.append(
            Problem(
                f"Docker {engine.version} is too old; 20.10 or newer is needed.",
                "Upgrade the engine (Debian and Ubuntu: apt-get install docker.io).",
            )
        )
    if engine.rootless or not engine.linux:
        problems.append(
            Problem(
                "This engine is rootless or not on Linux; the firewall cannot work there.",
                "Use a Docker engine that runs as root on a Linux host.",
            )
        )
    return problems


def compose_problems(engine: Engine, compose: Compose | None) -> list[Problem]:
    """Whether this Compose gets along with this engine."""
    if compose is None:
        return [
            Problem(
                "Docker Compose was not found.",
                "Debian: apt-get install docker-compose. Ubuntu: docker-compose-v2.",
            )
        ]
    if compose.major == 1 and engine.major > V1_MAX_ENGINE:
        return [
            Problem(
                f"Compose {compose.version} breaks with Docker {engine.version}.",
                "Install Compose v2 (Ubuntu: docker-compose-v2; Debian 13: docker-compose; "
                "Docker's own packages: docker-compose-plugin).",
            )
        ]
    return []


def engine_warnings(engine: Engine) -> list[Problem]:
    """What works but is worth a warning."""
    if engine.userns_base is None:
        return [Problem(WARNING, REMEDY)]
    return []


def web_warnings(settings: Settings) -> list[Problem]:
    """What is to be said once others than this machine's own people can reach it."""
    lan = not _loopback(settings)
    found = _plain_http(settings) if lan else []
    if (lan or settings.server.public_url) and not settings.server.subdomains:
        found.append(Problem(origins.WARNING, origins.REMEDY))
    return found


def _plain_http(settings: Settings) -> list[Problem]:
    return [
        Problem(
            f"Carrel listens on {settings.server.bind}: passwords cross the network as plain HTTP.",
            "Use it on a network you trust, or put a TLS proxy in front and set "
            "[server] public_url.",
        )
    ]
