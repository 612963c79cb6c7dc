"""What node does for the routes on Drive sidecars: starts, lists and ends them.

Each goes on to its end when its caller has left: half a start would hold a bearer that nobody
knows, and half an end a container.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from spawner.confinement import LABEL_DRIVE, LABEL_PROJECT, LABEL_USER
from spawner.errors import CarrelError, Code
from spawner.names import unescape
from spawner.node import drive, drive_folders
from spawner.node.cgroup import SessionsCgroup
from spawner.node.config import NodeConfig
from spawner.node.drive import Wanted
from spawner.node.engine import Answer, Call, Engine
from spawner.node.home_keeper import HomeKeeper
from spawner.node.routes import Match
from spawner.node.strict_json import parse_object

log = logging.getLogger("carrel.node")

LAST_LINES, MOST_TOLD = 15, 4000
"""Of a sidecar that broke off, for node's log; in lines and characters."""
_DONE = Answer(204, "application/json", b"")


class DriveKeeper:
    """One sidecar of a user at a time."""

    def __init__(
        self,
        config: NodeConfig,
        engine: Engine,
        homes: HomeKeeper,
        cgroup: SessionsCgroup,
        former_roots: frozenset[int],
    ) -> None:
        self._config = config
        self._engine = engine
        self._homes = homes
        self._cgroup = cgroup
        self._former_roots = former_roots
        self._ends: dict[str, asyncio.Task[Answer]] = {}
        self._tasks: set[asyncio.Task[Answer]] = set()

    async def start(
        self, match: Match, text: bytes, require_isolation: Callable[[], Awaitable[None]]
    ) -> Answer:
        """``require_isolation`` raises unless a container that starts now would be fenced in.

        Raises CarrelError: CONFLICT while a sidecar of that user is there, UNAVAILABLE.
        """
        wanted = drive.decide(unescape(match.name), parse_object(text), self._config)
        if not self._config.drive_image:
            raise CarrelError(
                Code.UNAVAILABLE,
                "There is no image for Drive.",
                "Set drive.client_id, and ./carrel up.",
            )
        await require_isolation()
        return await asyncio.shield(self._task(self._start(wanted)))

    async def listed(self, _: Match) -> Answer:
        """All of them: user, session, state in the engine's words, exit code once there is one."""
        found = [await self._described(one) for one in await self._containers()]
        said = {"sidecars": [one for one in found if one]}
        return Answer(200, "application/json", json.dumps(said).encode())

    async def stop(self, match: Match) -> Answer:
        """Ends it with its grace and removes it; answers when it has gone."""
        name = drive.container_name(self._config.project, unescape(match.name), match.session)
        under_way = self._ends.get(name)
        if under_way is None:
            under_way = self._ends[name] = self._task(self._stop(name, match.name))
            under_way.add_done_callback(lambda _: self._ends.pop(name, None))
        return await asyncio.shield(under_way)

    async def _start(self, wanted: Wanted) -> Answer:
        async with self._homes.turn(wanted.folder):
            if await self._containers(wanted.user):
                raise CarrelError(
                    Code.CONFLICT,
                    f"A Drive sidecar of {wanted.user} is still there.",
                    "It must have gone before the next begins.",
                )
            await asyncio.to_thread(self._prepare, wanted)
            id_ = await self._create(wanted)
            started = await self._engine.ask(Call("POST", f"/containers/{id_}/start"))
            if started.status != 204:
                await self._remove(id_)
                raise _no("start", started)
        await asyncio.to_thread(self._cgroup.limit)
        log.info("drive: a sidecar of %s begins for %s", wanted.user, wanted.session)
        return _DONE

    def _prepare(self, wanted: Wanted) -> None:
        drive_folders.ensure_drive(self._config, wanted.folder, self._former_roots)
        drive_folders.write_bearer(self._config, wanted.folder, wanted.bearer)

    async def _create(self, wanted: Wanted) -> str:
        """Its id."""
        name = drive.container_name(self._config.project, wanted.user, wanted.session)
        for _ in range(2):
            body = drive.create_body(wanted, self._config, await self._cgroup.name())
            made = await self._engine.ask(Call("POST", "/containers/create", {"name": name}, body))
            if not self._cgroup.refused(made):
                break
        if made.status == 201:
            return str(made.json()["Id"])
        if made.status == 404:
            raise CarrelError(
                Code.UNAVAILABLE,
                "The image for Drive is still being built.",
                "It begins by itself.",
            )
        raise _no("make", made)

    async def _stop(self, name: str, folder: str) -> Answer:
        answer = await self._engine.ask(Call("GET", f"/containers/{name}/json"))
        if answer.status == 404:
            raise CarrelError(Code.NOT_FOUND, f"There is no sidecar {name}.")
        if answer.status != 200:
            raise _no("describe", answer)
        inspected = answer.json()
        labels = inspected["Config"].get("Labels") or {}
        if labels.get(LABEL_PROJECT) != self._config.project or LABEL_DRIVE not in labels:
            raise CarrelError(
                Code.REFUSED, "This container is no Drive sidecar of this installation."
            )
        id_, state = str(inspected["Id"]), inspected["State"]
        if not state.get("Running") and state.get("ExitCode"):
            log.warning(
                "drive: %s ended with code %d. Its last lines:\n%s",
                name, state["ExitCode"], await self._last_lines(id_),
            )  # fmt: skip
        query = {"t": str(self._config.drive_grace_s)}
        stopped = await self._engine.ask(Call("POST", f"/containers/{id_}/stop", query))
        if stopped.status not in (204, 304, 404):
            raise _no("stop", stopped)
        await self._remove(id_)
        await asyncio.to_thread(drive_folders.remove_bearer, self._config, folder)
        log.info("drive: %s has ended", name)
        return _DONE

    async def _last_lines(self, id_: str) -> str:
        """With the container its log goes too."""
        query = {"stdout": "1", "stderr": "1", "tail": str(LAST_LINES)}
        answer = await self._engine.ask(Call("GET", f"/containers/{id_}/logs", query))
        lines, left = [], answer.content if answer.status == 200 else b""
        while left:  # frames: which stream, and how many bytes (the engine's API, "attach")
            end = 8 + int.from_bytes(left[4:8], "big")
            line = left[8:end].decode(errors="replace").rstrip()
            # A file's name may be in it, and is to steer nobody's terminal.
            lines.append(
                "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
            )
            left = left[end:]
        return "\n".join(lines)[-MOST_TOLD:]

    async def _remove(self, id_: str) -> None:
        query = {"force": "1", "v": "1"}
        removed = await self._engine.ask(Call("DELETE", f"/containers/{id_}", query))
        if removed.status not in (204, 404, 409):  # 409: its removal is under way
            raise _no("remove", removed)

    async def _containers(self, user: str = "") -> list[dict[str, Any]]:
        labels = [f"{LABEL_PROJECT}={self._config.project}", LABEL_DRIVE]
        labels += [f"{LABEL_USER}={user}"] if user else []
        query = {"all": "1", "filters": json.dumps({"label": labels})}
        answer = await self._engine.ask(Call("GET", "/containers/json", query))
        if answer.status != 200:
            raise _no("list", answer)
        found: list[dict[str, Any]] = answer.json()
        return found

    async def _described(self, listed: dict[str, Any]) -> dict[str, Any] | None:
        labels, state, code = listed["Labels"], str(listed["State"]), None
        if state in ("exited", "dead"):
            answer = await self._engine.ask(Call("GET", f"/containers/{listed['Id']}/json"))
            if answer.status == 404:
                return None
            if answer.status != 200:
                raise _no("describe", answer)
            code = int(answer.json()["State"]["ExitCode"])
        return {
            "user": labels[LABEL_USER],
            "session": labels[LABEL_DRIVE],
            "state": state,
            "exit_code": code,
        }

    def _task(self, work: Coroutine[Any, Any, Answer]) -> asyncio.Task[Answer]:
        task = asyncio.create_task(work)
        self._tasks.add(task)  # the event loop itself holds tasks only weakly
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Answer]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may have left: nobody else asks


def _no(what: str, answer: Answer) -> CarrelError:
    log.error("the engine did not %s a Drive sidecar: %s", what, answer.content[:500])
    return CarrelError(Code.UNAVAILABLE, f"The engine did not {what} the Drive sidecar.")
