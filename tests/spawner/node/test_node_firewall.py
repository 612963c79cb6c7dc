"""The session firewall's rules, whole and in order."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from spawner.node import firewall, resolvers
from spawner.node.config import Service
from spawner.node.firewall import Chain

RESOLVERS = (IPv4Address("10.255.255.53"),)


def test_the_forwarding_chain_for_ipv4(config):
    """Order is the meaning: the first rule that matches a packet decides it."""
    forward, _ = firewall.v4(config, RESOLVERS)

    assert forward == Chain(
        "CARREL-carrel-FWD",
        "DOCKER-USER",
        (
            "! -i carrel0 ! -o carrel0 -j RETURN",
            "-m conntrack --ctstate RELATED,ESTABLISHED --ctdir REPLY -j ACCEPT",
            "-s 10.203.0.2/32 -d 10.203.0.0/20 -i carrel0 -o carrel0 -p tcp -m tcp"
            " --dport 8888 -j ACCEPT",
            "-s 10.203.0.3/32 -d 10.203.0.0/20 -i carrel0 -o carrel0 -p tcp -m tcp"
            " --dport 8888 -j ACCEPT",
            "-s 10.203.0.2/32 -d 10.203.0.3/32 -i carrel0 -o carrel0 -p tcp -m tcp -j ACCEPT",
            "-s 10.203.0.0/20 -d 10.203.0.2/32 -i carrel0 -o carrel0 -p tcp -m tcp"
            " --dport 8081 -j ACCEPT",
            "-d 10.203.0.3/32 ! -i carrel0 -o carrel0 -m conntrack --ctstate DNAT -j RETURN",
            "-o carrel0 -j DROP",
            "-s 10.203.0.2/32 -j RETURN",
            "-s 10.203.0.3/32 -j DROP",
            "-d 10.255.255.53/32 -p udp -m udp --dport 53 -j RETURN",
            "-d 10.255.255.53/32 -p tcp -m tcp --dport 53 -j RETURN",
            "-m conntrack --ctstate DNAT -j DROP",
            "-d 0.0.0.0/8 -j DROP",
            "-d 127.0.0.0/8 -j DROP",
            "-d 168.63.129.16/32 -j DROP",
            "-d 169.254.0.0/16 -j DROP",
            "-d 224.0.0.0/4 -j DROP",
            "-d 240.0.0.0/4 -j DROP",
            "-d 10.9.0.0/16 -j RETURN",
            "-d 192.168.7.7/32 -p udp -m udp --dport 3142 -j RETURN",
            "-d 192.168.7.7/32 -p tcp -m tcp --dport 3142 -j RETURN",
            "-d 10.0.0.0/8 -j DROP",
            "-d 100.64.0.0/10 -j DROP",
            "-d 172.16.0.0/12 -j DROP",
            "-d 192.0.0.0/24 -j DROP",
            "-d 192.168.0.0/16 -j DROP",
            "-d 198.18.0.0/15 -j DROP",
        ),
    )


def test_a_service_is_reached_at_its_port_and_reaches_nobody(config):
    service = Service(IPv4Address("10.203.0.4"), 8095)
    network = replace(config.network, services=(service,))
    rules = firewall.v4(replace(config, network=network), RESOLVERS)[0].rules

    to_it = (
        "-s 10.203.0.0/20 -d 10.203.0.4/32 -i carrel0 -o carrel0 -p tcp -m tcp --dport 8095"
        " -j ACCEPT"
    )
    assert rules.index(to_it) < rules.index("-o carrel0 -j DROP")
    by_it = rules.index("-s 10.203.0.4/32 -j DROP")
    assert (
        rules.index("-o carrel0 -j DROP")
        < by_it
        < rules.index("-m conntrack --ctstate DNAT -j DROP")
    )
    assert {rule for rule in rules if "10.203.0.4" in rule} == {to_it, rules[by_it]}


def test_the_input_chain_for_ipv4(config):
    """To the host: nothing, unless it is the resolver itself."""
    _, into_host = firewall.v4(config, RESOLVERS)

    assert into_host == Chain(
        "CARREL-carrel-IN",
        "INPUT",
        (
            "! -i carrel0 -j RETURN",
            "-m conntrack --ctstate RELATED,ESTABLISHED --ctdir REPLY -j ACCEPT",
            "-d 10.255.255.53/32 -p udp -m udp --dport 53 -j ACCEPT",
            "-d 10.255.255.53/32 -p tcp -m tcp --dport 53 -j ACCEPT",
            "-j DROP",
        ),
    )


def test_ipv6_passes_nowhere(config):
    assert firewall.v6(config) == (
        Chain("CARREL-carrel-FWD", "FORWARD", ("-i carrel0 -j DROP", "-o carrel0 -j DROP")),
        Chain("CARREL-carrel-IN", "INPUT", ("-i carrel0 -j DROP",)),
    )


def test_an_allow_list_of_everything_still_keeps_link_local_and_sessions_out(config):
    wide = replace(
        config.network,
        allow=tuple(replace(a, network=a.network.supernet(new_prefix=0), port=0)
                    for a in config.network.allow[:1]),
    )  # fmt: skip
    rules = firewall.v4(replace(config, network=wide), ())[0].rules

    opened = rules.index("-d 0.0.0.0/0 -j RETURN")
    assert rules.index("-d 169.254.0.0/16 -j DROP") < opened
    assert rules.index("-o carrel0 -j DROP") < opened
    assert rules.index("-m conntrack --ctstate DNAT -j DROP") < opened


def test_documentation_ranges_are_not_dropped(config):
    """Some private clouds use them as if they were public."""
    rules = " ".join(firewall.v4(config, ())[0].rules)

    assert "203.0.113." not in rules
    assert "192.0.2." not in rules


def test_chain_names_fit_the_kernels_28_characters(config):
    long = replace(config, project="a" * 17)

    assert all(len(c.name) <= 28 for c in (*firewall.v4(long, ()), *firewall.v6(long)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nameserver 10.0.0.53\nnameserver 10.0.0.54\n", ["10.0.0.53", "10.0.0.54"]),
        ("# nameserver 10.0.0.1\nsearch a\n;x\nnameserver\t10.0.0.2 # x\n", ["10.0.0.2"]),
        ("nameserver 127.0.0.53\nnameserver 127.0.1.1\nnameserver 0.0.0.0", []),
        ("nameserver fd00::1\nnameserver not-one\nnameserver\n", []),
        ("nameserver 10.0.0.1\n" * 3, ["10.0.0.1"]),
        ("", []),
    ],
)
def test_resolvers_are_those_that_the_engine_hands_out(text, expected):
    assert [str(address) for address in resolvers.parse(text)] == expected


def test_behind_systemds_stub_the_servers_behind_it_count(tmp_path):
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.53\n")
    (tmp_path / "upstream").write_text("nameserver 192.168.1.1\n")

    found = resolvers.read((tmp_path / "missing", tmp_path / "resolv.conf", tmp_path / "upstream"))

    assert [str(address) for address in found] == ["192.168.1.1"]
