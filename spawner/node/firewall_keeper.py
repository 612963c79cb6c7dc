"""Keeps the session firewall in place: looks every few seconds and puts back what is missing.

The rules stay when node stops: a session must not gain by node's end.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

from spawner.errors import CarrelError, Code
from spawner.node import firewall, iptables, resolvers
from spawner.node.config import NodeConfig
from spawner.node.firewall import ENGINE_CHAIN, Chain, Family

log = logging.getLogger("carrel.node.firewall")

CHECK_EVERY_S = 3.0
STALE_AFTER_S = 10.0
"""A verdict older than this counts as no verdict: the keeper hangs or has died."""

_COMMAND_TIMEOUT_S = 8.0
_LOCK_WAIT_S = 5


@dataclass(frozen=True)
class Status:
    """Whether sessions may be started, and if not, why."""

    in_place: bool
    detail: str


class Keeper:
    """Call ``check`` once before serving, then let ``run`` go on for ever."""

    def __init__(
        self,
        config: NodeConfig,
        proc: Path = Path("/proc"),
        read_resolvers: Callable[[], tuple[IPv4Address, ...]] = resolvers.read,
    ) -> None:
        self._config = config
        self._proc = proc
        self._read_resolvers = read_resolvers
        self._backends: tuple[str, ...] = ()
        self._reference: dict[tuple[str, Family], tuple[tuple[Chain, ...], iptables.Tables]] = {}
        self._verdict = Status(False, "The firewall has not been looked at yet.")
        self._checked_at = float("-inf")

    @property
    def status(self) -> Status:
        age_s = time.monotonic() - self._checked_at
        if self._verdict.in_place and age_s > STALE_AFTER_S:
            return Status(False, f"The firewall was last looked at {age_s:.0f} s ago.")
        return self._verdict

    async def run(self) -> None:
        while True:
            await self.check()
            await asyncio.sleep(CHECK_EVERY_S)

    async def check(self) -> None:
        """Looks, puts back, and records the verdict; never raises for what a host may do."""
        try:
            await self._ensure()
            verdict = Status(True, "The firewall is in place.")
        except (CarrelError, OSError) as error:
            verdict = Status(False, f"The firewall is not in place: {error}")
        if verdict != self._verdict:
            log.log(logging.INFO if verdict.in_place else logging.ERROR, verdict.detail)
        self._verdict = verdict
        self._checked_at = time.monotonic()

    async def _ensure(self) -> None:
        v6_here = (self._proc / "net/if_inet6").exists()
        self._require_bridge_filtering(v6_here)
        chains_v4 = firewall.v4(self._config, self._read_resolvers())
        for backend in await self._find_backends():
            await self._ensure_chains(backend, Family.V4, chains_v4)
            if v6_here:
                await self._ensure_chains(backend, Family.V6, firewall.v6(self._config))

    def _require_bridge_filtering(self, v6_here: bool) -> None:
        """Without it, packets between two sessions on the bridge never meet a rule."""
        for command in ("iptables", "ip6tables") if v6_here else ("iptables",):
            switch = self._proc / f"sys/net/bridge/bridge-nf-call-{command}"
            if not switch.exists() or switch.read_text().strip() != "1":
                raise CarrelError(
                    Code.UNAVAILABLE,
                    f"net.bridge.bridge-nf-call-{command} is off on this host.",
                    f"Load br_netfilter and run `sysctl -w net.bridge.{switch.name}=1`.",
                )

    async def _find_backends(self) -> tuple[str, ...]:
        """Every iptables backend that holds the engine's chain; both may after a change of one.

        Remembered, so that the chain is made again where it was if it vanishes with its table.
        """
        holders = []
        for backend in ("nft", "legacy"):
            if backend == "legacy" and not self._legacy_is_used():
                continue
            if ENGINE_CHAIN in await _saved(backend, Family.V4):
                holders.append(backend)
        self._backends = tuple(holders) or self._backends
        if not self._backends:
            raise CarrelError(
                Code.UNAVAILABLE,
                f"The engine's chain {ENGINE_CHAIN} is in no iptables table.",
                "Run the engine with its iptables rules on.",
            )
        return self._backends

    def _legacy_is_used(self) -> bool:
        """Asking iptables-legacy would create its tables; the kernel lists those that exist."""
        names = self._proc / "net/ip_tables_names"
        return names.exists() and "filter" in names.read_text().split()

    async def _ensure_chains(self, backend: str, family: Family, chains: tuple[Chain, ...]) -> None:
        known, reference = self._reference.get((backend, family), ((), {}))
        tables = await _saved(backend, family)
        found = iptables.faults(chains, tables, reference if known == chains else {})
        if not found:
            return
        log.warning("%s (%s): %s; putting it right", family.value, backend, "; ".join(found))
        await _run(
            [f"{family.value}-{backend}-restore", "--noflush", "-w", str(_LOCK_WAIT_S)],
            iptables.restore_text(chains, tables),
        )
        tables = await _saved(backend, family)
        reference = iptables.own(chains, tables)
        if found := iptables.faults(chains, tables, reference):
            raise CarrelError(Code.UNAVAILABLE, f"After putting it right: {'; '.join(found)}.")
        self._reference[backend, family] = (chains, reference)


# Its own: homes that take long must not keep the firewall waiting for a thread.
_own_thread = ThreadPoolExecutor(1, "firewall")


async def _saved(backend: str, family: Family) -> iptables.Tables:
    return iptables.parse(await _run([f"{family.value}-{backend}-save", "-t", "filter"]))


async def _run(command: list[str], given: str = "") -> str:
    """Raises CarrelError(UNAVAILABLE) with the first line of what the command complained.

    In a thread: asyncio's own subprocesses can wait for ever when cancelled as they begin.
    """
    try:
        call = partial(
            subprocess.run,
            command,
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
        )
        done = await asyncio.get_running_loop().run_in_executor(_own_thread, call)
    except subprocess.TimeoutExpired:
        raise CarrelError(Code.UNAVAILABLE, f"{command[0]} does not come to an end.") from None
    if done.returncode:
        complaint = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise CarrelError(Code.UNAVAILABLE, f"{command[0]} failed: {complaint}.")
    return done.stdout
