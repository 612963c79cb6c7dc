"""What ``up`` tells node: etc/node.json, read once and strictly into a frozen NodeConfig."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from spawner.confinement import COURSES, DRIVE, DRIVE_STATE, HOMES
from spawner.errors import CarrelError, Code
from spawner.node.fields import Fields
from spawner.node.strict_json import parse_object

_PATH = r"/[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*"
_IMAGE = r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}"
_MOST_UID = 2**32 - 2
_HUGE = 2**60


@dataclass(frozen=True)
class Allowed:
    """A private destination that sessions may reach all the same; every port if ``port`` is 0."""

    network: IPv4Network
    port: int


@dataclass(frozen=True)
class Service:
    """A process of Carrel's on the sessions' network that sessions may reach, at one TCP port."""

    address: IPv4Address
    port: int


@dataclass(frozen=True)
class NetworkConfig:
    """The sessions' network and the two trusted addresses on it."""

    name: str
    bridge: str
    subnet: IPv4Network
    hub: IPv4Address
    proxy: IPv4Address
    hub_port: int
    allow: tuple[Allowed, ...]
    services: tuple[Service, ...] = ()

    @property
    def ours(self) -> tuple[IPv4Address, ...]:
        """The addresses that no session may ever have."""
        return (self.hub, self.proxy, *(service.address for service in self.services))


@dataclass(frozen=True)
class Limits:
    """The most that one session may be given, and all of them together."""

    sessions_max_bytes: int
    memory_max_bytes: int
    nano_cpus_max: int
    pids_max: int
    shm_max_bytes: int
    log_max_bytes: int


@dataclass(frozen=True)
class NodeConfig:
    """node.json. ``hub_uid`` and ``session_uid`` are uids of the host."""

    project: str
    data_dir: Path
    engine_socket: Path
    socket: Path
    hub_uid: int
    session_uid: int
    images: tuple[str, ...]
    tools_image: str
    """What jobs run in."""
    drive_image: str
    """What Drive sidecars run; empty where there are none."""
    drive_grace_s: int
    """From a sidecar's SIGTERM to its SIGKILL: it flushes first."""
    network: NetworkConfig
    limits: Limits

    @property
    def homes(self) -> Path:
        return self.data_dir / HOMES

    @property
    def drive(self) -> Path:
        return self.data_dir / DRIVE

    @property
    def drive_state(self) -> Path:
        return self.data_dir / DRIVE_STATE

    @property
    def courses(self) -> Path:
        return self.data_dir / COURSES


def load(path: Path) -> NodeConfig:
    """Raises CarrelError(BAD_INPUT) that names the field, also for a missing file."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise CarrelError(
            Code.BAD_INPUT,
            f"{path} cannot be read: {error.strerror}.",
            "Run `./carrel up`, which writes it.",
        ) from error
    return parse(text)


def parse(text: bytes | str) -> NodeConfig:
    fields = Fields(parse_object(text), "node.json ", Code.BAD_INPUT)
    config = NodeConfig(
        # A chain's name holds at most 28 characters, of which CARREL- and -FWD take 11.
        project=fields.text("project", r"[a-z0-9]{1,17}"),
        data_dir=_path(fields, "data_dir"),
        engine_socket=_path(fields, "engine_socket"),
        socket=_path(fields, "socket"),
        hub_uid=fields.number("hub_uid", 0, _MOST_UID),
        session_uid=fields.number("session_uid", 0, _MOST_UID),
        images=fields.texts("images", 64),
        tools_image=fields.text("tools_image", _IMAGE),
        drive_grace_s=fields.number("drive_grace_s", 1, 999),
        drive_image=fields.text("drive_image", rf"({_IMAGE})?"),
        network=_network(fields.table("network")),
        limits=_limits(fields.table("limits")),
    )
    fields.finish(empty_passes=False)
    return config


def _path(fields: Fields, key: str) -> Path:
    path = Path(fields.text(key, _PATH))
    if ".." in path.parts:
        fields.refuse(key, "must not hold '..'")
    return path


def _network(fields: Fields) -> NetworkConfig:
    try:
        network = NetworkConfig(
            name=fields.text("name", r"[a-z0-9][a-z0-9_-]{0,62}"),
            bridge=fields.text("bridge", r"[a-z0-9][a-z0-9-]{0,14}"),  # IFNAMSIZ is 16 with NUL
            subnet=IPv4Network(fields.text("subnet", r"[0-9./]+")),
            hub=IPv4Address(fields.text("hub", r"[0-9.]+")),
            proxy=IPv4Address(fields.text("proxy", r"[0-9.]+")),
            hub_port=fields.number("hub_port", 1, 65535),
            allow=tuple(_allowed(fields, item) for item in fields.texts("allow", 256)),
            services=tuple(_service(fields, item) for item in fields.texts("services", 16)),
        )
    except (ipaddress.AddressValueError, ipaddress.NetmaskValueError, ValueError) as error:
        raise CarrelError(Code.BAD_INPUT, f"node.json network: {error}.") from error
    if network.hub not in network.subnet or network.proxy not in network.subnet:
        fields.refuse("hub", "hub and proxy must be addresses of the subnet")
    if network.hub == network.proxy:
        fields.refuse("proxy", "must not be the hub's address")
    for service in network.services:
        if service.address not in network.subnet or service.address in (network.hub, network.proxy):
            fields.refuse("services", "must be further addresses of the subnet")
    fields.finish(empty_passes=False)
    return network


def _allowed(fields: Fields, item: str) -> Allowed:
    if not re.fullmatch(r"[0-9.]+(/[0-9]+)?(:[0-9]{1,5})?", item, re.ASCII):
        fields.refuse("allow", "must hold `CIDR` or `CIDR:port`")
    cidr, _, port = item.partition(":")
    if port and not 1 <= int(port) <= 65535:
        fields.refuse("allow", "has a port that does not exist")
    return Allowed(IPv4Network(cidr), int(port or 0))


def _service(fields: Fields, item: str) -> Service:
    if not re.fullmatch(r"[0-9.]+:[0-9]{1,5}", item, re.ASCII):
        fields.refuse("services", "must hold `address:port`")
    address, _, port = item.partition(":")
    if not 1 <= int(port) <= 65535:
        fields.refuse("services", "has a port that does not exist")
    return Service(IPv4Address(address), int(port))


def _limits(fields: Fields) -> Limits:
    names = Limits.__dataclass_fields__
    limits = Limits(**{name: fields.number(name, 1, _HUGE) for name in names})
    fields.finish(empty_passes=False)
    return limits
