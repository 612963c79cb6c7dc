"""The routes on homes: who is listed, measured, sent and removed, and what is refused."""

from __future__ import annotations

import asyncio
import io
import os
import tarfile
import threading
from pathlib import Path

import aiohttp
import pytest

from spawner.errors import CarrelError, Code
from spawner.names import escape
from spawner.node import archive, home_keeper, removal, routes
from spawner.node.routes import Action, Match

BAD_NAMES = [
    "..", ".", "..%2Fsecrets", "Ann", "ann%2Fx", "_61nn", "ann_", "ann_2", "ann_2F", "ann_2f",
    ".removed-ann-1", "%C3%A4", "ann%00", "-ann", "a" * 65, "a_2e_2eb",
]  # fmt: skip


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def ann(node):
    home = node.config.homes / "ann"
    home.mkdir()
    (home / "note.txt").write_text("mine")
    return home


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GET /carrel/homes", Match(Action.HOMES, "", {})),
        ("GET /carrel/homes/a_2eb", Match(Action.HOME_SIZE, "a_2eb", {})),
        ("GET /carrel/homes/a-b/archive", Match(Action.HOME_ARCHIVE, "a-b", {})),
        ("DELETE /carrel/homes/0", Match(Action.HOME_REMOVE, "0", {})),
    ],
)
def test_the_routes_on_homes(line, expected):
    assert routes.match(*line.split(" ", 1)) == expected


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize(("method", "end"), [("GET", ""), ("GET", "/archive"), ("DELETE", "")])
async def test_what_is_no_users_name_is_refused(node, name, method, end):
    status, _ = await node.ask(method, f"/carrel/homes/{name}{end}")

    assert status in (400, 403)
    assert node.engine.requests == []


@pytest.mark.parametrize(
    "line", ["POST /carrel/homes", "PUT /carrel/homes/ann", "DELETE /carrel/homes"]
)
def test_other_ways_to_ask_are_refused(line):
    with pytest.raises(CarrelError) as caught:
        routes.match(*line.split(" ", 1))
    assert caught.value.code is Code.REFUSED


async def test_only_homes_of_users_are_listed(node, ann):
    (node.config.homes / escape("b.c@x")).mkdir()
    for other in (".removed-mia-1", "Upper", "a.b"):
        (node.config.homes / other).mkdir()
    (node.config.homes / "file").write_text("x")
    (node.config.homes / "link").symlink_to("/etc")

    assert await node.ask("GET", "/carrel/homes") == (200, {"homes": ["ann", escape("b.c@x")]})


async def test_a_home_is_measured(node, ann):
    (ann / "big").write_bytes(b"x" * 2**20)

    status, said = await node.ask("GET", "/carrel/homes/ann")

    assert status == 200
    assert 2**20 < said["bytes"] < 2**20 + 2**15
    assert said["complete"] is True


@pytest.mark.parametrize(("method", "end"), [("GET", ""), ("GET", "/archive"), ("DELETE", "")])
async def test_a_home_that_is_not_there_is_a_404(node, method, end):
    assert (await node.ask(method, f"/carrel/homes/ann{end}"))[0] == 404


@pytest.mark.parametrize(("method", "end"), [("GET", ""), ("GET", "/archive"), ("DELETE", "")])
async def test_a_symlink_in_a_homes_place_is_refused(node, tmp_path, method, end):
    (tmp_path / "theirs").write_text("x")
    (node.config.homes / "ann").symlink_to(tmp_path)

    assert (await node.ask(method, f"/carrel/homes/ann{end}"))[0] == 403
    assert (tmp_path / "theirs").exists()


async def test_others_than_the_hub_are_refused(node, ann):
    node.peer = 4711

    for method, end in (("GET", ""), ("GET", "/ann"), ("GET", "/ann/archive"), ("DELETE", "/ann")):
        assert (await node.ask(method, f"/carrel/homes{end}"))[0] == 403
    assert ann.exists()


