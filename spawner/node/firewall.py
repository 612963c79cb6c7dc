"""The session firewall as lists of rules: who may speak to whom on the sessions' bridge (pure).

Two chains per installation and address family. The forwarding chain is entered before any rule
of the engine's or the admin's, and decides three things in this order:

1. what enters the bridge: replies; hub and proxy to a session's server; anyone there to the
   hub's API and to a service of ours (the demo has one); what the engine itself publishes for the
   proxy. Nothing else, so neither another session, nor the network around this host, nor another
   bridge.
2. what ours send out of it: the hub anything (logins with other providers), proxy and services
   nothing.
3. what sessions send out of it: DNS to this host's resolvers, the allow-list, the internet.

What may leave is RETURNed, not accepted: the admin's own rules in DOCKER-USER and the engine's
isolation of bridges still apply. Inside the bridge it must be ACCEPT, since icc=false drops there.

Only packets in reply direction pass as "established". A connection that was opened while
somebody had the rules flushed is cut when they are back, because its own direction is judged
packet by packet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address

from spawner.confinement import SERVER_PORT
from spawner.node.config import NetworkConfig, NodeConfig

NEVER = (
    "0.0.0.0/8",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
"""Out of reach whatever the allow-list says: link-local holds the clouds' metadata services,
168.63.129.16 is Azure's, with the secrets of its machines."""

PRIVATE = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
)
"""Out of reach unless the allow-list names them."""

REPLIES = "-m conntrack --ctstate RELATED,ESTABLISHED --ctdir REPLY -j ACCEPT"

ENGINE_CHAIN = "DOCKER-USER"
"""The chain that the engine keeps for its admin and enters first from FORWARD."""


class Family(Enum):
    """An address family; the value is the prefix of its iptables commands."""

    V4 = "iptables"
    V6 = "ip6tables"


@dataclass(frozen=True)
class Chain:
    """One chain of ours: the chain it is entered from, and its rules in iptables-save's words."""

    name: str
    parent: str
    rules: tuple[str, ...]


def v4(config: NodeConfig, resolvers: tuple[IPv4Address, ...]) -> tuple[Chain, ...]:
    network = config.network
    return (
        Chain(f"CARREL-{config.project}-FWD", ENGINE_CHAIN, tuple(_forward(network, resolvers))),
        Chain(f"CARREL-{config.project}-IN", "INPUT", tuple(_input(network, resolvers))),
    )


def v6(config: NodeConfig) -> tuple[Chain, ...]:
    """The network is IPv4 only, so no IPv6 packet has any business on its bridge."""
    bridge = config.network.bridge
    return (
        Chain(
            f"CARREL-{config.project}-FWD",
            "FORWARD",  # the engine makes DOCKER-USER for IPv6 only where IPv6 is switched on
            (f"-i {bridge} -j DROP", f"-o {bridge} -j DROP"),
        ),
        Chain(f"CARREL-{config.project}-IN", "INPUT", (f"-i {bridge} -j DROP",)),
    )


def _forward(network: NetworkConfig, resolvers: tuple[IPv4Address, ...]) -> Iterator[str]:
    bridge, hub, proxy = network.bridge, network.hub, network.proxy
    inside = f"-i {bridge} -o {bridge} -p tcp -m tcp"
    yield f"! -i {bridge} ! -o {bridge} -j RETURN"
    yield REPLIES

    yield f"-s {hub}/32 -d {network.subnet} {inside} --dport {SERVER_PORT} -j ACCEPT"
    yield f"-s {proxy}/32 -d {network.subnet} {inside} --dport {SERVER_PORT} -j ACCEPT"
    # The two also share a network of their own, but the engine's DNS may name either address.
    yield f"-s {hub}/32 -d {proxy}/32 {inside} -j ACCEPT"
    yield f"-s {network.subnet} -d {hub}/32 {inside} --dport {network.hub_port} -j ACCEPT"
    for service in network.services:
        to = f"-s {network.subnet} -d {service.address}/32"
        yield f"{to} {inside} --dport {service.port} -j ACCEPT"
    # The engine may forward the proxy's published port to its address on this bridge.
    yield f"-d {proxy}/32 ! -i {bridge} -o {bridge} -m conntrack --ctstate DNAT -j RETURN"
    yield f"-o {bridge} -j DROP"

    yield f"-s {hub}/32 -j RETURN"
    yield f"-s {proxy}/32 -j DROP"
    yield from (f"-s {service.address}/32 -j DROP" for service in network.services)

    for resolver in resolvers:
        yield from _both(f"-d {resolver}/32", 53, "RETURN")
    # A port that the host publishes: by now its destination is some other container's address.
    yield "-m conntrack --ctstate DNAT -j DROP"
    yield from (f"-d {never} -j DROP" for never in NEVER)
    for allowed in network.allow:
        if allowed.port:
            yield from _both(f"-d {allowed.network}", allowed.port, "RETURN")
        else:
            yield f"-d {allowed.network} -j RETURN"
    yield from (f"-d {private} -j DROP" for private in PRIVATE)


def _input(network: NetworkConfig, resolvers: tuple[IPv4Address, ...]) -> Iterator[str]:
    """To the host itself, hub and proxy included: nothing but DNS, where the host resolves."""
    yield f"! -i {network.bridge} -j RETURN"
    yield REPLIES
    for resolver in resolvers:
        yield from _both(f"-d {resolver}/32", 53, "ACCEPT")
    yield "-j DROP"


def _both(match: str, port: int, target: str) -> Iterator[str]:
    yield f"{match} -p udp -m udp --dport {port} -j {target}"
    yield f"{match} -p tcp -m tcp --dport {port} -j {target}"
