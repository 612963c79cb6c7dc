"""All settings, read once at the start into a frozen model.

On the host: ``config/carrel.toml`` under the environment (``CARREL_SERVER__PORT=8001``). In the
containers: the resolved values that ``up`` wrote to ``<data_dir>/etc/settings.json``, so that an
edit takes effect at the next ``up`` and never half-way.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from hub import crossed
from hub.drive_knobs import Drive
from hub.enums import Provider
from hub.knobs import (
    AbsolutePath,
    Auth,
    Capacity,
    Database,
    GitHub,
    Idle,
    Images,
    Machine,
    NetworkSettings,
    ProfileSettings,
    Section,
    Server,
    Sessions,
    knob,
)
from hub.sign_on_knobs import SignOn
from spawner.confinement import MIB
from spawner.errors import CarrelError, Code

ENV_PREFIX = "CARREL_"
# Read by the launcher and by the tests' harness, not settings.
ENV_NOT_SETTINGS = frozenset({"CARREL_VENV", "CARREL_CONFIG", "CARREL_ETC", "CARREL_TEST_ENGINE"})


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
        pattern=r"^[a-z][a-z0-9]{0,9}$",
    )
    data_dir: AbsolutePath = knob(
        Path("/srv/carrel"), "Where homes, databases and secrets are kept.", "path"
    )
    demo: bool = knob(
        False,
        "A demo, where anybody logs in as anybody; `./carrel demo` sets it. Never where people "
        "work.",
    )
    server: Server = Server()
    auth: Auth = Auth()
    sign_on: SignOn = SignOn()
    network: NetworkSettings = NetworkSettings()
    images: Images = Images()
    sessions: Sessions = Sessions()
    idle: Idle = Idle()
    capacity: Capacity = Capacity()
    database: Database = Database()
    github: GitHub = GitHub()
    drive: Drive = Drive()
    machines: dict[str, Machine] = Field(
        default_factory=_default_machines, description="Machine types by name.", min_length=1
    )
    profiles: tuple[ProfileSettings, ...] = Field(
        default_factory=_default_profiles, description="What users choose from.", min_length=1
    )

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
    def has_passwords(self) -> bool:
        """Whether people log in with passwords of Carrel's own, and not at a provider."""
        return self.sign_on.provider is Provider.LOCAL

    def require_passwords(self) -> None:
        """Raises CarrelError(REFUSED) where a provider knows the passwords."""
        if not self.has_passwords:
            raise CarrelError(
                Code.REFUSED,
                "There are no passwords here: people log in at a provider.",
                "A password is changed there.",
            )

    @property
    def behind_tls_proxy(self) -> bool:
        """The site's own proxy is in front: ours listens on loopback alone, under another name."""
        loopback = ipaddress.ip_address(self.server.bind).is_loopback
        return bool(self.server.public_url) and loopback

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
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
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
        problems += crossed.problems(settings.model_dump())
    except ValidationError as error:
        problems += [_describe(item) for item in error.errors()]
        # What does not fit together is told along with what is wrong by itself.
        problems += crossed.problems({**Settings().model_dump(), **table})
    except SettingsError as error:
        problems.append(f'{error}; lists and tables are given as JSON, for instance ["a", "b"]')
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