async def test_a_home_comes_as_a_tar(node, ann):
    async with node.client.get("http://node/carrel/homes/ann/archive") as response:
        assert response.content_type == "application/x-tar"
        raw = await response.read()

    with tarfile.open(fileobj=io.BytesIO(raw + bytes(1024))) as tar:
        assert tar.extractfile("home/note.txt").read() == b"mine"


async def test_an_archive_that_breaks_off_does_not_look_finished(node, ann, monkeypatch):
    def broken(_fd, _pace):
        yield b"x" * 512
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(home_keeper, "archive", broken)
    async with node.client.get("http://node/carrel/homes/ann/archive") as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientError):
            await response.read()


async def test_a_caller_that_leaves_an_archive_ends_it(node, ann):
    with (ann / "huge").open("wb") as file:
        for n in range(2000):
            file.seek(n * 2**20)
            file.write(b"x" * 2**16)
    before = descriptors()
    for _ in range(home_keeper.MOST_ARCHIVES + 2):
        async with node.client.get("http://node/carrel/homes/ann/archive") as response:
            assert response.status == 200
            await response.content.readexactly(archive.PIECE_BYTES)
        for _ in range(200):
            await asyncio.sleep(0.01)
            if descriptors() <= before:
                break
    assert descriptors() <= before + 1
    assert threading.active_count() < 30


async def test_only_so_many_archives_at_once(node, ann):
    with (ann / "huge").open("wb") as file:
        for n in range(200):
            file.seek(n * 2**21)
            file.write(os.urandom(2**20))
    url = "http://node/carrel/homes/ann/archive"
    asked = [await node.client.get(url) for _ in range(home_keeper.MOST_ARCHIVES)]
    try:
        status, said = await node.ask("GET", "/carrel/homes/ann/archive")
        assert status == 503
        assert "Try again" in said["message"]
    finally:
        for response in asked:
            response.close()


async def test_a_home_is_removed_for_good_and_again_is_a_404(node, ann):
    assert (await node.ask("DELETE", "/carrel/homes/ann"))[0] == 204
    assert list(node.config.homes.iterdir()) == []
    assert (await node.ask("DELETE", "/carrel/homes/ann"))[0] == 404


async def test_a_users_drive_goes_with_the_home(node, ann):
    for root in ("drive", "drive-state"):
        (node.config.data_dir / root / "ann/MyDrive").mkdir(parents=True)
        (node.config.data_dir / root / "bob").mkdir()

    assert (await node.ask("DELETE", "/carrel/homes/ann"))[0] == 204

    for root in ("homes", "drive", "drive-state"):
        left = [path.name for path in (node.config.data_dir / root).iterdir()]
        assert left == (["bob"] if root != "homes" else [])


async def test_a_drive_that_outlived_its_home_is_removed_too(node):
    (node.config.drive / "ann/MyDrive").mkdir(parents=True)
    assert (await node.ask("DELETE", "/carrel/homes/ann"))[0] == 204
    assert (await node.ask("DELETE", "/carrel/homes/ann"))[0] == 404


async def test_the_files_of_drive_are_in_the_archive_where_a_session_finds_them(node, ann):
    drive = node.config.drive / "ann"
    (drive / "MyDrive/thesis").mkdir(parents=True)
    (drive / "MyDrive/thesis/one.txt").write_text("in Drive")
    (drive / ".carrel").mkdir()
    (drive / ".carrel/open").write_text("{}")
    os.mkfifo(drive / "MyDrive/pipe")
    await node.ask("GET", "/carrel/homes")  # the connection stays
    before = descriptors()

    _, text = await node.ask("GET", "/carrel/homes/ann/archive")

    with tarfile.open(fileobj=io.BytesIO(text + bytes(1024))) as tar:
        names = tar.getnames()
        assert tar.extractfile("home/drive/MyDrive/thesis/one.txt").read() == b"in Drive"
        assert b"pipe" in tar.extractfile("drive-left-out.txt").read()
    assert "home/note.txt" in names
    assert not [name for name in names if ".carrel" in name]
    await asyncio.sleep(0.1)
    assert descriptors() <= before


