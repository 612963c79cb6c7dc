"""Reads what ``up`` wrote for the containers: settings, images, the machine; and the secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub import capacity, github_links
from hub.queueing import House
from hub.settings import Settings, load_resolved
from spawner.errors import CarrelError, Code
from spawner.plan import Site
from spawner.profiles import Catalog, Profile


@dataclass(frozen=True)
class Gpu:
    """One device; memory in bytes."""

    name: str
    memory_bytes: int


@dataclass(frozen=True)
class Machine:
    """The host as ``up`` found it; memory and disk in bytes."""

    engine_version: str
    api_version: str
    compose: str
    cores: int
    memory_bytes: int
    disk_free_bytes: int
    userns_remap: bool
    gpus: tuple[Gpu, ...]
    environment: Mapping[str, str]
    """What sessions are given to reach the internet: proxies, mirrors."""


@dataclass(frozen=True)
class Installation:
    """Everything a process of ours is told at its start."""

    settings: Settings
    machine: Machine
    images: Mapping[str, str]
    """Image family → reference."""

    @property
    def hub_address(self) -> str:
        """The hub's fixed address on the sessions' network."""
        return self.settings.network.hub_address

    @property
    def proxy_address(self) -> str:
        return self.settings.network.proxy_address

    def secret(self, name: str) -> str:
        """A secret by its path under ``secrets/``, for instance ``proxy/token``.

        Raises CarrelError(UNAVAILABLE).
        """
        path = self.settings.data_dir / "secrets" / name
        try:
            return path.read_text(encoding="ascii").strip()
        except OSError as error:
            raise CarrelError(
                Code.UNAVAILABLE,
                f"The secret {path} cannot be read ({error.strerror}).",
                "node makes it at its start: see ./carrel logs node.",
            ) from error

    def catalog(self) -> Catalog:
        """What users are offered."""
        settings = self.settings
        return Catalog(
            tuple(
                Profile(
                    slug=offered.slug,
                    title=offered.title,
                    description=offered.description,
                    image=offered.image,
                    # The engine refuses more cores than the host has.
                    cores=min(settings.machines[offered.machine].cores, self.machine.cores),
                    memory_bytes=settings.machines[offered.machine].memory_bytes,
                    guarantee_bytes=settings.machines[offered.machine].guarantee_bytes,
                    default=offered is settings.default_profile,
                )
                for offered in settings.profiles
            ),
            self.images,
        )

    def house(self) -> House:
        """What is offered and what there is to give."""
        machine = self.machine
        return House(
            self.catalog(), capacity.limits(machine.cores, machine.memory_bytes, self.settings)
        )

    def site(self) -> Site:
        """What holds for every session."""
        settings = self.settings
        return Site(
            project=settings.project,
            data_dir=settings.data_dir,
            network=f"{settings.project}-sessions",
            pids=settings.sessions.pids,
            shm_bytes=settings.shm_bytes,
            log_mib=settings.sessions.log_mib,
            environment={
                **self.machine.environment,
                **github_links.environment(settings.github.host),
            },
        )


def load(etc: Path) -> Installation:
    """From the folder that CARREL_ETC names."""
    return Installation(
        settings=load_resolved(etc / "settings.json"),
        machine=_machine(_json(etc / "machine.json")),
        images=_json(etc / "images.json"),
    )


def _json(path: Path) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table


def _machine(found: Mapping[str, Any]) -> Machine:
    return Machine(
        engine_version=found["engine_version"],
        api_version=found["api_version"],
        compose=found["compose"],
        cores=found["cores"],
        memory_bytes=found["memory_bytes"],
        disk_free_bytes=found["disk_free_bytes"],
        userns_remap=found["userns_remap"],
        gpus=tuple(Gpu(gpu["name"], gpu["memory_bytes"]) for gpu in found["gpus"]),
        environment=found.get("environment", {}),
    )
