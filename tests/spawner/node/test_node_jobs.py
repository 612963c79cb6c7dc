"""Jobs: what may be asked, what the engine is told, and what becomes of their output."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from spawner.errors import CarrelError
from spawner.node import job_runner, jobs
from spawner.node.firewall_keeper import Status

COLLECT = {"kind": "collect", "id": "0123456789ab", "user": "ann", "path": "ml/lab 1.ipynb"}
FETCH = {
    "kind": "fetch",
    "id": "0123456789ab",
    "url": "https://git.example.org/ml/labs.git",
    "branch": "main",
}

INSTALL = {
    "kind": "install",
    "id": "0123456789ab",
    "image": "site/own:2",
    "requirements": "--index-url https://x\n-e .\n",
    "proxies": ["https_proxy=http://proxy.example:3128"],
}
IMAGES = ("carrel/session-base:1", "site/own:2")


def frame(source: int, text: bytes) -> bytes:
    return bytes([source, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


@pytest.mark.parametrize("body", [COLLECT, FETCH, FETCH | {"branch": ""}])
def test_what_is_well_formed_passes(body):
    assert jobs.decide(dict(body)).kind.value == body["kind"]


@pytest.mark.parametrize(
    "more",
    [
        {"id": "../0123456789"},
        {"kind": "shell"},
        {"user": "Ann"},
        {"user": "../bob"},
        {"path": "../bob"},
        {"path": "a/../../bob"},
        {"path": "/etc"},
        {"path": "a//b"},
        {"path": "a\nb"},
        {"path": "a\0b"},
        {"path": "x" * 2000},
        {"path": None},
        {"path": ""},
        {"image": "site/own:2"},
        {"url": "https://git.example.org/x"},
    ],
)
def test_a_collect_that_is_anything_else_is_refused(more):
    with pytest.raises(CarrelError):
        jobs.decide(COLLECT | more)


@pytest.mark.parametrize(
    "more",
    [
        {"url": "http://git.example.org/x"},
        {"url": "ext::sh -c id"},
        {"url": "file:///etc"},
        {"url": "git@git.example.org:x"},
        {"url": "--upload-pack=id"},
        {"url": "https://"},
        {"url": "https://user:word@git.example.org/x"},
        {"url": "https://user@git.example.org/x"},
        {"url": "https://git.example.org/x?y=z"},
        {"url": "https://git.example.org/x#y"},
        {"url": "https://git.example.org:0/x"},
        {"url": "https://git.example.org:port/x"},
        {"url": "https://git.example.org\\@10.0.0.1/x"},
        {"url": "https://[::1/x"},
        {"url": "https://git.example.org/x y"},
        {"branch": "--upload-pack=id"},
        {"branch": "a..b"},
        {"branch": "a b"},
        {"branch": "a:b"},
        {"branch": "x" * 300},
        {"user": "ann"},
    ],
)
def test_a_fetch_that_is_anything_else_is_refused(more):
    with pytest.raises(CarrelError):
        jobs.decide(FETCH | more)


def test_a_collect_sees_one_home_to_read_and_no_network(config):
    body = jobs.create_body(jobs.decide(dict(COLLECT)), config)
    host = body["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert "CapAdd" not in host
    (mount,) = host["Mounts"]
    assert mount["Source"] == str(config.homes / "ann")
    assert mount["ReadOnly"] is True
    assert body["Image"] == config.tools_image
    assert body["Cmd"][-2:] == ["/home", "ml/lab 1.ipynb"]


def test_a_fetch_has_no_mount_and_the_sessions_network_as_nobody(config):
    body = jobs.create_body(jobs.decide(dict(FETCH)), config)
    assert body["HostConfig"]["NetworkMode"] == config.network.name
    assert body["HostConfig"]["Mounts"] == []
    assert body["User"] == "65534:65534"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"requirements": ""},
        {"requirements": "é" * 32768},
        {"proxies": []},
    ],
)
def test_an_install_that_is_well_formed_passes(more):
    assert jobs.decide(INSTALL | more, IMAGES).kind is jobs.Kind.INSTALL


@pytest.mark.parametrize(
    "more",
    [
        {"image": "site/other:1"},
        {"image": ""},
        {"image": None},
        {"image": ["site/own:2"]},
        {"requirements": None},
        {"requirements": "a\0b"},
        {"requirements": "é" * 32769},
        {"proxies": ["LD_PRELOAD=/x"]},
        {"proxies": ["https_proxy=a b"]},
        {"proxies": ["https_proxy=\nX=1"]},
        {"proxies": "https_proxy=x"},
        {"path": "x"},
        {"url": "https://git.example.org/x"},
    ],
)
def test_an_install_that_is_anything_else_is_refused(more):
    with pytest.raises(CarrelError):
        jobs.decide(INSTALL | more, IMAGES)


def test_no_image_is_one_that_sessions_may_use_unless_it_is_said_so():
    with pytest.raises(CarrelError):
        jobs.decide(dict(INSTALL))


def test_an_install_holds_nothing_worth_having(config):
    body = jobs.create_body(jobs.decide(dict(INSTALL), IMAGES), config)
    host = body["HostConfig"]
    assert (body["Image"], body["Entrypoint"]) == ("site/own:2", ["python"])
    assert body["Cmd"][:2] == ["-I", "-c"]
    assert body["Cmd"][3:] == ["--index-url https://x\n-e .\n"]
    compile(body["Cmd"][2], "install", "exec")
    # The kernel takes no longer ones (MAX_ARG_STRLEN).
    assert all(len(part.encode()) < 128 * 1024 for part in body["Cmd"])
    assert body["Env"] == ["HOME=/tmp", "https_proxy=http://proxy.example:3128"]
    assert host["NetworkMode"] == config.network.name
    assert (host["Mounts"], host["CapDrop"], "CapAdd" in host) == ([], ["ALL"], False)
    assert host["Memory"] == host["MemorySwap"] == 2 * 2**30
    assert host["PidsLimit"] == 512
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert "carrel.session" not in body["Labels"]


def test_a_jobs_container_is_no_session(config):
    labels = jobs.create_body(jobs.decide(dict(COLLECT)), config)["Labels"]
    assert "carrel.session" not in labels
    assert labels["carrel.project"] == config.project


async def begin(node, body):
    return asyncio.create_task(node.ask("POST", "/carrel/jobs", json=body))


async def is_removed(node):
    """Its container, soon; the answer does not wait for it."""
    wanted = ("DELETE", f"/containers/{'a' * 64}")
    for _ in range(500):
        if wanted in node.engine.changes:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_standard_output_is_the_answer(node):
    asked = await begin(node, FETCH)
    for piece in (frame(2, b"warning"), frame(1, b"first,"), frame(1, b"second"), None):
        node.engine.pieces.put_nowait(piece)
    assert await asked == (200, b"first,second")
    assert await is_removed(node)


async def test_frames_that_come_in_crumbs_are_put_together(node):
    asked = await begin(node, FETCH)
    text = frame(1, b"whole")
    for crumb in (text[:3], text[3:9], text[9:], None):
        await asyncio.sleep(0.01)
        node.engine.pieces.put_nowait(crumb)
    assert await asked == (200, b"whole")


async def test_a_job_that_fails_is_told_in_its_own_last_words(node):
    node.engine.exit_code = 1
    asked = await begin(node, FETCH)
    node.engine.pieces.put_nowait(frame(2, b"noise\nThere is no branch \x1b[31mmain."))
    node.engine.pieces.put_nowait(None)
    status, said = await asked
    assert status == 403
    assert said["message"] == "There is no branch [31mmain."
    assert await is_removed(node)


async def test_a_job_that_fails_in_the_middle_breaks_off(node):
    node.engine.exit_code = 1
    asked = await begin(node, FETCH)
    node.engine.pieces.put_nowait(frame(1, b"half"))
    node.engine.pieces.put_nowait(None)
    with pytest.raises(aiohttp.ClientPayloadError):
        await asked
    assert await is_removed(node)


async def test_the_engine_going_away_in_the_middle_breaks_off(node):
    asked = await begin(node, FETCH)
    node.engine.pieces.put_nowait(frame(1, b"half"))
    await asyncio.sleep(0.2)  # it has been passed on
    node.engine.pieces.put_nowait(b"")
    with pytest.raises(aiohttp.ClientPayloadError):
        await asked
    assert await is_removed(node)


async def test_nobody_waits_for_it_any_more_then_it_is_removed(node):
    asked = await begin(node, FETCH)
    node.engine.pieces.put_nowait(frame(1, b"half"))
    await asyncio.sleep(0.2)
    asked.cancel()
    assert await is_removed(node)


async def test_a_job_that_takes_too_long_ends(node, monkeypatch):
    monkeypatch.setattr(job_runner, "LIMIT_S", 0.2)
    status, said = await node.ask("POST", "/carrel/jobs", json=FETCH)
    assert status == 403
    assert "was not done" in said["message"]
    assert await is_removed(node)


async def test_more_than_two_wait_for_their_turn(node):
    asked = [await begin(node, FETCH | {"id": f"{number:012x}"}) for number in range(3)]
    for _ in range(100):
        if node.engine.streams == 2:
            break
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    created = [path for _, path in node.engine.changes if path == "/containers/create"]
    assert len(created) == 2
    for _ in range(3):
        node.engine.pieces.put_nowait(frame(1, b"done"))
        node.engine.pieces.put_nowait(None)
    await asyncio.sleep(0.2)
    for _ in range(3):  # a stream may have taken another's end
        node.engine.pieces.put_nowait(None)
    for one in asked:
        await asyncio.wait([one], timeout=5)
    created = [path for _, path in node.engine.changes if path == "/containers/create"]
    assert len(created) == 3


async def test_an_install_takes_no_turn_from_others_and_two_of_them_wait(node):
    for number in (1, 2):
        await begin(node, INSTALL | {"id": f"{number:012x}"})
    asked = [await begin(node, FETCH | {"id": f"{number:012x}"}) for number in (3, 4)]
    for _ in range(100):
        if node.engine.streams == 3:
            break
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    created = [path for _, path in node.engine.changes if path == "/containers/create"]
    assert len(created) == 3
    assert len(asked) == 2
    node.engine.pieces.put_nowait(None)


async def test_an_install_has_a_longer_time_of_its_own(node, monkeypatch):
    monkeypatch.setattr(job_runner, "LIMIT_S", 0.01)
    monkeypatch.setattr(job_runner, "INSTALL_LIMIT_S", 0.3)
    status, said = await node.ask("POST", "/carrel/jobs", json=INSTALL)
    assert status == 403
    assert "was not done" in said["message"]


async def test_without_the_firewall_no_job_begins(node):
    node.status = Status(False, "The firewall is not in place.")
    status, _ = await node.ask("POST", "/carrel/jobs", json=FETCH)
    assert status == 503
    assert node.engine.changes == []
