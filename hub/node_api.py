"""A client of node's socket for what is kept on disk: homes, and containers that nobody has."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from hub.drive_keeping import Sidecar
from hub.reconciling import Container, Stand
from hub.settings import Settings
from spawner.confinement import LABEL_SESSION
from spawner.errors import CarrelError, Code
from spawner.names import escape, unescape

CONNECT_S = 5
SOON_S = 60
LONG_S = 3600
"""Homes of millions of files are measured and removed in minutes."""
FLUSH_S = 700
"""Longer than a Drive sidecar is ever given to end by itself (``drive.flush_s``)."""
STALL_S = 300
"""Longest silence within an archive."""
_STANDS = {
    "created": Stand.NEVER_STARTED,
    "exited": Stand.ENDED,
    "dead": Stand.ENDED,
    "removing": Stand.LEAVING,
}  # all else (running, paused, restarting) lives
_FAULTS = (aiohttp.ClientError, OSError, TimeoutError)


class NodeApi:
    """Names are canonical. Raises CarrelError(UNAVAILABLE) when node cannot be asked."""

    def __init__(self, socket: Path) -> None:
        self._socket = str(socket)

    async def names(self) -> list[str]:
        """Whose homes there are."""
        async with self._asked("GET", "/carrel/homes", SOON_S) as answer:
            if answer.status == 404:
                raise _away()  # an earlier node, of an upgrade that is under way
            raw = await _read(answer)
        found = []
        for part in json.loads(raw)["homes"]:
            with suppress(CarrelError):
                found.append(unescape(part))
        return found

    async def size(self, name: str) -> int | None:
        """Bytes that the home takes on its disk; None when there is none."""
        async with self._asked("GET", _home(name), LONG_S) as answer:
            return None if answer.status == 404 else int(json.loads(await _read(answer))["bytes"])

    async def remove(self, name: str) -> bool:
        """Removes the home for good; False when there was none.

        Raises CarrelError(CONFLICT) while a container of theirs is there.
        """
        async with self._asked("DELETE", _home(name), LONG_S) as answer:
            return answer.status != 404

    async def containers(self) -> list[Container]:
        """The containers of all sessions, whatever they are doing."""
        async with self._asked("GET", "/containers/json?all=1", SOON_S) as answer:
            if answer.status == 404:
                raise _away()
            raw = await _read(answer)
        return [
            Container(
                name=listed["Names"][0].removeprefix("/"),
                session=listed["Labels"][LABEL_SESSION],
                stand=_STANDS.get(listed["State"], Stand.LIVE),
            )
            for listed in json.loads(raw)
            if listed["Names"]  # none: it is being made, or removed
        ]

    async def paused(self) -> list[str]:
        """Ids of the sessions whose containers are paused."""
        query = urlencode({"filters": json.dumps({"status": ["paused"]})})
        async with self._asked("GET", f"/containers/json?{query}", SOON_S) as answer:
            if answer.status == 404:
                raise _away()
            raw = await _read(answer)
        return [str(listed["Labels"][LABEL_SESSION]) for listed in json.loads(raw)]

    async def end_container(self, name: str, grace_s: int) -> None:
        """Asks a session's container to end, if there is a grace, and removes it; both if there.

        Raises CarrelError(CONFLICT) while its removal is under way.
        """
        if grace_s:
            path = f"/containers/{name}/stop?t={grace_s}"
            async with self._asked("POST", path, grace_s + SOON_S):
                pass
        await self.remove_container(name)

    async def remove_container(self, name: str) -> None:
        """Ends and removes a session's container, if it is still there."""
        path = f"/containers/{name}?force=1&v=1"
        async with self._asked("DELETE", path, SOON_S):
            pass

    @asynccontextmanager
    async def archive(self, name: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """The home as members of a tar without its end; None when there is none.

        Taking pieces raises CarrelError(UNAVAILABLE) when they break off.
        """
        async with self._asked("GET", f"{_home(name)}/archive", None) as answer:
            yield None if answer.status == 404 else _pieces(answer)

    async def ensure_course(self, slug: str) -> None:
        """Makes the course's folder, if it is not there."""
        async with self._asked("PUT", f"/carrel/courses/{slug}", SOON_S) as answer:
            if answer.status == 404:
                raise _away()

    async def show_course(self, container: str, slug: str) -> None:
        """Shows a running session the course, read-only. Harmless when it sees it already."""
        path = f"/carrel/sessions/{container}/courses/{slug}"
        async with self._asked("POST", path, SOON_S) as answer:
            if answer.status == 404:
                raise CarrelError(Code.NOT_FOUND, "The session or the course is not there.")

    async def keep_courses(self, container: str, slugs: Collection[str]) -> None:
        """Takes from a session what it sees of courses but these; harmless where it has ended.

        Raises CarrelError(CONFLICT) where what runs in it keeps one by force.
        """
        path = f"/carrel/sessions/{container}/courses"
        async with self._asked("PUT", path, SOON_S, {"courses": sorted(slugs)}):
            pass

    async def sidecars(self) -> list[Sidecar]:
        """The Drive sidecars, whatever they are doing."""
        async with self._asked("GET", "/carrel/drive", SOON_S) as answer:
            if answer.status == 404:
                raise _away()
            raw = await _read(answer)
        return [
            Sidecar(
                listed["user"],
                listed["session"],
                _STANDS.get(listed["state"], Stand.LIVE),
                listed["exit_code"],
            )
            for listed in json.loads(raw)["sidecars"]
        ]

    async def start_sidecar(self, user: str, body: Mapping[str, Any]) -> None:
        """``body`` is as spawner.node.drive describes it.

        Raises CarrelError(CONFLICT) while one of that user is there.
        """
        async with self._asked("PUT", f"/carrel/drive/{escape(user)}", SOON_S, body) as answer:
            if answer.status == 404:
                raise _away()

    async def end_sidecar(self, user: str, session: str) -> bool:
        """Lets it flush, and removes it; False when there was none."""
        path = f"/carrel/drive/{escape(user)}/{session}/stop"
        async with self._asked("POST", path, FLUSH_S + SOON_S) as answer:
            return answer.status != 404

    @asynccontextmanager
    async def job(self, job: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[bytes]]:
        """What a job prints: a tar. ``job`` is as spawner.node.jobs describes it.

        Raises CarrelError(REFUSED) with the job's own words when it fails.
        """
        async with self._asked("POST", "/carrel/jobs", None, job) as answer:
            if answer.status == 404:
                raise _away()  # an earlier node, of an upgrade that is under way
            yield _pieces(answer)

    @asynccontextmanager
    async def _asked(
        self, method: str, path: str, limit_s: float | None, body: Mapping[str, Any] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The head of an answer that is a yes, or 404."""
        limits = aiohttp.ClientTimeout(total=limit_s, sock_connect=CONNECT_S, sock_read=limit_s)
        if limit_s is None:
            limits = aiohttp.ClientTimeout(sock_connect=CONNECT_S, sock_read=STALL_S)
        connector = aiohttp.UnixConnector(self._socket)
        async with aiohttp.ClientSession(connector=connector, timeout=limits) as http:
            try:
                answer = await http.request(method, f"http://node{path}", json=body)
                if answer.status >= 400 and answer.status != 404:
                    raise _told(answer.status, await answer.read())
            except _FAULTS as error:
                raise _away() from error
            try:
                yield answer
            finally:
                answer.close()


def of(settings: Settings) -> NodeApi:
    """The client for this installation."""
    return NodeApi(settings.data_dir / "run" / "node.sock")


def _home(name: str) -> str:
    return f"/carrel/homes/{escape(name)}"


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    try:
        return await answer.read()
    except _FAULTS as error:
        raise _away() from error


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.content.iter_any():
            yield piece
    except _FAULTS as error:
        raise CarrelError(
            Code.UNAVAILABLE, "Reading the files broke off; what came is not whole.", "Try again."
        ) from error


def _away() -> CarrelError:
    return CarrelError(
        Code.UNAVAILABLE,
        "The program that reads files does not answer right now.",
        "Try again in a moment; if it stays so, tell your administrator.",
    )


def _told(status: int, body: bytes) -> CarrelError:
    """node's own words. 5xx is unknown, not a no."""
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        message = f"node answered {status}."
    if status >= 500:
        return CarrelError(Code.UNAVAILABLE, message)
    return CarrelError(Code.CONFLICT if status == 409 else Code.REFUSED, message)
