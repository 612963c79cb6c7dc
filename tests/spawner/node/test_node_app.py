"""The server itself: who may ask, whose containers, what streams, and what is said when not."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
import stat

import aiohttp
import docker
import pytest

from spawner import container, plan
from spawner.errors import CarrelError
from spawner.node import health, listener
from spawner.node.firewall_keeper import Status
from spawner.profiles import Grant, Profile

NAME = "carrel-ann-0123456789ab"
ID = "a" * 64
ON_A_CONTAINER = [
    ("GET", "/containers/{}/json"),
    ("GET", "/containers/{}/logs?stdout=1"),
    ("POST", "/containers/{}/start"),
    ("POST", "/containers/{}/stop?t=1"),
    ("POST", "/containers/{}/kill"),
    ("DELETE", "/containers/{}?force=true"),
]
FOREIGN = {
    "no labels": {},
    "another installation": {"carrel.project": "other", "carrel.session": "0123456789ab"},
    "a part of Carrel, no session": {"carrel.project": "carrel"},
    "a session id out of form": {"carrel.project": "carrel", "carrel.session": "x"},
    "compose's own": {"com.docker.compose.project": "carrel"},
}


async def eventually(condition) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not happen within five seconds")


@pytest.mark.parametrize(("method", "path"), ON_A_CONTAINER)
@pytest.mark.parametrize("labels", FOREIGN)
async def test_a_container_that_is_no_session_is_only_looked_at(
    node, make_container, method, path, labels
):
    node.engine.containers["hub"] = make_container(FOREIGN[labels])

    status, said = await node.ask(method, path.format("hub"))

    assert status == 403
    assert "not a session" in said["message"]
    asked = [(m, p) for m, p, _, _ in node.engine.requests]
    assert asked == [("GET", "/version"), ("GET", "/containers/hub/json")]


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", "/containers/{}/start", ("POST", f"/containers/{ID}/start", {})),
        ("POST", "/containers/{}/stop?t=3", ("POST", f"/containers/{ID}/stop", {"t": "3"})),
        (
            "POST",
            "/containers/{}/kill?signal=SIGINT",
            ("POST", f"/containers/{ID}/kill", {"signal": "SIGINT"}),
        ),
        (
            "DELETE",
            "/containers/{}?v=1&force=1",
            ("DELETE", f"/containers/{ID}", {"v": "1", "force": "1"}),
        ),
    ],
)
async def test_a_session_is_acted_on_by_its_id(node, session, method, path, sent):
    """By the id that was looked at: the name may be another container's a moment later."""
    node.engine.containers[NAME] = session

    status, _ = await node.ask(method, path.format(NAME))

    assert status == 204
    assert node.engine.requests[-1][:3] == sent


async def test_a_start_with_a_body_is_refused(node, session):
    """Old engines read a whole HostConfig from it."""
    node.engine.containers[NAME] = session

    status, _ = await node.ask("POST", f"/containers/{NAME}/start", json={"Binds": ["/:/host"]})

    assert status == 403
    assert node.engine.changes == []


async def test_a_container_that_is_not_there_is_a_definite_404(node):
    status, said = await node.ask("GET", f"/containers/{NAME}/json")

    assert (status, said) == (404, {"message": f"No such container: {NAME}"})


@pytest.mark.parametrize("path", ["/containers/create?name=" + NAME, f"/containers/{NAME}/start"])
async def test_nothing_starts_while_the_firewall_is_not_in_place(node, session, path):
    node.engine.containers[NAME] = session
    node.status = Status(False, "The firewall is not in place: somebody took it.")

    status, said = await node.ask("POST", path, **({"json": node.body} if "create" in path else {}))

    assert status == 503
    assert "somebody took it" in said["message"]
    assert node.engine.changes == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Options": {"com.docker.network.bridge.name": "br-1"}}, "bridge name is 'br-1'"),
        ({"Options": None}, "icc is None"),
        ({"EnableIPv6": True}, "IPv6 is True"),
        ({"Driver": "macvlan"}, "driver is 'macvlan'"),
        ({"IPAM": {"Config": [{"Subnet": "10.9.0.0/16"}]}}, "subnets"),
        # no range of its own: a session could be given the proxy's address
        ({"IPAM": {"Config": [{"Subnet": "10.203.0.0/20"}]}}, "Carrel's own"),
        (
            {"IPAM": {"Config": [{"Subnet": "10.203.0.0/20", "IPRange": "10.203.0.0/21"}]}},
            "Carrel's own",
        ),
    ],
)
async def test_nothing_starts_on_a_network_that_the_firewall_does_not_guard(
    node, session, change, reason
):
    node.engine.containers[NAME] = session
    node.engine.network |= change

    created = await node.create(node.body)
    started = await node.ask("POST", f"/containers/{NAME}/start")

    for status, said in (created, started):
        assert status == 503
        assert reason in said["message"]
    assert node.engine.changes == []


