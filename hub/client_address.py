"""Tells where a request comes from, against headers that lie (pure)."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

UNKNOWN = "unknown"


def client_address(
    peer: str,
    forwarded_for: str,
    sessions: str,
    proxies: Collection[str] = (),
    *,
    behind_tls_proxy: bool = False,
) -> str:
    """The address to count wrong passwords against.

    ``peer`` is who opened the connection, ``forwarded_for`` the X-Forwarded-For header,
    ``sessions`` the network of the sessions (CIDR), ``proxies`` our own and other trusted ones.
    ``behind_tls_proxy``: the site says that its own proxy is in front, and ours listens on
    loopback alone, so whoever speaks to ours is that proxy: its word on its peer then counts.

    Every hop appends its peer to X-Forwarded-For, so only the end of it can be believed: the
    last address that is no proxy of ours. What a browser writes in front does not count, and a
    session that talks to the hub's port directly is the session, whatever its headers say.
    Tornado's ``remote_ip`` will not do: it believes X-Real-Ip from anybody.
    """
    if peer not in proxies and _inside(peer, sessions):
        return _counted(peer)
    hops = [part.strip() for part in forwarded_for.split(",")]
    if behind_tls_proxy and len(hops) > 1 and hops[-1] not in proxies:
        hops.pop()
    for hop in reversed(hops):
        if _counted(hop) == UNKNOWN:
            break
        if hop not in proxies:
            return _counted(hop)
    return _counted(peer)


def _counted(text: str) -> str:
    """IPv4 as it is, IPv6 as its /64: one home has 2^64 of those addresses."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address.packed, 64), strict=False).network_address) + "/64"


def _inside(text: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(text) in ipaddress.ip_network(network)
    except ValueError:
        return False
