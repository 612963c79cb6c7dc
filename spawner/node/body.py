"""The create body that node sends: written anew from a Spec, with the confinement set here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spawner.confinement import (
    CAPABILITIES,
    CONTENT,
    COURSES_INSIDE,
    DRIVE_INSIDE,
    LABEL_PROFILE,
    LABEL_PROJECT,
    LABEL_SESSION,
    LABEL_USER,
    MIB,
    SECURITY_OPT,
    SERVER_PORT,
    SHARED,
)
from spawner.node.config import NodeConfig
from spawner.node.rules import HOSTNAME, Spec

NO_DEVICES = "NVIDIA_VISIBLE_DEVICES=void"
"""Where NVIDIA's runtime is the daemon's default, only this word keeps every GPU out."""


def build(spec: Spec, config: NodeConfig, cgroup_parent: str = "") -> dict[str, Any]:
    return {
        "Image": spec.image,
        "Hostname": HOSTNAME,
        "User": "",
        "Cmd": list(spec.command),
        "Env": [*spec.environment, NO_DEVICES],
        "WorkingDir": CONTENT,
        "ExposedPorts": {f"{SERVER_PORT}/tcp": {}},
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "OpenStdin": False,
        "Tty": False,
        "Labels": {
            LABEL_PROJECT: config.project,
            LABEL_SESSION: spec.session,
            LABEL_USER: spec.user,
            LABEL_PROFILE: spec.profile,
        },
        "HostConfig": _host_config(spec, config) | {"CgroupParent": cgroup_parent},
    }


def _host_config(spec: Spec, config: NodeConfig) -> dict[str, Any]:
    return {
        "Privileged": False,
        "CapDrop": ["ALL"],
        "CapAdd": list(CAPABILITIES),
        "SecurityOpt": list(SECURITY_OPT),
        "Devices": [],
        "NetworkMode": config.network.name,
        "PublishAllPorts": False,
        # "private" is stated, as the daemon's defaults may be the host's (cgroup v1) or shareable.
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "PidMode": "",
        "UTSMode": "",
        "UsernsMode": "",
        # A mount, not a bind: a missing source is an error, where a bind would have it created.
        "Mounts": [
            _mount(config.homes / spec.home, CONTENT, read_only=False),
            *(
                (_mount(config.drive / spec.home, DRIVE_INSIDE, read_only=False),)
                if spec.drive
                else ()
            ),
            *(
                _mount(config.courses / slug / SHARED, f"{COURSES_INSIDE}/{slug}", read_only=True)
                for slug in spec.courses
            ),
        ],
        "Memory": spec.memory_bytes,
        "MemorySwap": spec.memory_bytes,
        "NanoCpus": spec.nano_cpus,
        "PidsLimit": spec.pids,
        # When memory is short after all, sessions go before hub, proxy, node and the database.
        "OomScoreAdj": 500,
        "ShmSize": spec.shm_bytes,
        "LogConfig": {
            "Type": "json-file",
            "Config": {"max-size": f"{spec.log_bytes // MIB}m", "max-file": "1"},
        },
        "Init": True,
        "AutoRemove": False,
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    }


def _mount(source: Path, target: str, *, read_only: bool) -> dict[str, Any]:
    return {
        "Type": "bind",
        "Source": str(source),
        "Target": target,
        "ReadOnly": read_only,
        "BindOptions": {"Propagation": "rprivate"},
    }