async def test_a_missing_network_is_said(node):
    node.engine.network.clear()

    status, said = await node.create(node.body)

    assert status == 503
    assert "shows no network carrel-sessions" in said["message"]


async def test_the_home_is_there_before_the_engine_is_asked_to_create(node):
    await node.create(node.body)

    assert stat.S_IMODE((node.config.homes / "ann").stat().st_mode) == 0o700


async def test_only_images_of_sessions_can_be_asked_for(node):
    assert (await node.ask("GET", "/images/site/own:2/json"))[0] == 200
    status, said = await node.ask("GET", "/images/carrel/hub:1/json")

    assert status == 403
    assert "image" in said["message"]
    assert [p for _, p, _, _ in node.engine.requests] == ["/version", "/images/site/own:2/json"]


async def test_a_list_is_narrowed_to_sessions(node):
    await node.ask("GET", "/containers/json?all=1&filters=%7B%22status%22:[%22exited%22]%7D")

    query = node.engine.requests[-1][2]
    assert query["all"] == "1"
    assert json.loads(query["filters"]) == {
        "status": ["exited"],
        "label": ["carrel.project=carrel", "carrel.session"],
    }


async def test_the_callers_api_version_is_not_passed_on(node):
    """Create bodies mean other things in old versions; the engine's newest is used."""
    await node.ask("GET", "/v1.18/_ping")

    assert node.engine.raw_paths == ["/version", "/v1.41/_ping"]


async def test_another_account_is_refused(node, caplog):
    node.peer = 4711

    status, said = await node.ask("GET", "/version")

    assert (status, said) == (403, {"message": "Only the hub may ask node."})
    assert node.engine.requests == []
    assert "Only the hub" in caplog.text


async def test_root_may_ask(node):
    node.peer = 0

    assert (await node.ask("GET", "/version"))[0] == 200


async def test_a_body_over_one_mebibyte_is_refused(node):
    node.body["Env"] = ["A=" + "x" * 2**20]
    text = io.BytesIO(json.dumps(node.body).encode())

    status, said = await node.ask("POST", f"/containers/create?name={NAME}", data=text)

    assert status == 413
    assert said["message"]
    assert node.engine.requests == []


async def test_an_engine_that_is_away_is_a_503_with_a_sentence(node):
    node.config.engine_socket.unlink()

    status, said = await node.ask("GET", "/_ping")

    assert status == 503
    assert said["message"].startswith("The Docker engine of this host does not answer.")


async def test_an_error_in_node_is_told_without_its_details(node, caplog):
    node.engine.containers[NAME] = {"unexpected": "secret"}

    status, said = await node.ask("GET", f"/containers/{NAME}/json")

    assert status == 500
    assert "secret" not in json.dumps(said)
    assert "Traceback" in caplog.text


async def test_no_token_is_ever_logged(node, caplog):
    with caplog.at_level(logging.DEBUG):
        await node.create(node.body)
        node.body["Image"] = "other"
        await node.create(node.body)

    assert "s3cr3t" not in caplog.text


async def test_events_come_piece_by_piece_and_only_of_sessions(node):
    async with node.client.get(
        "http://node/v1.41/events?filters=" + '{"event":["die","oom"]}'
    ) as response:
        await eventually(lambda: node.engine.streams == 1)
        for word in (b'{"status":"die"}\n', b'{"status":"oom"}\n'):
            node.engine.pieces.put_nowait(word)
            assert await response.content.readline() == word  # before the next one is said
        node.engine.pieces.put_nowait(None)
        assert await response.content.read() == b""

    query = node.engine.requests[-1][2]
    assert json.loads(query["filters"]) == {
        "event": ["die", "oom"],
        "label": ["carrel.project=carrel", "carrel.session"],
        "type": ["container"],
    }


async def test_the_head_of_a_stream_comes_before_its_first_piece(node):
    async with asyncio.timeout(5), node.client.get("http://node/events") as response:
        assert response.status == 200
        node.engine.pieces.put_nowait(None)


async def test_a_caller_that_leaves_ends_the_engines_stream(node):
    async with node.client.get("http://node/events"):
        await eventually(lambda: node.engine.streams == 1)

    await eventually(lambda: node.engine.streams == 0)


