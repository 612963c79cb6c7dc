"""The DNS servers that the engine hands to sessions, as read from resolv.conf."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address
from pathlib import Path

FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
"""The second is what the engine reads where the first names systemd's stub, 127.0.0.53."""

_MOST = 8


def parse(text: str) -> tuple[IPv4Address, ...]:
    """Nameservers in order: IPv4 only, as the sessions' network is, and not the host's loopback.

    The engine drops loopback servers as well and falls back to public ones (moby,
    libnetwork/resolvconf), which need no rule.
    """
    found: list[IPv4Address] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        try:
            address = IPv4Address(words[1])
        except AddressValueError:
            continue
        if not (address.is_loopback or address.is_unspecified or address in found):
            found.append(address)
    return tuple(found[:_MOST])


def read(files: tuple[Path, ...] = FILES) -> tuple[IPv4Address, ...]:
    """Nameservers of the first file that names any; read anew at every check, as DHCP moves."""
    for file in files:
        try:
            found = parse(file.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
        if found:
            return found
    return ()