async def test_a_link_in_the_place_of_my_drive_is_not_followed_into_an_archive(node, ann, tmp_path):
    (tmp_path / "secret").write_text("x")
    (node.config.drive / "ann").mkdir()
    (node.config.drive / "ann/MyDrive").symlink_to(tmp_path)

    _, text = await node.ask("GET", "/carrel/homes/ann/archive")

    with tarfile.open(fileobj=io.BytesIO(text + bytes(1024))) as tar:
        assert tar.getnames() == ["home", "home/note.txt"]


async def test_a_home_whose_session_is_still_there_is_kept(node, ann, monkeypatch):
    monkeypatch.setattr(
        node.engine, "_answer",
        lambda path, real=node.engine._answer: (
            aiohttp.web.json_response([{"Id": "x"}]) if path == "/containers/json" else real(path)
        ),
    )  # fmt: skip

    status, said = await node.ask("DELETE", "/carrel/homes/ann")

    assert status == 409
    assert "Stop the session first." in said["message"]
    assert (ann / "note.txt").exists()
    (asked,) = [query for _, path, query, _ in node.engine.requests if path == "/containers/json"]
    assert asked["all"] == "1", "also those that have stopped"
    assert asked["filters"] == '{"label": ["carrel.project=carrel", "carrel.user=ann"]}'


async def test_an_engine_that_cannot_be_asked_removes_nothing(node, ann):
    node.config.engine_socket.unlink()

    assert (await node.ask("DELETE", "/carrel/homes/ann"))[0] == 503
    assert (ann / "note.txt").exists()


async def test_no_session_starts_on_a_home_that_is_going(node, ann, monkeypatch):
    """The create waits until the name is taken away, and then gets a new home."""
    going, go_on = threading.Event(), threading.Event()
    real = removal.set_aside

    def slow(homes, name):
        going.set()
        go_on.wait(5)
        return real(homes, name)

    monkeypatch.setattr(removal, "set_aside", slow)
    removing = asyncio.create_task(node.ask("DELETE", "/carrel/homes/ann"))
    await asyncio.to_thread(going.wait, 5)
    creating = asyncio.create_task(node.create(node.body))
    await asyncio.sleep(0.2)
    assert node.engine.changes == []
    go_on.set()

    assert (await removing)[0] == 204
    assert (await creating)[0] == 201
    assert list((node.config.homes / "ann").iterdir()) == []


async def test_other_routes_answer_while_a_home_is_measured(node, ann, monkeypatch):
    measuring, go_on = threading.Event(), threading.Event()

    def slow(_fd, pace):
        measuring.set()
        while not go_on.wait(0.01):
            pace()
        raise AssertionError

    monkeypatch.setattr(home_keeper, "measure", slow)
    asking = asyncio.create_task(node.ask("GET", "/carrel/homes/ann"))
    await asyncio.to_thread(measuring.wait, 5)

    assert (await node.ask("GET", "/_ping"))[0] == 200
    assert (await node.ask("GET", "/carrel/homes"))[0] == 200
    asking.cancel()  # and whoever leaves ends it: the next one is measured
    monkeypatch.undo()
    async with asyncio.timeout(5):
        assert (await node.ask("GET", "/carrel/homes/ann"))[0] == 200


async def test_what_an_earlier_node_was_killed_at_is_finished(config, node):
    left = config.homes / ".removed-ann-00"
    left.mkdir()
    (left / "note.txt").write_text("x")
    keeper = home_keeper.HomeKeeper(config, None)

    await keeper.finish_removals()
    keeper.close()

    assert list(config.homes.iterdir()) == []
