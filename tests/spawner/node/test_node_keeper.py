"""The keeper's verdicts where a host lacks something; its rules are tested on a real engine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from spawner.node import firewall_keeper
from spawner.node.firewall_keeper import Keeper

WITH_ENGINE = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:DOCKER-USER - [0:0]\nCOMMIT\n"


class Host:
    """A machine's /proc, and iptables commands that remember what they were given."""

    def __init__(self, root: Path) -> None:
        self.proc = root / "proc"
        self.bin = root / "bin"
        self.given = root / "given"
        for folder in (self.proc / "net", self.proc / "sys/net/bridge", self.bin):
            folder.mkdir(parents=True)
        self.switch("iptables", "1")
        self.iptables("nft", WITH_ENGINE)

    def switch(self, command: str, value: str) -> None:
        (self.proc / f"sys/net/bridge/bridge-nf-call-{command}").write_text(f"{value}\n")

    def iptables(self, backend: str, saved: str, restore: str = "cat") -> None:
        """``saved`` is what the table says for ever, whatever is restored."""
        (self.bin / "saved").write_text(saved)
        self.command(f"iptables-{backend}-save", f"cat {self.bin}/saved")
        self.command(f"iptables-{backend}-restore", f"{restore} >> {self.given}")

    def command(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


@pytest.fixture
def host(tmp_path, monkeypatch):
    made = Host(tmp_path)
    monkeypatch.setenv("PATH", str(made.bin), prepend=":")
    return made


@pytest.fixture
def keeper(config, host):
    return Keeper(config, host.proc, read_resolvers=lambda: ())


def test_nothing_is_in_place_before_the_first_look(keeper):
    assert keeper.status.in_place is False


async def test_bridge_filtering_that_is_off_is_said_with_its_remedy(keeper, host):
    """Without it two sessions meet below the firewall."""
    host.switch("iptables", "0")

    await keeper.check()

    assert keeper.status.in_place is False
    assert "sysctl -w net.bridge.bridge-nf-call-iptables=1" in keeper.status.detail


async def test_where_there_is_ipv6_its_bridge_filtering_counts_too(keeper, host):
    (host.proc / "net/if_inet6").write_text("")

    await keeper.check()

    assert "bridge-nf-call-ip6tables" in keeper.status.detail


async def test_an_engine_without_its_chain_is_said_and_nothing_is_written(keeper, host):
    host.iptables("nft", "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n")

    await keeper.check()

    assert "DOCKER-USER is in no iptables table" in keeper.status.detail
    assert not host.given.exists()


async def test_rules_that_do_not_hold_are_not_taken_for_granted(keeper, host):
    """The restore says yes, the table says no: what counts is the table."""
    await keeper.check()

    assert "*filter" in host.given.read_text()
    assert keeper.status.in_place is False
    assert "After putting it right" in keeper.status.detail


async def test_a_command_that_fails_is_quoted(keeper, host):
    host.iptables("nft", WITH_ENGINE, restore="echo 'Operation not permitted' >&2; exit 4; cat")

    await keeper.check()

    assert "iptables-nft-restore failed: Operation not permitted" in keeper.status.detail


async def test_a_command_that_hangs_is_left(keeper, host, monkeypatch):
    monkeypatch.setattr(firewall_keeper, "_COMMAND_TIMEOUT_S", 0.2)
    host.command("iptables-nft-save", "exec sleep 60")

    await keeper.check()

    assert "does not come to an end" in keeper.status.detail


async def test_a_missing_command_is_a_verdict_not_a_crash(keeper, host):
    host.command("iptables-nft-save", "exec /nowhere/at/all")

    await keeper.check()

    assert keeper.status.in_place is False


async def test_legacy_tables_are_looked_at_only_where_the_kernel_has_them(keeper, host):
    """Asking would make them."""
    asked = host.bin / "asked"
    host.iptables("nft", "*filter\nCOMMIT\n")
    host.command("iptables-legacy-save", f"touch {asked}")

    await keeper.check()
    assert not asked.exists()

    (host.proc / "net/ip_tables_names").write_text("nat\nfilter\n")
    await keeper.check()
    assert asked.exists()


async def test_a_verdict_grows_old(keeper, host, monkeypatch):
    """A keeper that hangs must not leave the door open on its last good word."""
    monkeypatch.setattr(Keeper, "_ensure", _all_is_well)
    await keeper.check()
    assert keeper.status.in_place is True

    later = time.monotonic() + 11
    monkeypatch.setattr(firewall_keeper.time, "monotonic", lambda: later)

    assert keeper.status.in_place is False
    assert "11 s ago" in keeper.status.detail


async def _all_is_well(_keeper: Keeper) -> None:
    return None
