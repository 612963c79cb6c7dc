"""The knobs by subject: each with its default, its unit, its limits and one line of help."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.functional_validators import AfterValidator

from spawner.confinement import GIB

SLUG = r"^[a-z0-9][a-z0-9-]{0,31}$"


def knob(default: Any, help_: str, unit: str = "", **limits: Any) -> Any:
    """A setting: its default, one line of help and its unit (empty where it has none)."""
    return Field(default, description=help_, json_schema_extra={"unit": unit}, **limits)


class Section(BaseModel):
    """A table of carrel.toml: immutable, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _absolute(path: Path) -> Path:
    if not path.is_absolute() or ".." in path.parts:
        raise ValueError("must be an absolute path with no '..' in it")
    if not re.fullmatch(r"[A-Za-z0-9/._-]+", str(path)):
        raise ValueError("may hold letters, digits and / . _ - only")
    return path


def _network(text: str) -> str:
    ipaddress.ip_network(text)
    return text


def _address(text: str) -> str:
    return str(ipaddress.IPv4Address(text))


def _public_url(text: str) -> str:
    text = text.rstrip("/")
    if text and not re.fullmatch(r"https?://[^/\s]+", text):
        raise ValueError("must be http:// or https:// with a host and no path")
    return text


LOOPBACK = frozenset({"localhost", "127.0.0.1"})
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Address = Annotated[str, AfterValidator(_address)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
Network = Annotated[str, AfterValidator(_network)]


class Server(Section):
    """Where browsers reach Carrel."""

    bind: Address = knob(
        "127.0.0.1", "Address that the proxy listens on; `up --lan` sets 0.0.0.0.", "IPv4 address"
    )
    port: int = knob(8000, "Port of the web address.", "TCP port", ge=1, le=65535)
    public_url: PublicUrl = knob(
        "",
        "The address people type, if it is not http://<bind>:<port>, for instance behind your "
        "own TLS proxy.",
        "URL",
    )
    subdomains: bool = knob(
        False,
        "Give every session a host name of its own below public_url's, so that browsers keep them "
        "apart; needs wildcard DNS (and a wildcard certificate).",
    )


class Auth(Section):
    """Getting in."""

    setup_link_hours: int = knob(24, "How long a setup link lives.", "hours", ge=1, le=168)
    invitation_days: int = knob(
        14, "How long an invitation lives if nobody says otherwise.", "days", ge=1, le=365
    )
    reset_link_hours: int = knob(24, "How long a password reset link lives.", "hours", ge=1, le=168)
    home_kept_days: int = knob(
        30, "How long the home of a deleted account is kept.", "days", ge=0, le=3650
    )
    password_min_length: int = knob(10, "Shortest password accepted.", "characters", ge=8, le=128)
    attempts_per_name: int = knob(
        10, "Wrong passwords for one name before it has to wait.", "per window", ge=3, le=1000
    )
    attempts_per_address: int = knob(
        100, "Wrong passwords from one address before it has to wait.", "per window", ge=3, le=10000
    )
    attempts_window_minutes: int = knob(
        15, "Over how long wrong passwords are counted.", "minutes", ge=1, le=1440
    )
    login_days: int = knob(14, "How long a login lasts.", "days", ge=1, le=90)


class NetworkSettings(Section):
    """What sessions reach: the internet and the hub's API, and nothing else."""

    subnet: Network = knob(
        "10.203.0.0/20", "Addresses of hub, proxy and sessions; a network of its own.", "CIDR"
    )
    allow: tuple[str, ...] = knob(
        (),
        "Private addresses that sessions may reach all the same, as `CIDR` or `CIDR:port`, for "
        "instance a package mirror or a licence server.",
        "CIDR[:port]",
    )

    @property
    def gateway(self) -> str:
        return self._address(1)

    @property
    def hub_address(self) -> str:
        """The hub's fixed address on the sessions' network."""
        return self._address(2)

    @property
    def proxy_address(self) -> str:
        return self._address(3)

    @property
    def emulator_address(self) -> str:
        """Of the demo's Google Drive."""
        return self._address(4)

    @property
    def session_range(self) -> str:
        """The upper half: sessions never take the addresses of hub and proxy."""
        return str(list(ipaddress.IPv4Network(self.subnet).subnets(prefixlen_diff=1))[1])

    def _address(self, number: int) -> str:
        return str(ipaddress.IPv4Network(self.subnet)[number])

    @model_validator(mode="after")
    def _check(self) -> NetworkSettings:
        network = ipaddress.ip_network(self.subnet)
        if network.version != 4 or network.prefixlen > 26 or not network.is_private:
            raise ValueError("subnet must be a private IPv4 network of /26 or larger")
        for item in self.allow:
            cidr, _, port = item.partition(":")
            if ipaddress.ip_network(cidr).version != 4:
                raise ValueError(f"allow: {item!r} is not an IPv4 network")
            if port and not (port.isdigit() and 1 <= int(port) <= 65535):
                raise ValueError(f"allow: {item!r} has no valid port after the colon")
        return self


class Images(Section):
    """The images that `up` makes."""

    families: tuple[str, ...] = knob(
        ("base", "datascience"),
        "Session images to build: base, datascience, pytorch. `pytorch` is added where a GPU is "
        "found; a profile that names it needs it here.",
    )
    extra: tuple[str, ...] = knob(
        (), "Further session images that are already on this engine and may be used.", "image:tag"
    )
    debian_mirror: str = knob(
        "",
        "Debian mirror for the images; empty takes the one that the host's apt uses.",
        "URL",
        pattern=r"^(https?://\S+)?$",
    )
    registry_timeout_s: int = knob(
        20,
        "How long to wait for a registry before the base image is made with debootstrap.",
        "seconds",
        ge=1,
        le=600,
    )

    @model_validator(mode="after")
    def _check(self) -> Images:
        unknown = set(self.families) - {"base", "datascience", "pytorch"}
        if unknown:
            raise ValueError(f"families: {', '.join(sorted(unknown))} is not known")
        if "base" not in self.families:
            raise ValueError("families must hold 'base'; the others are built on it")
        return self


class Sessions(Section):
    """What every session is held to, beside its machine type."""

    pids: int = knob(1024, "Processes and threads in a session.", "count", ge=64, le=32768)
    shm_mib: int = knob(256, "Size of /dev/shm, inside the memory limit.", "MiB", ge=64, le=65536)
    log_mib: int = knob(10, "Log kept of a session's server.", "MiB", ge=1, le=1024)
    start_timeout_s: int = knob(
        300, "How long a container may take until its server answers.", "seconds", ge=10, le=1800
    )
    stop_grace_s: int = knob(
        10, "Time between asking a server to stop and ending it.", "seconds", ge=1, le=300
    )


class Idle(Section):
    """The idle culler."""

    limit_hours: float = knob(
        12.0, "A session with no activity for this long is ended.", "hours", gt=0, le=720
    )
    check_every_minutes: float = knob(5.0, "How often the culler looks.", "minutes", gt=0, le=60)


class Capacity(Section):
    """What the machine is asked to carry, and how the queue before it moves."""

    reserve_gib: float = knob(1.0, "Memory never promised to sessions.", "GiB", ge=0.25, le=1024)
    start_slots: int | None = knob(
        None,
        "How many sessions start at a time, the others wait in a queue; empty means 2.5 for "
        "each core.",
        "count",
        ge=1,
        le=1000,
    )
    overtake_minutes: float = knob(
        10.0,
        "How long a request that waits for memory may be overtaken by smaller ones that fit; "
        "after that, free memory is kept for it. 0: nobody overtakes.",
        "minutes",
        ge=0,
        le=1440,
    )


class Database(Section):
    """Where Carrel and JupyterHub keep their tables (two databases)."""

    backend: str = knob(
        "sqlite",
        "`sqlite` (in the data directory) or `postgres` (a container of its own).",
        pattern=r"^(sqlite|postgres)$",
    )


class GitHub(Section):
    """Links to notebooks of public repositories."""

    host: str = knob(
        "github.com",
        "Whose public repositories `/github/<owner>/<repository>/blob/…` means; empty: there are "
        "no such links.",
        "host[:port]",
        pattern=r"^([a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?(:[0-9]{1,5})?)?$",
    )


class Machine(Section):
    """A machine type: what a session of it may use."""

    cores: float = knob(1.0, "CPU limit.", "cores", gt=0, le=512)
    memory_gib: float = knob(1.0, "Memory limit; swap is not added to it.", "GiB", ge=0.25, le=4096)
    guarantee_gib: float | None = knob(
        None, "Memory that admission counts for a session; empty means the limit.", "GiB", gt=0
    )

    @property
    def memory_bytes(self) -> int:
        return int(self.memory_gib * GIB)

    @property
    def guarantee_bytes(self) -> int:
        return int((self.guarantee_gib or self.memory_gib) * GIB)


class ProfileSettings(Section):
    """What a user may ask for: an image family and a machine type."""

    slug: str = knob(..., "Name of the profile in links and in the API.", pattern=SLUG)
    title: str = knob(..., "Name of the profile on the start page.", min_length=1, max_length=60)
    description: str = knob("", "What it is for, in words.", max_length=300)
    image: str = knob(..., "Image family, or one of images.extra.")
    machine: str = knob(..., "Machine type, a key of [machines].")
    default: bool = knob(False, "Whether the big Start button means this one.")
