"""Turns a plan into what docker-py's ``create_container`` takes (pure)."""

from __future__ import annotations

from typing import Any

from spawner.confinement import CAPABILITIES, CONTENT, SECURITY_OPT, SERVER_PORT
from spawner.plan import Plan

HOSTNAME = "carrel"


def kwargs(plan: Plan) -> dict[str, Any]:
    """The create call for a plan.

    The host config is written out in the engine's own words: docker-py's helper for it needs to
    have asked the engine for its version, and this must not wait for anybody.
    """
    limits = plan.limits
    return {
        "image": plan.image,
        "name": plan.name,
        "hostname": HOSTNAME,
        "command": list(plan.command),
        "environment": dict(plan.environment),
        "labels": dict(plan.labels),
        "ports": [SERVER_PORT],
        "working_dir": CONTENT,
        "host_config": {
            "Memory": limits.memory_bytes,
            # Equal to Memory means no swap: a session that outgrows its memory ends at once,
            # instead of dragging every neighbour through the disk.
            "MemorySwap": limits.memory_bytes,
            "NanoCpus": limits.nano_cpus,
            "PidsLimit": limits.pids,
            "ShmSize": limits.shm_bytes,
            "CapDrop": ["ALL"],
            "CapAdd": list(CAPABILITIES),
            "SecurityOpt": list(SECURITY_OPT),
            "Binds": [
                f"{mount.source}:{mount.target}:{'ro' if mount.read_only else 'rw'}"
                for mount in plan.mounts
            ],
            "NetworkMode": plan.network,
            "LogConfig": {
                "Type": "json-file",
                "Config": {"max-size": f"{limits.log_mib}m", "max-file": "1"},
            },
            # Reaps what notebooks leave behind and passes the stop signal on.
            "Init": True,
            # Removed by hand after its exit state was read: an OOM kill would look like a
            # clean exit otherwise.
            "AutoRemove": False,
        },
    }
