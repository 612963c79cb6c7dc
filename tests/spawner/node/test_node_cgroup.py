"""The cgroup above all sessions: named, limited, and never in a start's way."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from spawner.node.cgroup import SessionsCgroup, parent
from spawner.node.engine import Engine
from tests.spawner.node.conftest import NAME, SESSION_ID, Node

SLICE = "carrel_sessions.slice"


def parents(node: Node) -> list[str]:
    """Of the create calls that the engine got, in order."""
    return [
        body["HostConfig"]["CgroupParent"]
        for _, path, _, body in node.engine.requests
        if path == "/containers/create"
    ]


@pytest.mark.parametrize(
    ("driver", "name"),
    [("systemd", SLICE), ("cgroupfs", "/carrel_sessions"), ("none", ""), ("new", "")],
)
def test_it_is_named_as_the_engines_driver_wants(driver: str, name: str) -> None:
    assert parent("carrel", driver) == name


async def test_every_session_is_put_into_it_and_the_engine_is_asked_once(node: Node) -> None:
    for _ in range(2):
        assert (await node.create(node.body))[0] == 201
    assert parents(node) == [SLICE, SLICE]
    assert [path for _, path, _, _ in node.engine.requests].count("/info") == 1


async def test_an_engine_that_does_not_say_its_driver_stops_no_start(node: Node) -> None:
    node.engine.no["/info"] = "busy"
    assert (await node.create(node.body))[0] == 201
    node.engine.no.clear()
    assert (await node.create(node.body))[0] == 201
    assert parents(node) == ["", SLICE]


async def test_a_create_that_is_refused_for_it_is_made_without(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    node.engine.no["/containers/create"] = "cgroup-parent should be a valid slice"
    for _ in range(2):
        assert (await node.create(node.body))[0] == 201
    assert parents(node) == [SLICE, "", ""]
    assert "Sessions have no cgroup of their own" in caplog.text


async def test_any_other_refusal_is_passed_on_as_it_is(node: Node) -> None:
    node.engine.no["/containers/create"] = "no such image"
    assert (await node.create(node.body))[0] == 400
    assert parents(node) == [SLICE]


async def test_a_start_that_fails_for_it_is_the_last_one(node: Node, session: dict) -> None:
    node.engine.containers[NAME] = session
    await node.create(node.body)
    node.engine.no[f"/containers/{SESSION_ID}/start"] = "runc: cannot enter cgroupv2: denied"
    assert (await node.ask("POST", f"/containers/{NAME}/start"))[0] == 400
    await node.create(node.body)
    assert parents(node) == [SLICE, ""]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A cgroup v2 file system with the sessions' cgroup, as the kernel makes it."""
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    _group(tmp_path / SLICE, {"memory.max": "max\n", "cpu.weight": "100\n"})
    return tmp_path


def _group(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)


async def _known(node: Node, root: Path) -> SessionsCgroup:
    engine = Engine(node.config.engine_socket)
    cgroup = SessionsCgroup(node.config, engine, root)
    assert await cgroup.name() == SLICE
    await engine.close()
    return cgroup


async def test_it_is_limited_and_limited_again(node: Node, tree: Path) -> None:
    cgroup = await _known(node, tree)
    cgroup.limit()
    assert (tree / SLICE / "memory.max").read_text() == str(2**33)
    assert (tree / SLICE / "cpu.weight").read_text() == "50"
    (tree / SLICE / "memory.max").write_text("max\n")  # systemd made the slice anew
    cgroup.limit()
    assert (tree / SLICE / "memory.max").read_text() == str(2**33)


async def test_it_is_limited_where_cgroups_are_of_the_first_version(
    node: Node, tmp_path: Path
) -> None:
    memory, cpu = tmp_path / "memory" / SLICE, tmp_path / "cpu" / SLICE
    _group(memory, {"memory.limit_in_bytes": "9223372036854771712\n"})
    _group(cpu, {"cpu.shares": "1024\n"})
    (await _known(node, tmp_path)).limit()
    assert (memory / "memory.limit_in_bytes").read_text() == str(2**33)
    assert (cpu / "cpu.shares").read_text() == "512"


async def test_what_cannot_be_limited_is_told_once_and_goes_on(
    node: Node, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cgroup = await _known(node, tmp_path)
    with caplog.at_level(logging.WARNING):
        cgroup.limit()
        cgroup.limit()
    assert caplog.text.count("The cgroup of all sessions has no limits") == 1
