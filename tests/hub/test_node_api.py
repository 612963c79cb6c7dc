"""The client of node's socket, against node itself."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import node_api
from hub.drive_keeping import Sidecar
from hub.node_api import NodeApi
from hub.reconciling import Container, Stand
from hub.settings import Settings
from spawner.errors import CarrelError, Code
from spawner.node import home_keeper
from spawner.node.late import Late
from tests.hub.node_beside import NodeBeside, node_beside


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeBeside]:
    with node_beside(tmp_path) as node:
        yield node


@pytest.fixture
def api(node: NodeBeside) -> NodeApi:
    return node_api.of(Settings(data_dir=node.config.data_dir))


async def test_homes_are_listed_by_the_names_of_people(node: NodeBeside, api: NodeApi) -> None:
    node.home("mia_40x_2eorg")
    node.home(".removed-tom-1")
    assert await api.names() == ["mia@x.org"]


async def test_a_home_is_measured_or_there_is_none(node: NodeBeside, api: NodeApi) -> None:
    node.home("mia_40x_2eorg", note="x" * 100_000)
    size = await api.size("mia@x.org")
    assert size
    assert 100_000 < size < 150_000
    assert await api.size("tom") is None


async def test_a_home_is_removed_once(node: NodeBeside, api: NodeApi) -> None:
    home = node.home("mia", note="x")
    assert await api.remove("mia") is True
    assert not home.exists()
    assert await api.remove("mia") is False


async def test_a_container_in_the_way_is_a_conflict(node: NodeBeside, api: NodeApi) -> None:
    home = node.home("mia", note="x")
    node.containers.append({"Id": "x"})
    with pytest.raises(CarrelError) as caught:
        await api.remove("mia")
    assert caught.value.code is Code.CONFLICT
    assert home.exists()


async def test_a_container_is_removed_by_force(node: NodeBeside, api: NodeApi) -> None:
    await api.remove_container("carrel-mia-0123456789ab")
    assert node.removed == [f"/v1.41/containers/{'a' * 64}"]


async def test_containers_are_listed_with_their_sessions(node: NodeBeside, api: NodeApi) -> None:
    labels = {"carrel.session": "0123456789ab"}
    for state in ("created", "running", "paused", "exited", "removing"):
        listed = {"Names": [f"/carrel-{state}"], "Labels": labels, "State": state}
        node.containers.append(listed)
    node.containers.append({"Names": None, "Labels": labels, "State": "created"})
    stands = [Stand.NEVER_STARTED, Stand.LIVE, Stand.LIVE, Stand.ENDED, Stand.LEAVING]
    found = await api.containers()
    assert [one.stand for one in found] == stands
    assert found[0] == Container("carrel-created", "0123456789ab", Stand.NEVER_STARTED)


async def test_a_container_is_given_its_grace_before_it_is_removed(
    node: NodeBeside, api: NodeApi
) -> None:
    await api.end_container("carrel-mia-0123456789ab", 7)
    await api.end_container("carrel-mia-0123456789ab", 0)
    assert node.stopped == [f"/v1.41/containers/{'a' * 64}/stop?t=7"]
    assert len(node.removed) == 2


async def test_drive_sidecars_are_started_listed_and_ended(node: NodeBeside, api: NodeApi) -> None:
    session = "0123456789ab"
    body = {
        "session": session,
        "bearer": "a-bearer-that-is-long",
        "hub_url": "http://10.203.0.2:8081/hub/api/carrel/drive",
        "proxies": [],
    }
    assert await api.sidecars() == []
    await api.start_sidecar("mia@x.org", body)
    assert node.made == [f"carrel-mia_40x_2eorg-{session}-drive"]
    assert (node.config.drive_state / "mia_40x_2eorg/bearer").read_text() == body["bearer"]

    labels = {"carrel.user": "mia@x.org", "carrel.drive": session}
    node.containers.append({"Id": "a" * 64, "Labels": labels, "State": "running"})
    assert await api.sidecars() == [Sidecar("mia@x.org", session, Stand.LIVE)]
    with pytest.raises(CarrelError) as caught:
        await api.start_sidecar("mia@x.org", body)
    assert caught.value.code is Code.CONFLICT

    assert await api.end_sidecar("mia@x.org", session)
    assert node.stopped == [f"/v1.41/containers/{'a' * 64}/stop?t=75"]
    assert len(node.removed) == 1


async def test_a_session_is_held_to_its_courses(
    node: NodeBeside, api: NodeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []

    async def keep(_: object, courses: Path, container: object, slugs: frozenset[str]) -> None:
        held.append((courses, slugs))
        if "ai" in slugs:
            raise CarrelError(Code.CONFLICT, "It does not let go.")

    monkeypatch.setattr(Late, "keep", keep)
    await api.keep_courses("s", {"ml"})
    with pytest.raises(CarrelError, match="let go") as caught:
        await api.keep_courses("s", ["ml", "ai"])
    assert caught.value.code is Code.CONFLICT
    assert held == [(node.config.courses, {"ml"}), (node.config.courses, {"ml", "ai"})]


async def test_an_archive_comes_as_members_of_a_tar(node: NodeBeside, api: NodeApi) -> None:
    node.home("mia", note="mine")
    async with api.archive("mia") as pieces:
        assert pieces is not None
        raw = b"".join([piece async for piece in pieces])
    with tarfile.open(fileobj=io.BytesIO(raw + bytes(1024))) as tar:
        assert tar.getnames() == ["home", "home/note"]
    async with api.archive("tom") as pieces:
        assert pieces is None


async def test_an_archive_that_breaks_off_is_an_error(
    node: NodeBeside, api: NodeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_fd: int, _pace: object) -> Iterator[bytes]:
        yield b"x" * 512
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(home_keeper, "archive", broken)
    node.home("mia")
    async with api.archive("mia") as pieces:
        assert pieces is not None
        with pytest.raises(CarrelError, match="not whole"):
            async for _ in pieces:
                pass


async def test_a_node_that_is_away_is_unavailable(tmp_path: Path) -> None:
    api = NodeApi(tmp_path / "node.sock")
    for asking in (
        api.names(), api.size("mia"), api.remove("mia"), api.containers(), api.ensure_course("ml"),
        api.keep_courses("s", ()),
    ):  # fmt: skip
        with pytest.raises(CarrelError, match="does not answer right now") as caught:
            await asking
        assert caught.value.code is Code.UNAVAILABLE
    with pytest.raises(CarrelError):
        async with api.archive("mia"):
            pass


async def test_an_engine_that_is_away_is_unavailable_not_a_no(
    node: NodeBeside, api: NodeApi
) -> None:
    node.home("mia")
    node.config.engine_socket.unlink()
    with pytest.raises(CarrelError) as caught:
        await api.remove("mia")
    assert caught.value.code is Code.UNAVAILABLE
