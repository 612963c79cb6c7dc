"""Whether the engine's sessions network is the one that the firewall guards (pure)."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from spawner.node.config import NetworkConfig

_OPTION = "com.docker.network.bridge."


def faults(inspected: dict[str, Any], network: NetworkConfig) -> list[str]:
    """Where ``GET /networks/<name>`` differs from node.json; empty if it is the same network.

    Rules name a bridge: on any other, sessions would run with no firewall at all.
    """
    options = inspected.get("Options") or {}
    pools = (inspected.get("IPAM") or {}).get("Config") or []
    found = {
        "driver": inspected.get("Driver"),
        "bridge name": options.get(f"{_OPTION}name"),
        "icc": options.get(f"{_OPTION}enable_icc"),
        "subnets": [pool.get("Subnet") for pool in pools],
        "IPv6": inspected.get("EnableIPv6"),
    }
    wanted = {
        "driver": "bridge",
        "bridge name": network.bridge,
        "icc": "false",
        "subnets": [str(network.subnet)],
        "IPv6": False,
    }
    differences = [
        f"{what} is {found[what]!r}, not {wanted[what]!r}"
        for what in wanted
        if found[what] != wanted[what]
    ]
    return differences or _range_faults(pools[0], network)


def _range_faults(pool: dict[str, Any], network: NetworkConfig) -> list[str]:
    """A session must never be given an address that the rules trust."""
    handed_out = IPv4Network(pool.get("IPRange") or pool["Subnet"])
    if any(address in handed_out for address in network.ours):
        return [f"sessions get addresses from {handed_out}, which holds one of Carrel's own"]
    return []
