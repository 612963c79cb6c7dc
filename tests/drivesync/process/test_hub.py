"""The hub's answers are told apart, and none of them can hang or fill the sidecar."""

from __future__ import annotations

from pathlib import Path

import pytest
from drivesync import hub as hub_module
from drivesync.faults import DeadGrant
from drivesync.hub import Access, Ended, Hub, HubAway, NoFolders

from tests.drivesync.process.hub_stub import HubStub


@pytest.fixture
def client(hub: HubStub, state: Path) -> Hub:
    return Hub(hub.url, state / "bearer")


def test_an_access_token_comes_with_the_settings(hub: HubStub, client: Hub) -> None:
    access = client.access()
    assert (access.token, access.settings.everything) == (hub.token, True)


def test_a_report_is_answered_with_the_settings(hub: HubStub, client: Hub) -> None:
    assert client.report(b'{"state": "idle"}').everything
    assert hub.last == {"state": "idle"}


def test_the_bearer_is_read_at_each_call(hub: HubStub, client: Hub, state: Path) -> None:
    client.access()
    hub.bearer = "another-one"
    with pytest.raises(Ended):
        client.access()
    (state / "bearer").write_text("another-one\n")
    client.access()


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (401, b"{}", Ended),
        (403, b'{"state": "reconnect", "message": "Press Reconnect."}', DeadGrant),
        (403, b'{"state": "disconnected", "message": "Disconnected."}', DeadGrant),
        (403, b'{"state": "no folders", "message": "Choose some."}', NoFolders),
        (403, b"<html>some proxy's page</html>", HubAway),
        (403, b'{"state": "?"}', HubAway),
        (503, b"{}", HubAway),
        (500, b"", HubAway),
        (302, b"", HubAway),
        (200, b"[]", HubAway),
        (200, b"{", HubAway),
        (200, b"[" * 500_000, HubAway),
        (200, b"{}", HubAway),
        (200, b'{"access_token": "", "expires_at": 1, "settings": {}}', HubAway),
        (200, b'{"access_token": "a", "expires_at": "1", "settings": {}}', HubAway),
        (200, b'{"access_token": "a", "expires_at": 1, "settings": {"poll_s": "x"}}', HubAway),
        (200, b" " * (hub_module.MOST_ANSWER_BYTES + 1) + b"{}", HubAway),
    ],
)
def test_each_answer_means_one_thing(
    hub: HubStub, client: Hub, status: int, body: bytes, fault: type[Exception]
) -> None:
    hub.answers["access"] = (status, body)
    with pytest.raises(fault) as raised:
        client.access()
    assert type(raised.value) is fault


def test_what_the_user_is_to_do_is_passed_on(hub: HubStub, client: Hub) -> None:
    hub.answers["access"] = (403, b'{"state": "reconnect", "message": "Press Reconnect."}')
    with pytest.raises(DeadGrant, match="Press Reconnect"):
        client.access()


def test_a_hub_that_hangs_up_is_away(hub: HubStub, client: Hub) -> None:
    hub.away = True
    with pytest.raises(HubAway):
        client.access()


def test_a_hub_that_does_not_answer_is_away(hub: HubStub, client: Hub) -> None:
    hub.delay_s = 0.5
    with pytest.raises(HubAway):
        client.report(b"{}", timeout_s=0.1)


def test_nobody_at_the_port_is_away(state: Path) -> None:
    with pytest.raises(HubAway):
        Hub("http://127.0.0.1:1/x", state / "bearer").access()


def test_no_bearer_is_away(hub: HubStub, state: Path) -> None:
    (state / "bearer").write_bytes(b"two\nlines\x00")
    with pytest.raises(HubAway):
        Hub(hub.url, state / "bearer").access()
    (state / "bearer").unlink()
    with pytest.raises(HubAway):
        Hub(hub.url, state / "bearer").access()
    assert hub.asked == []


def test_a_sites_proxy_is_not_used(
    client: Hub, hub: HubStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    client.access()


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "hub:8081"])
def test_only_http_addresses_are_taken(url: str, state: Path) -> None:
    with pytest.raises(ValueError, match="http"):
        Hub(url, state / "bearer")


def test_a_token_is_not_shown(client: Hub) -> None:
    access = client.access()
    assert isinstance(access, Access)
    assert "ya29" not in repr(access)
