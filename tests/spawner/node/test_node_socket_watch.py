"""A socket that was replaced under its bind is noticed, and nothing else is taken for it."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from spawner.errors import CarrelError
from spawner.node import server, socket_watch
from spawner.node.config import NodeConfig
from spawner.node.socket_watch import is_replaced


class Bind:
    """A way to a file that goes on after its name is gone, as a bind mount of it does."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_PATH)
        self.path = Path(f"/proc/self/fd/{self._fd}")

    def close(self) -> None:
        os.close(self._fd)


def listen(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    return listening


@pytest.fixture
def engine_socket(data_dir: Path) -> Iterator[Path]:
    path = data_dir / "docker.sock"
    with listen(path):
        yield path


@pytest.fixture
def bind(engine_socket: Path) -> Iterator[Bind]:
    bind = Bind(engine_socket)
    yield bind
    bind.close()


def replace(path: Path) -> None:
    path.unlink()
    listen(path).close()


def test_a_socket_that_was_made_anew_is_replaced(engine_socket: Path, bind: Bind) -> None:
    assert not is_replaced(bind.path)
    replace(engine_socket)
    assert is_replaced(bind.path)


def test_one_that_was_renamed_over_is_too(engine_socket: Path, bind: Bind, data_dir: Path) -> None:
    fresh = data_dir / "fresh.sock"
    with listen(fresh):
        fresh.replace(engine_socket)
    assert is_replaced(bind.path)


def test_an_engine_that_is_down_is_not_one_that_has_a_new_socket(
    engine_socket: Path, data_dir: Path
) -> None:
    """Nobody listens, or without a bind: nothing is there, and what comes will be found."""
    assert not is_replaced(engine_socket)
    engine_socket.unlink()
    assert not is_replaced(engine_socket)
    assert not is_replaced(data_dir / "never" / "there.sock")


async def test_node_ends_with_a_word_so_that_it_is_started_anew(
    engine_socket: Path, bind: Bind, config: NodeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Keeper:
        async def run(self) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(socket_watch, "LOOK_EVERY_S", 0.02)
    bound = dataclasses.replace(config, engine_socket=bind.path)
    running = asyncio.create_task(server._until_stopped(Keeper(), bound))
    await asyncio.sleep(0.1)
    assert not running.done()
    replace(engine_socket)
    with pytest.raises(CarrelError, match="new socket"):
        await asyncio.wait_for(running, 10)
