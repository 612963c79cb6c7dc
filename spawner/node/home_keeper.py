"""What node does for the routes on homes: lists, measures, archives and removes them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

from spawner.confinement import LABEL_PROJECT, LABEL_USER, MY_DRIVE
from spawner.errors import CarrelError, Code
from spawner.names import unescape
from spawner.node import removal
from spawner.node.archive import DRIVE_TREE, archive
from spawner.node.config import NodeConfig
from spawner.node.drive_folders import opened
from spawner.node.engine import Answer, Call, Engine
from spawner.node.homes import home_faults, open_beneath
from spawner.node.pieces import Pieces
from spawner.node.routes import Match
from spawner.node.sizes import measure
from spawner.node.trees import Pace

log = logging.getLogger("carrel.node")
T = TypeVar("T")

MOST_ARCHIVES = 3
"""At once; each reads a disk that sessions want too."""


class HomeKeeper:
    """Long work runs in threads of its own: one home is measured, and one removed, at a time."""

    def __init__(self, config: NodeConfig, engine: Engine) -> None:
        self._config = config
        self._engine = engine
        self._measuring = ThreadPoolExecutor(1, thread_name_prefix="measure")
        self._removing = ThreadPoolExecutor(1, thread_name_prefix="remove")
        self._paces: set[Pace] = set()
        self._archives = 0
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, name: str) -> asyncio.Lock:
        """Held while a session of that home is made or started, and while its name is taken away:
        so that nothing starts on a home that is going."""
        return self._turns.setdefault(name, asyncio.Lock())

    def close(self) -> None:
        """Cuts short what runs; a removal is taken up again at the next start."""
        for pace in tuple(self._paces):
            pace.stop()
        for pool in (self._measuring, self._removing):
            pool.shutdown(wait=False, cancel_futures=True)

    async def finish_removals(self) -> None:
        """What an earlier node was killed at."""
        try:
            await self._in(self._removing, self._finish)
        except CarrelError as error:
            log.error("A home that was being removed is still there: %s", error)

    async def names(self, _: Match) -> Answer:
        return _json({"homes": await asyncio.to_thread(self._names)})

    async def measure(self, match: Match) -> Answer:
        """One home after another, for as long as somebody waits for it."""

        def work(pace: Pace) -> dict[str, object]:
            fd = self._open(match.name)
            try:
                with home_faults(match.name):
                    size = measure(fd, pace)
            finally:
                os.close(fd)
            return {"bytes": size.bytes, "complete": size.complete}

        return _json(await self._in(self._measuring, work, ends_with_caller=True))

    async def remove(self, match: Match) -> Answer:
        """Answers when it is gone from the disk."""
        async with self.turn(match.name):
            await self._require_no_container(match.name)
            there = [
                await asyncio.to_thread(removal.set_aside, root, match.name) for root in self._roots
            ]
        await self._in(self._removing, self._finish)
        if not any(there):
            raise _no_home(match.name)
        return Answer(204, "application/json", b"")

    async def archive(self, match: Match) -> Pieces:
        if self._archives >= MOST_ARCHIVES:
            raise CarrelError(
                Code.UNAVAILABLE,
                f"{MOST_ARCHIVES} homes are being archived already.",
                "Try again when one of them is done.",
            )
        fd = self._open(match.name)
        drive_fd = self._my_drive(match.name)
        self._archives += 1
        pace = self._new_pace()

        def stop() -> None:
            self._archives -= 1
            pace.stop()

        def done() -> None:
            for one in (fd, drive_fd):
                if one is not None:
                    os.close(one)
            self._paces.discard(pace)

        return Pieces("application/x-tar", _all(fd, drive_fd, pace), stop, done)

    @property
    def _roots(self) -> tuple[Path, ...]:
        """What a user leaves on disk lies below these."""
        return (self._config.homes, self._config.drive, self._config.drive_state)

    def _finish(self, pace: Pace) -> None:
        for root in self._roots:
            removal.finish(root, pace)

    def _names(self) -> list[str]:
        with home_faults(""):
            return sorted(
                entry.name
                for entry in os.scandir(self._config.homes)
                if _is_a_users(entry.name) and entry.is_dir(follow_symlinks=False)
            )

    def _open(self, name: str) -> int:
        """A descriptor of the home. Raises CarrelError(NOT_FOUND) too."""
        unescape(name)
        with home_faults(name):
            homes_fd = os.open(self._config.homes, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                return open_beneath(homes_fd, name)
            except FileNotFoundError:
                raise _no_home(name) from None
            finally:
                os.close(homes_fd)

    def _my_drive(self, name: str) -> int | None:
        """A descriptor of the user's MyDrive, where there is a folder of that name."""
        try:
            with opened(self._config.drive, name) as fd:
                return open_beneath(fd, MY_DRIVE)
        except OSError:
            return None

    async def _require_no_container(self, name: str) -> None:
        labels = [f"{LABEL_PROJECT}={self._config.project}", f"{LABEL_USER}={unescape(name)}"]
        query = {"all": "1", "filters": json.dumps({"label": labels})}
        answer = await self._engine.ask(Call("GET", "/containers/json", query))
        if answer.status != 200:
            raise CarrelError(Code.UNAVAILABLE, "The engine could not say whose containers it has.")
        if answer.json():
            raise CarrelError(
                Code.CONFLICT,
                f"A container of the home {name} is still there.",
                "Stop the session first.",
            )

    async def _in(
        self, pool: ThreadPoolExecutor, work: Callable[[Pace], T], *, ends_with_caller: bool = False
    ) -> T:
        pace = self._new_pace()
        future = pool.submit(work, pace)
        # When the work ends, not when its caller leaves: ``close`` must still reach it.
        future.add_done_callback(lambda _: self._paces.discard(pace))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if ends_with_caller:
                pace.stop()
            raise

    def _new_pace(self) -> Pace:
        pace = Pace()
        self._paces.add(pace)
        return pace


def _all(home_fd: int, drive_fd: int | None, pace: Pace) -> Generator[bytes, None, None]:
    yield from archive(home_fd, pace)
    if drive_fd is not None:
        # Where a session finds it: the mount point in the home itself is empty.
        yield from archive(drive_fd, pace, DRIVE_TREE)


def _is_a_users(name: str) -> bool:
    try:
        unescape(name)
    except CarrelError:
        return False
    return True


def _no_home(name: str) -> CarrelError:
    return CarrelError(Code.NOT_FOUND, f"There is no home {name}.")


def _json(said: dict[str, object]) -> Answer:
    return Answer(200, "application/json", json.dumps(said).encode())
