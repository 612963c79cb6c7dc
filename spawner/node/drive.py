"""A Drive sidecar: what may be asked, and the container that the engine is told to make (pure).

It sees ``drive/<user>`` and ``drive-state/<user>`` and nothing else, shares no namespace with the
session, and is held tighter than one. Nothing of its body comes from the caller but who it is for,
where in the hub it asks, and the site's proxies; its bearer goes into a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spawner import names
from spawner.confinement import (
    LABEL_DRIVE,
    LABEL_PROJECT,
    LABEL_USER,
    MIB,
    PROXY_VARIABLES,
    SECURITY_OPT,
)
from spawner.errors import Code
from spawner.node.body import NO_DEVICES
from spawner.node.config import NetworkConfig, NodeConfig
from spawner.node.fields import Fields
from spawner.node.rules import SESSION_ID

DRIVE, STATE = "/drive", "/state"
"""Where it finds the two folders."""
CAPABILITIES = ("DAC_OVERRIDE", "FOWNER")
"""Of the root of sessions: a student may have given a file to any user there, closed to all."""
MEMORY_BYTES = 256 * MIB
PIDS = 128
TMP_MIB = 64
OOM_SCORE = 700
"""Goes before any session (500): it loses nothing, and begins anew in seconds."""
_BEARER = r"[A-Za-z0-9_.~-]{16,512}"
_PROXY = re.compile(rf"({'|'.join(PROXY_VARIABLES)})=[!-~]{{1,500}}", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """A sidecar to be started. ``hub_url`` is on the sessions' network, where the hub's API is."""

    user: str
    session: str
    bearer: str
    hub_url: str
    proxies: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Name of the user's folder under drive/ and drive-state/."""
        return names.escape(self.user)


def decide(user: str, body: dict[str, Any], config: NodeConfig) -> Wanted:
    """What ``body`` asks for. Raises CarrelError(REFUSED) that names the field."""
    fields = Fields(body, "", Code.REFUSED)
    network = config.network
    hub = re.escape(f"http://{network.hub}:{network.hub_port}/")
    wanted = Wanted(
        user,
        session=fields.text("session", SESSION_ID),
        bearer=fields.text("bearer", _BEARER),
        hub_url=fields.text("hub_url", rf"{hub}[a-z0-9/_-]{{0,200}}"),
        proxies=_proxies(fields),
    )
    fields.finish(empty_passes=False)
    return wanted


def container_name(project: str, user: str, session: str) -> str:
    """Of no session, whose name ends with its id."""
    return f"{project}-{names.escape(user)}-{session}-drive"


def create_body(wanted: Wanted, config: NodeConfig, cgroup_parent: str = "") -> dict[str, Any]:
    """What the engine is asked to make; the program is the image's own."""
    return {
        "Image": config.drive_image,
        "Hostname": "drive",
        "User": "0:0",
        "Env": [
            f"CARREL_HUB_URL={wanted.hub_url}",
            "HOME=/tmp",
            NO_DEVICES,
            *_environment(wanted.proxies, config.network),
        ],
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "OpenStdin": False,
        "Tty": False,
        "Labels": {
            LABEL_PROJECT: config.project,
            LABEL_USER: wanted.user,
            LABEL_DRIVE: wanted.session,
        },
        "HostConfig": _host_config(wanted, config) | {"CgroupParent": cgroup_parent},
    }


def _host_config(wanted: Wanted, config: NodeConfig) -> dict[str, Any]:
    return {
        "Privileged": False,
        "CapDrop": ["ALL"],
        "CapAdd": list(CAPABILITIES),
        "SecurityOpt": list(SECURITY_OPT),
        "Devices": [],
        "NetworkMode": config.network.name,
        "PublishAllPorts": False,
        # Stated, as the daemon's defaults may be the host's or shareable.
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "PidMode": "",
        "UTSMode": "",
        "UsernsMode": "",
        "ReadonlyRootfs": True,
        "Tmpfs": {"/tmp": f"rw,noexec,nosuid,nodev,size={TMP_MIB}m"},  # noqa: S108  its own
        "Mounts": [
            _mount(config.drive / wanted.folder, DRIVE),
            _mount(config.drive_state / wanted.folder, STATE),
        ],
        "Memory": MEMORY_BYTES,
        "MemorySwap": MEMORY_BYTES,
        "NanoCpus": 10**9,
        "PidsLimit": PIDS,
        "OomScoreAdj": OOM_SCORE,
        "ShmSize": MIB,
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "5m", "max-file": "1"}},
        "Init": True,
        "AutoRemove": False,
        # Whoever runs the deployment decides when it begins again, with a new bearer.
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    }


def _mount(source: Path, target: str) -> dict[str, Any]:
    return {
        "Type": "bind",
        "Source": str(source),
        "Target": target,
        "ReadOnly": False,
        "BindOptions": {"Propagation": "rprivate"},
    }


def _proxies(fields: Fields) -> tuple[str, ...]:
    proxies = fields.texts("proxies", len(PROXY_VARIABLES))
    if not all(_PROXY.fullmatch(item) for item in proxies):
        fields.refuse("proxies", "must hold the variables of proxies only")
    return proxies


def _environment(proxies: tuple[str, ...], network: NetworkConfig) -> list[str]:
    """The site's proxies, but for what is on the sessions' network: no proxy could reach it."""
    if not proxies:
        return []
    given = dict(item.split("=", 1) for item in proxies)
    near = [given.get("NO_PROXY") or given.get("no_proxy", ""), str(network.hub)]
    near += [str(service.address) for service in network.services]
    never = ",".join(filter(None, near))
    return [f"{k}={v}" for k, v in (given | {"NO_PROXY": never, "no_proxy": never}).items()]
