"""The create call: whole, and what node lets through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docker.types import ContainerConfig

from spawner.confinement import GIB, MIB
from spawner.container import kwargs
from spawner.node.config import parse
from spawner.node.rules import decide
from spawner.plan import Site, build
from spawner.profiles import Grant, Profile

SITE = Site("carrel", Path("/srv/carrel"), "carrel-sessions", 1024, 256 * MIB, 10)
GRANT = Grant(
    "0123456789ab",
    "ada.l",
    Profile("small", "Small", "", "base", 1, GIB, GIB // 2),
    "carrel/session-base:1",
)
PLAN = build(GRANT, SITE, {"JUPYTERHUB_API_TOKEN": "t"})


def body(call: dict[str, Any]) -> dict[str, Any]:
    """What docker-py puts on the wire for a call."""
    rest = {key: value for key, value in call.items() if key != "name"}
    return json.loads(json.dumps(ContainerConfig("1.41", **rest)))


def test_the_call_is_this_and_nothing_more() -> None:
    assert kwargs(PLAN) == {
        "image": "carrel/session-base:1",
        "name": "carrel-ada_2el-0123456789ab",
        "hostname": "carrel",
        "command": list(PLAN.command),
        "environment": {"JUPYTERHUB_API_TOKEN": "t", "HOME": "/content", "SHELL": "/bin/bash"},
        "labels": {
            "carrel.project": "carrel",
            "carrel.session": "0123456789ab",
            "carrel.user": "ada.l",
            "carrel.profile": "small",
        },
        "ports": [8888],
        "working_dir": "/content",
        "host_config": {
            "Memory": GIB,
            "MemorySwap": GIB,
            "NanoCpus": 1_000_000_000,
            "PidsLimit": 1024,
            "ShmSize": 256 * MIB,
            "CapDrop": ["ALL"],
            "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
            "SecurityOpt": ["no-new-privileges"],
            "Binds": ["/srv/carrel/homes/ada_2el:/content:rw"],
            "NetworkMode": "carrel-sessions",
            "LogConfig": {
                "Type": "json-file",
                "Config": {"max-size": "10m", "max-file": "1"},
            },
            "Init": True,
            "AutoRemove": False,
        },
    }


def test_node_lets_it_through_as_it_is() -> None:
    config = parse(
        json.dumps(
            {
                "project": "carrel",
                "data_dir": "/srv/carrel",
                "engine_socket": "/var/run/docker.sock",
                "socket": "/srv/carrel/run/node.sock",
                "hub_uid": 1000,
                "session_uid": 0,
                "images": ["carrel/session-base:1"],
                "tools_image": "carrel/hub:1",
                "drive_image": "carrel/drivesync:1",
                "drive_grace_s": 75,
                "network": {
                    "name": "carrel-sessions",
                    "bridge": "carrel0",
                    "subnet": "10.203.0.0/20",
                    "hub": "10.203.0.2",
                    "proxy": "10.203.0.3",
                    "hub_port": 8081,
                    "allow": [],
                    "services": [],
                },
                "limits": {
                    "sessions_max_bytes": 2**33,
                    "memory_max_bytes": GIB,
                    "nano_cpus_max": 10**9,
                    "pids_max": 1024,
                    "shm_max_bytes": 256 * MIB,
                    "log_max_bytes": 10 * MIB,
                },
            }
        )
    )
    call = kwargs(PLAN)
    spec = decide(call["name"], body(call), config)
    assert (spec.user, spec.session, spec.memory_bytes) == ("ada.l", "0123456789ab", GIB)
    assert spec.command == PLAN.command
