"""Drive's sidecars: what may be asked, what the engine is told, and what becomes of them."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from ipaddress import IPv4Address

import aiohttp
import pytest

from spawner.errors import CarrelError, Code
from spawner.node import drive, routes
from spawner.node.config import Service
from spawner.node.firewall_keeper import Status
from spawner.node.routes import Action, Match

SESSION = "0123456789ab"
BEARER = "b3arer-that-nobody-may-see"
NAME = f"carrel-ann-{SESSION}-drive"
ID = "a" * 64
BODY = {
    "session": SESSION,
    "bearer": BEARER,
    "hub_url": "http://10.203.0.2:8081/hub/api/carrel/drive",
    "proxies": ["https_proxy=http://proxy.example:3128", "no_proxy=.example"],
}
LABELS = {"carrel.project": "carrel", "carrel.user": "ann", "carrel.drive": SESSION}


def sidecar(state: str = "running", code: int = 0) -> dict[str, object]:
    return {
        "Id": ID,
        "Names": [f"/{NAME}"],
        "State": {"ExitCode": code, "Status": state},
        "Config": {"Labels": LABELS},
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("PUT /carrel/drive/a_2eb", Match(Action.DRIVE_START, "a_2eb", {})),
        ("GET /carrel/drive", Match(Action.DRIVE_LIST, "", {})),
        (
            f"POST /carrel/drive/ann/{SESSION}/stop",
            Match(Action.DRIVE_STOP, "ann", {}, session=SESSION),
        ),
    ],
)
def test_the_routes_on_drive(line, expected):
    assert routes.match(*line.split(" ", 1)) == expected


@pytest.mark.parametrize(
    "line",
    [
        "DELETE /carrel/drive/ann",
        "GET /carrel/drive/ann",
        "POST /carrel/drive/ann",
        "PUT /carrel/drive/..",
        "PUT /carrel/drive/a%2Fb",
        "POST /carrel/drive/ann/0123456789AB/stop",
        f"POST /carrel/drive/ann/{SESSION}/kill",
        f"POST /carrel/drive/ann/{SESSION}/exec",
    ],
)
def test_other_ways_to_ask_are_refused(line):
    with pytest.raises(CarrelError) as caught:
        routes.match(*line.split(" ", 1))
    assert caught.value.code is Code.REFUSED


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"session": "x"}, "session"),
        ({"session": None}, "session"),
        ({"bearer": "short"}, "bearer"),
        ({"bearer": f"{BEARER}\n"}, "bearer"),
        ({"bearer": "x" * 600}, "bearer"),
        ({"hub_url": "http://10.203.0.2:8081"}, "hub_url"),
        ({"hub_url": "http://10.203.0.2:80810/hub"}, "hub_url"),
        ({"hub_url": "http://10.203.0.2:8081/hub/../x"}, "hub_url"),
        ({"hub_url": "http://10x203.0.2:8081/hub"}, "hub_url"),
        ({"hub_url": "http://evil.example/hub"}, "hub_url"),
        ({"proxies": ["LD_PRELOAD=/drive/x.so"]}, "proxies"),
        ({"proxies": ["http_proxy=a b"]}, "proxies"),
        ({"image": "site/own:2"}, "image"),
        ({"command": ["sh"]}, "command"),
        ({"binds": ["/:/host"]}, "binds"),
    ],
)
async def test_what_is_anything_else_is_refused_before_the_engine_hears_of_it(node, more, field):
    status, said = await node.ask("PUT", "/carrel/drive/ann", json=BODY | more)
    assert (status, node.engine.changes) == (403, [])
    assert said["message"].startswith(field)
    assert BEARER not in said["message"]
    assert not (node.config.drive / "ann").exists()


def test_a_sidecar_is_held_tighter_than_a_session(config):
    """The whole body: what is not here cannot be had."""
    wanted = drive.decide("ann@uni.example", dict(BODY), config)
    user = "ann_40uni_2eexample"
    near = "no_proxy=.example,10.203.0.2"
    assert drive.create_body(wanted, config, "/all") == {
        "Image": "carrel/drivesync:1",
        "Hostname": "drive",
        "User": "0:0",
        "Env": [
            f"CARREL_HUB_URL={BODY['hub_url']}",
            "HOME=/tmp",
            "NVIDIA_VISIBLE_DEVICES=void",
            "https_proxy=http://proxy.example:3128",
            near,
            near.replace("no_proxy", "NO_PROXY"),
        ],
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "OpenStdin": False,
        "Tty": False,
        "Labels": LABELS | {"carrel.user": "ann@uni.example"},
        "HostConfig": {
            "Privileged": False,
            "CapDrop": ["ALL"],
            "CapAdd": ["DAC_OVERRIDE", "FOWNER"],
            "SecurityOpt": ["no-new-privileges"],
            "Devices": [],
            "NetworkMode": "carrel-sessions",
            "PublishAllPorts": False,
            "IpcMode": "private",
            "CgroupnsMode": "private",
            "PidMode": "",
            "UTSMode": "",
            "UsernsMode": "",
            "ReadonlyRootfs": True,
            "Tmpfs": {"/tmp": "rw,noexec,nosuid,nodev,size=64m"},
            "Mounts": [
                {
                    "Type": "bind",
                    "Source": f"{config.data_dir}/{folder}/{user}",
                    "Target": target,
                    "ReadOnly": False,
                    "BindOptions": {"Propagation": "rprivate"},
                }
                for folder, target in (("drive", "/drive"), ("drive-state", "/state"))
            ],
            "Memory": 256 * 2**20,
            "MemorySwap": 256 * 2**20,
            "NanoCpus": 10**9,
            "PidsLimit": 128,
            "OomScoreAdj": 700,
            "ShmSize": 2**20,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "5m", "max-file": "1"}},
            "Init": True,
            "AutoRemove": False,
            "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
            "CgroupParent": "/all",
        },
    }


def test_what_is_on_the_sessions_network_is_never_asked_through_a_proxy(config):
    network = replace(config.network, services=(Service(IPv4Address("10.203.0.4"), 8095),))
    config = replace(config, network=network)
    wanted = drive.decide("ann", BODY | {"proxies": ["HTTP_PROXY=http://p:1"]}, config)
    env = drive.create_body(wanted, config)["Env"]
    assert env[-2:] == ["NO_PROXY=10.203.0.2,10.203.0.4", "no_proxy=10.203.0.2,10.203.0.4"]
    bare = drive.create_body(drive.decide("ann", BODY | {"proxies": []}, config), config)["Env"]
    assert not [item for item in bare if "proxy" in item.lower()]


async def test_a_sidecar_gets_its_folders_and_its_bearer_by_file_alone(node):
    status, _ = await node.ask("PUT", "/carrel/drive/ann", json=BODY)

    assert status == 204
    assert node.engine.changes == [
        ("POST", "/containers/create"), ("POST", f"/containers/{ID}/start"),
    ]  # fmt: skip
    bearer = node.config.drive_state / "ann/bearer"
    assert (bearer.read_text(), bearer.stat().st_mode & 0o777) == (BEARER, 0o400)
    assert {path.name for path in (node.config.drive / "ann").iterdir()} == {"MyDrive", ".carrel"}
    assert BEARER not in json.dumps([body for _, _, _, body in node.engine.requests])


async def test_a_restarted_sidecar_gets_a_fresh_bearer(node):
    await node.ask("PUT", "/carrel/drive/ann", json=BODY)
    await node.ask("PUT", "/carrel/drive/ann", json=BODY | {"bearer": "another-one-that-is-long"})
    state = node.config.drive_state / "ann"
    assert [path.name for path in state.iterdir()] == ["bearer"]
    assert (state / "bearer").read_text() == "another-one-that-is-long"


async def test_there_is_one_sidecar_of_a_user_and_its_bearer_stays(node):
    await node.ask("PUT", "/carrel/drive/ann", json=BODY)
    node.engine.listed = [{"Id": ID, "Labels": LABELS, "State": "running"}]
    second = BODY | {"session": "b" * 12, "bearer": "another-one-that-is-long"}

    status, said = await node.ask("PUT", "/carrel/drive/ann", json=second)

    assert (status, "still there" in said["message"]) == (409, True)
    assert (node.config.drive_state / "ann/bearer").read_text() == BEARER
    asked = [query for _, path, query, _ in node.engine.requests if path == "/containers/json"]
    assert json.loads(asked[-1]["filters"])["label"] == [
        "carrel.project=carrel", "carrel.drive", "carrel.user=ann",
    ]  # fmt: skip


async def test_an_image_that_is_not_there_yet_is_no_fault(node):
    node.engine.no, node.engine.no_status = {"/containers/create": "No such image"}, 404
    status, said = await node.ask("PUT", "/carrel/drive/ann", json=BODY)
    assert (status, "still being built" in said["message"]) == (503, True)


async def test_one_that_does_not_start_leaves_no_container(node):
    path = f"/containers/{ID}/start"
    node.engine.no, node.engine.no_status = {path: "no address left"}, 500
    status, _ = await node.ask("PUT", "/carrel/drive/ann", json=BODY)
    assert status == 503
    assert node.engine.changes[-1] == ("DELETE", f"/containers/{ID}")


async def test_nothing_starts_without_the_firewall(node):
    node.status = Status(False, "The firewall is not in place.")
    assert (await node.ask("PUT", "/carrel/drive/ann", json=BODY))[0] == 503
    assert node.engine.changes == []


async def test_a_caller_that_leaves_does_not_leave_half_a_start(node):
    """What was begun is carried out: a container that was made is started too."""
    held = node.engine.held["/containers/create"] = asyncio.Event()
    asking = asyncio.create_task(node.ask("PUT", "/carrel/drive/ann", json=BODY))
    while not node.engine.changes:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.sleep(0.1)
    held.set()
    await asyncio.sleep(0.2)
    assert node.engine.changes[-1] == ("POST", f"/containers/{ID}/start")


async def test_two_who_ask_for_an_end_wait_for_the_same_one(node):
    node.engine.containers[NAME] = sidecar()
    held = node.engine.held[f"/containers/{ID}/stop"] = asyncio.Event()
    path = f"/carrel/drive/ann/{SESSION}/stop"
    first, second = (asyncio.create_task(node.ask("POST", path)) for _ in range(2))
    while not node.engine.changes:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0.1)
    held.set()
    assert (await second)[0] == 204
    assert node.engine.changes == [
        ("POST", f"/containers/{ID}/stop"), ("DELETE", f"/containers/{ID}"),
    ]  # fmt: skip


async def test_all_sidecars_are_listed_with_how_they_ended(node):
    node.engine.listed = [
        {"Id": ID, "Labels": LABELS, "State": "exited"},
        {"Id": "c" * 64, "Labels": LABELS | {"carrel.user": "bob"}, "State": "running"},
        {"Id": "d" * 64, "Labels": LABELS | {"carrel.user": "eve"}, "State": "exited"},
    ]
    node.engine.containers[ID] = sidecar("exited", 137)  # eve's has gone meanwhile
    status, said = await node.ask("GET", "/carrel/drive")
    assert (status, said["sidecars"]) == (
        200,
        [
            {"user": "ann", "session": SESSION, "state": "exited", "exit_code": 137},
            {"user": "bob", "session": SESSION, "state": "running", "exit_code": None},
        ],
    )


async def test_a_sidecar_is_asked_to_end_given_its_grace_and_removed(node):
    await node.ask("PUT", "/carrel/drive/ann", json=BODY)
    node.engine.containers[NAME] = sidecar()
    status, _ = await node.ask("POST", f"/carrel/drive/ann/{SESSION}/stop")
    assert status == 204
    (stop,) = [query for _, path, query, _ in node.engine.requests if path.endswith("/stop")]
    assert stop == {"t": "75"}
    assert node.engine.changes[-1] == ("DELETE", f"/containers/{ID}")
    assert not (node.config.drive_state / "ann/bearer").exists()


async def test_one_that_is_not_there_is_a_404(node):
    assert (await node.ask("POST", f"/carrel/drive/ann/{SESSION}/stop"))[0] == 404


async def test_nothing_but_sidecars_is_ended_as_one(node):
    inspected = sidecar()
    inspected["Config"] = {"Labels": {"carrel.project": "other", "carrel.drive": SESSION}}
    node.engine.containers[NAME] = inspected
    assert (await node.ask("POST", f"/carrel/drive/ann/{SESSION}/stop"))[0] == 403
    assert node.engine.changes == []


async def test_a_sidecar_cannot_be_reached_as_a_session(node):
    node.engine.containers[NAME] = sidecar()
    for method, end in (
        ("GET", "/json"), ("POST", "/start"), ("POST", "/stop"), ("POST", "/kill"), ("DELETE", ""),
        ("GET", "/logs"),
    ):  # fmt: skip
        assert (await node.ask(method, f"/containers/{NAME}{end}"))[0] == 403
    assert node.engine.changes == []


async def test_others_than_the_hub_are_refused(node):
    node.peer = os.geteuid() + 1
    assert (await node.ask("PUT", "/carrel/drive/ann", json=BODY))[0] == 403
    assert (await node.ask("GET", "/carrel/drive"))[0] == 403


async def test_an_engine_that_does_not_answer_is_unknown(node, monkeypatch):
    async def away(_call: object) -> None:
        raise aiohttp.ClientError

    monkeypatch.setattr("spawner.node.engine.Engine._request", lambda *_: away(None))
    assert (await node.ask("GET", "/carrel/drive"))[0] == 503
    assert (await node.ask("POST", f"/carrel/drive/ann/{SESSION}/stop"))[0] == 503


async def test_of_one_that_broke_off_the_last_lines_are_kept(node, caplog):
    """With the container its log goes too."""
    node.engine.containers[NAME] = sidecar("exited", 1)
    for text in (b"Traceback\n", b"KeyError: 'x\x1b[2J'\n"):
        node.engine.pieces.put_nowait(bytes([2, 0, 0, 0]) + len(text).to_bytes(4, "big") + text)
    node.engine.pieces.put_nowait(None)
    assert (await node.ask("POST", f"/carrel/drive/ann/{SESSION}/stop"))[0] == 204
    assert "code 1. Its last lines:\nTraceback\nKeyError: 'x�[2J'" in caplog.text
