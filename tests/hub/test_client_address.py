"""Forged headers move nobody's count to another address."""

from __future__ import annotations

import pytest

from hub.client_address import client_address

SESSIONS = "10.203.0.0/20"
PROXY = "10.203.0.3"
CONTROL_PROXY = "172.20.0.4"


def _address(peer: str, forwarded_for: str, proxies: tuple[str, ...] = (PROXY,)) -> str:
    return client_address(peer, forwarded_for, SESSIONS, proxies)


@pytest.mark.parametrize("peer", [PROXY, CONTROL_PROXY])
def test_behind_the_proxy_it_is_what_the_proxy_saw(peer: str) -> None:
    assert _address(peer, "203.0.113.7") == "203.0.113.7"


def test_what_a_browser_writes_in_front_does_not_count() -> None:
    assert _address(PROXY, "1.1.1.1, 2.2.2.2,203.0.113.7") == "203.0.113.7"


def test_a_session_is_itself_whatever_its_headers_say() -> None:
    assert _address("10.203.9.9", "203.0.113.7") == "10.203.9.9"


def test_trusted_proxies_in_front_are_skipped() -> None:
    proxies = (PROXY, "192.0.2.1")
    assert _address(PROXY, "1.1.1.1, 203.0.113.7, 192.0.2.1", proxies) == "203.0.113.7"


@pytest.mark.parametrize("header", ["", " ", "nonsense", "1.1.1.1, x", "1.1.1.1,", "<b>"])
def test_without_a_header_that_can_be_believed_it_is_the_peer(header: str) -> None:
    assert _address(CONTROL_PROXY, header) == CONTROL_PROXY


def test_ipv4_in_ipv6_clothes_is_the_same_address() -> None:
    assert _address(PROXY, "::ffff:203.0.113.7") == "203.0.113.7"


def test_ipv6_counts_by_the_network_that_one_customer_has() -> None:
    assert _address(PROXY, "2001:db8:1:2:aaaa::1") == "2001:db8:1:2::/64"
    assert _address(PROXY, "2001:db8:1:2:bbbb::2") == "2001:db8:1:2::/64"
    assert _address(PROXY, "2001:db8:1:3::1") == "2001:db8:1:3::/64"


def test_a_peer_without_an_address_is_one_bucket() -> None:
    assert _address("unknown", "") == "unknown"


def test_behind_a_tls_proxy_on_this_host_it_is_what_that_proxy_saw() -> None:
    """On loopback alone, the last hop is the engine's gateway: everybody would be one address."""

    def behind(forwarded_for: str) -> str:
        return client_address(PROXY, forwarded_for, SESSIONS, (PROXY,), behind_tls_proxy=True)

    assert behind("203.0.113.7, 172.20.0.1") == "203.0.113.7"
    assert behind("1.1.1.1, 203.0.113.7, 172.20.0.1") == "203.0.113.7"
    assert behind("172.20.0.1") == "172.20.0.1"
