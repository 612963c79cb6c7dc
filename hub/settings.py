"""Every knob, read once at the start into a frozen model.

On the host: ``config/carrel.toml`` under the environment (``CARREL_SERVER__PORT=8001``). In the
containers: the resolved values that ``up`` wrote to ``<data_dir>/etc/settings.json``, so that an
edit takes effect at the next ``up`` and never half-way.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.functional_validators import AfterValidator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from spawner.confinement import GIB, MIB
from spawner.errors import CarrelError, Code

SLUG = r"^[a-z0-9][a-z0-9-]{0,31}$"
ENV_PREFIX = "CARREL_"
# Read by the launcher and by the tests' harness, not settings.
ENV_NOT_SETTINGS = frozenset({"CARREL_VENV", "CARREL_CONFIG", "CARREL_ETC", "CARREL_TEST_ENGINE"})


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


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Network = Annotated[str, AfterValidator(_network)]


class Server(Section):
    """Where browsers reach Carrel."""

    bind: str = knob(
        "127.0.0.1",
        "Address that the proxy listens on; `up --lan` sets 0.0.0.0.",
        "address",
        pattern=r"^[0-9.]+$",
    )
    port: int = knob(8000, "Port of the web address.", "TCP port", ge=1, le=65535)
    public_url: str = knob(
        "",
        "The address people type, if it is not http://<bind>:<port>, for instance behind your "
        "own TLS proxy.",
        "URL",
        pattern=r"^(https?://[^/\s]+)?$",
    )


class Auth(Section):
    """Getting in."""

    setup_link_hours: int = knob(24, "How long a setup link lives.", "hours", ge=1, le=168)
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
        "found.",
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
        120, "How long a container may take until its server answers.", "seconds", ge=10, le=1800
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
    """What is kept back for hub, engine and system."""

    reserve_gib: float = knob(1.0, "Memory never promised to sessions.", "GiB", ge=0.25, le=1024)


class Database(Section):
    """Where Carrel and JupyterHub keep their tables (two databases)."""

    backend: str = knob(
        "sqlite",
        "`sqlite` (in the data directory) or `postgres` (a container of its own).",
        pattern=r"^(sqlite|postgres)$",
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


def _default_machines() -> dict[str, Machine]:
    return {
        "small": Machine(cores=1, memory_gib=1, guarantee_gib=0.5),
        "medium": Machine(cores=2, memory_gib=3, guarantee_gib=1.5),
    }


def _default_profiles() -> tuple[ProfileSettings, ...]:
    return (
        ProfileSettings(
            slug="small",
            title="Small",
            description="Python, terminals and light notebooks.",
            image="base",
            machine="small",
            default=True,
        ),
        ProfileSettings(
            slug="datascience",
            title="Data science",
            description="NumPy, pandas, SciPy, Matplotlib, seaborn and scikit-learn.",
            image="datascience",
            machine="medium",
        ),
    )


class Settings(Section):
    """All settings, resolved."""

    project: str = knob(
        "carrel",
        "Name of this installation among others on one engine.",
        pattern=r"^[a-z0-9]{1,20}$",
    )
    data_dir: AbsolutePath = knob(
        Path("/srv/carrel"), "Where homes, databases and secrets are kept.", "path"
    )
    server: Server = Server()
    auth: Auth = Auth()
    network: NetworkSettings = NetworkSettings()
    images: Images = Images()
    sessions: Sessions = Sessions()
    idle: Idle = Idle()
    capacity: Capacity = Capacity()
    database: Database = Database()
    machines: dict[str, Machine] = Field(
        default_factory=_default_machines, description="Machine types by name.", min_length=1
    )
    profiles: tuple[ProfileSettings, ...] = Field(
        default_factory=_default_profiles, description="What users choose from.", min_length=1
    )

    @model_validator(mode="after")
    def _check_profiles(self) -> Settings:
        problems = []
        slugs = [profile.slug for profile in self.profiles]
        for slug in sorted({slug for slug in slugs if slugs.count(slug) > 1}):
            problems.append(f"two profiles have the slug {slug!r}")
        if sum(profile.default for profile in self.profiles) > 1:
            problems.append("more than one profile says default = true")
        known = {"base", "datascience", "pytorch", *self.images.extra}
        for profile in self.profiles:
            if profile.machine not in self.machines:
                problems.append(f"profile {profile.slug!r}: no [machines.{profile.machine}]")
            if profile.image not in known:
                problems.append(f"profile {profile.slug!r}: image {profile.image!r} is not known")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def default_profile(self) -> ProfileSettings:
        return next((p for p in self.profiles if p.default), self.profiles[0])

    @property
    def public_url(self) -> str:
        """The address people type, without a slash at the end."""
        if self.server.public_url:
            return self.server.public_url
        host = "127.0.0.1" if self.server.bind == "0.0.0.0" else self.server.bind  # noqa: S104
        return f"http://{host}:{self.server.port}"

    @property
    def shm_bytes(self) -> int:
        return self.sessions.shm_mib * MIB


class _HostSettings(Settings, BaseSettings):
    """The settings as the host sees them: the file under the environment."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_nested_delimiter="__")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        **_others: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings


def load(path: Path, environ: dict[str, str] | None = None) -> Settings:
    """Settings from a TOML file and the environment; a missing file means all defaults.

    Raises CarrelError(BAD_INPUT) that lists every problem at once.
    """
    environ = dict(os.environ) if environ is None else environ
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CarrelError(
            Code.BAD_INPUT,
            f"{path.name} is not valid TOML: {error}.",
            "Mend that line and try again.",
        ) from error
    problems = _unknown_environment(environ)
    try:
        settings = Settings.model_validate(_HostSettings(**table).model_dump())
    except ValidationError as error:
        problems += [_describe(item) for item in error.errors()]
    except TypeError as error:
        problems.append(str(error))
    if problems:
        listing = "\n".join(f"  - {problem}" for problem in problems)
        raise CarrelError(
            Code.BAD_INPUT,
            f"{len(problems)} problem(s) in {path.name} or the environment; nothing was started:\n"
            f"{listing}\n",
            "Every setting with its default and unit is in docs/admin.md.",
        )
    return settings


def load_resolved(path: Path) -> Settings:
    """Settings from the JSON that ``up`` wrote: final, the environment does not count."""
    return Settings.model_validate_json(path.read_text(encoding="utf-8"))


def _describe(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"]) or "carrel.toml"
    if item["type"] == "extra_forbidden":
        return f"{where}: there is no such setting; remove it or mend its spelling"
    shown = repr(item["input"])
    value = f" = {shown[:80]}" if item["loc"] and item["type"] != "missing" else ""
    return f"{where}{value}: {item['msg'].removeprefix('Value error, ')}"


def _unknown_environment(environ: dict[str, str]) -> list[str]:
    problems = []
    for name in sorted(environ):
        if not name.startswith(ENV_PREFIX) or name in ENV_NOT_SETTINGS:
            continue
        if name.removeprefix(ENV_PREFIX).split("__")[0].lower() not in Settings.model_fields:
            problems.append(f"{name} (environment): there is no such setting; unset it")
    return problems
