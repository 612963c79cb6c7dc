"""What ``up`` hands to the containers: the files in <data_dir>/etc (pure but for ``write``)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub import capacity, drive_consent
from hub.cli.look import Engine, Machine
from hub.demo_drive import PORT as EMULATOR_PORT
from hub.settings import Settings
from spawner.confinement import MIB

HUB_UID = 60751
"""uid of hub, web and proxy inside their containers, and on a host without user remapping.

In none of the ranges that distributions, systemd or people take (systemd.io/UIDS-GIDS): 1000
would be the first person with an account on the host, to whom all secrets would belong.
"""
FLUSH_MARGIN_S = 15
"""What a Drive sidecar has beside its flush, to say how it went."""
ENGINE_SOCKET_INSIDE = "/var/run/docker.sock"

OURS = ("localhost", "127.0.0.1", "hub", "web", "node", "proxy", "postgres", "drive-emulator")
"""Names that no proxy is asked for."""


@dataclass(frozen=True)
class Deployment:
    """Everything that decides what the containers are."""

    settings: Settings
    machine: Machine
    engine: Engine
    compose_version: str
    references: Mapping[str, str]
    """Image name → reference."""
    families: Mapping[str, str]
    """Session image family → reference; complete while some are still being built."""
    proxies: Mapping[str, str]
    drive_image: str = ""
    """What Drive's sidecars run, while it may still be being built; empty: there are none."""

    @property
    def etc(self) -> Path:
        return self.settings.data_dir / "etc"

    @property
    def env_file(self) -> Path:
        return self.etc / "compose.env"

    def files(self) -> dict[str, str]:
        """File name → content."""
        settings_json = self.settings.model_dump_json(indent=1)
        images_json = _json(dict(self.families))
        node_json = _json(self._node())
        machine = self._machine()
        lasting = {key: value for key, value in machine.items() if key != "disk_free_bytes"}
        variables = self._variables() | {
            "CARREL_DIGEST_HUB": _digest(settings_json + images_json + _json(lasting)),
            "CARREL_DIGEST_NODE": _digest(node_json),
        }
        return {
            "settings.json": settings_json,
            "images.json": images_json,
            "node.json": node_json,
            "machine.json": _json(machine),
            "compose.env": "".join(f"{k}={v}\n" for k, v in sorted(variables.items())),
        }

    def write(self) -> None:
        """Writes what differs, each file whole or not at all. No secret is among them."""
        self.etc.mkdir(parents=True, exist_ok=True)
        # Whatever the umask: the hub's account walks in here and reads.
        self.etc.chmod(0o755)
        for name, content in self.files().items():
            write_whole(self.etc / name, content)

    def _node(self) -> dict[str, Any]:
        settings, network = self.settings, self.settings.network
        base = self.engine.userns_base or 0
        most_bytes = max(m.memory_bytes for m in settings.machines.values())
        return {
            "project": settings.project,
            "data_dir": str(settings.data_dir),
            "engine_socket": ENGINE_SOCKET_INSIDE,
            "socket": str(settings.data_dir / "run" / "node.sock"),
            "hub_uid": base + HUB_UID,
            "session_uid": base,
            "images": sorted({*self.families.values(), *settings.images.extra}),
            "tools_image": self.references["hub"],
            "drive_image": self.drive_image,
            "drive_grace_s": settings.drive.flush_s + FLUSH_MARGIN_S,
            "network": {
                "name": f"{settings.project}-sessions",
                "bridge": f"{settings.project}0",
                "subnet": settings.network.subnet,
                "hub": network.hub_address,
                "proxy": network.proxy_address,
                "hub_port": 8081,
                "allow": list(settings.network.allow),
                "services": (
                    [f"{network.emulator_address}:{EMULATOR_PORT}"] if settings.demo else []
                ),
            },
            "limits": {
                "sessions_max_bytes": max(
                    capacity.room_bytes(self.machine.memory_bytes, settings), most_bytes
                ),
                "memory_max_bytes": most_bytes,
                "nano_cpus_max": int(
                    min(self.machine.cores, max(m.cores for m in settings.machines.values()))
                    * 10**9
                ),
                "pids_max": settings.sessions.pids,
                "shm_max_bytes": settings.shm_bytes,
                "log_max_bytes": settings.sessions.log_mib * MIB,
            },
        }

    def _machine(self) -> dict[str, Any]:
        return {
            "engine_version": self.engine.version,
            "api_version": self.engine.api_version,
            "compose": self.compose_version,
            "userns_remap": self.engine.userns_base is not None,
            "environment": dict(self.proxies),
            **dataclasses.asdict(self.machine),
        }

    def _variables(self) -> dict[str, str]:
        settings, network = self.settings, self.settings.network
        return {
            "CARREL_PROJECT": settings.project,
            "CARREL_DATA_DIR": str(settings.data_dir),
            "CARREL_ENGINE_SOCKET": str(self.engine.socket),
            "CARREL_BIND": settings.server.bind,
            "CARREL_PORT": str(settings.server.port),
            "CARREL_ROUTING": _routing(settings),
            "CARREL_SUBNET": settings.network.subnet,
            "CARREL_SESSION_RANGE": network.session_range,
            "CARREL_GATEWAY": network.gateway,
            "CARREL_HUB_ADDRESS": network.hub_address,
            "CARREL_PROXY_ADDRESS": network.proxy_address,
            "CARREL_EMULATOR_ADDRESS": network.emulator_address,
            "CARREL_EMULATOR_PORT": str(EMULATOR_PORT),
            "CARREL_DRIVE_REDIRECT": drive_consent.redirect_uri(settings),
            # For the hub, which asks Google; all else that it asks is ours.
            "CARREL_HTTPS_PROXY": self._proxy("https_proxy"),
            "CARREL_NO_PROXY": ",".join(
                filter(None, (self._proxy("no_proxy"), *OURS, network.hub_address))
            ),
            **{_image(name): reference for name, reference in self.references.items()},
        }

    def _proxy(self, name: str) -> str:
        """Either spelling; empty where the host has none."""
        return self.proxies.get(name) or self.proxies.get(name.upper()) or ""


def _image(name: str) -> str:
    return f"CARREL_IMAGE_{name.upper().replace('-', '_')}"


def _routing(settings: Settings) -> str:
    # Compose has no optional argument; info is the log level anyway.
    return "--host-routing" if settings.server.subdomains else "--log-level=info"


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def write_whole(path: Path, content: str) -> None:
    """Replaces a file in one step, if its content differs; a crash leaves the old one."""
    if path.exists() and path.read_text(encoding="utf-8") == content:
        return
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("w", encoding="utf-8") as sink:
        sink.write(content)
        sink.flush()
        os.fchmod(sink.fileno(), 0o644)
        os.fsync(sink.fileno())
    temporary.replace(path)