async def test_a_stream_that_breaks_off_does_not_look_finished(node, session):
    """The reader of events must know that it missed some."""
    node.engine.containers[NAME] = session
    async with node.client.get(f"http://node/containers/{NAME}/logs?follow=1") as response:
        node.engine.pieces.put_nowait(b"half")
        assert await response.content.readexactly(4) == b"half"
        node.engine.pieces.put_nowait(b"")
        with pytest.raises(aiohttp.ClientError):
            await response.content.read()


async def test_health_says_what_is_wrong(node):
    _, well = await node.ask("GET", "/carrel/health")
    node.status = Status(False, "gone")
    _, open_ = await node.ask("GET", "/carrel/health")
    node.status = Status(True, "")
    node.config.engine_socket.unlink()
    _, engineless = await node.ask("GET", "/carrel/health")

    assert (well["engine"], well["firewall"]) == (True, True)
    assert (open_["engine"], open_["firewall"]) == (True, False)
    assert "gone" in open_["detail"]
    assert (engineless["engine"], engineless["firewall"]) == (False, True)
    assert "engine" in engineless["detail"]


async def test_the_healthcheck_asks_over_the_socket(node):
    assert (await asyncio.to_thread(health.ask, node.config.socket))[0] is True
    node.status = Status(False, "gone")
    assert await asyncio.to_thread(health.ask, node.config.socket) == (
        False,
        "gone No session starts until it is.",
    )


def test_the_healthcheck_says_that_nobody_answers(config):
    with pytest.raises(CarrelError, match="node does not answer"):
        health.ask(config.socket)


@pytest.mark.parametrize("line", ["OPTIONS * HTTP/1.1", "GET //x HTTP/1.1", "GET x:y HTTP/1.1"])
async def test_no_odd_request_line_gets_past_the_list(node, line):
    reader, writer = await asyncio.open_unix_connection(str(node.config.socket))
    writer.write(f"{line}\r\nHost: node\r\nConnection: close\r\n\r\n".encode())
    said = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert said.split(b" ")[1] in (b"400", b"403")
    assert node.engine.requests == []


async def test_docker_py_gets_along(node, session):
    """The hub's client with the spawner's own create call, and its way of showing a refusal."""
    node.engine.containers[ID] = session
    profile = Profile("small", "Small", "", "base", 1.5, 2**30, 2**29)
    site = plan.Site("carrel", node.config.data_dir, "carrel-sessions", 1024, 2**28, 10, {"A": "b"})
    grant = Grant("0123456789ab", "ann", profile, "carrel/session-base:1")
    planned = plan.build(grant, site, {"JUPYTERHUB_API_TOKEN": "t", "JUPYTERHUB_USER": "ann"})

    def talk() -> str:
        client = docker.APIClient(base_url=f"unix://{node.config.socket}", timeout=5)
        try:
            made = client.create_container(**container.kwargs(planned))
            client.start(made["Id"])
            client.stop(made["Id"], timeout=3)
            client.remove_container(made["Id"], force=True)
            client.containers(all=True, filters={"label": "carrel.user=ann"})
            with pytest.raises(docker.errors.APIError) as caught:
                client.create_container("other", name=NAME)
            return str(caught.value)
        finally:
            client.close()

    said = await asyncio.to_thread(talk)

    assert "403" in said
    assert "Labels: must be an object" in said
    assert [(m, p) for m, p in node.engine.changes] == [
        ("POST", "/containers/create"),
        ("POST", f"/containers/{ID}/start"),
        ("POST", f"/containers/{ID}/stop"),
        ("DELETE", f"/containers/{ID}"),
    ]


def test_the_socket_is_closed_to_others_and_replaces_a_stale_one(config, data_dir):
    (data_dir / "run").mkdir()
    with listener.listen(config.socket, config.hub_uid):
        stale = config.socket.stat().st_ino

    with listener.listen(config.socket, config.hub_uid) as fresh:
        found = config.socket.stat()
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(config.socket))
            accepted, _ = fresh.accept()
            with accepted:
                assert listener.peer_uid(accepted) == config.hub_uid

    assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o600, config.hub_uid)
    assert found.st_ino != stale
    assert [path.name for path in (data_dir / "run").iterdir()] == ["node.sock"]


def test_a_later_nodes_socket_is_not_removed(config, data_dir):
    (data_dir / "run").mkdir()
    with listener.listen(config.socket, config.hub_uid):
        first = config.socket.lstat()
        with listener.listen(config.socket, config.hub_uid):
            second = config.socket.lstat()
            listener.forget(config.socket, first)
            assert config.socket.exists()
            listener.forget(config.socket, second)
            assert not config.socket.exists()


def test_a_path_too_long_for_a_socket_is_said(config, data_dir):
    with pytest.raises(CarrelError, match="shorter data_dir"):
        listener.listen(data_dir / ("x" * 120), config.hub_uid)
