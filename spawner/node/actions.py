"""What node does for each route: asks, checks, and passes on to the engine what it may."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from spawner.confinement import (
    COURSES_INSIDE,
    DRIVE_INSIDE,
    LABEL_PROJECT,
    LABEL_SESSION,
    LABEL_USER,
    SHARED,
)
from spawner.errors import CarrelError, Code
from spawner.names import escape
from spawner.node import courses, filters, jobs, network, rules
from spawner.node.body import build
from spawner.node.cgroup import SessionsCgroup
from spawner.node.config import NodeConfig
from spawner.node.drive_folders import ensure_drive, ensure_point
from spawner.node.drive_keeper import DriveKeeper
from spawner.node.engine import Answer, Call, Engine
from spawner.node.firewall_keeper import Status
from spawner.node.home_keeper import HomeKeeper
from spawner.node.homes import ensure_home
from spawner.node.job_runner import JobRunner, Output
from spawner.node.late import Container, Late
from spawner.node.pieces import Pieces
from spawner.node.routes import Action, Match
from spawner.node.strict_json import parse_object

log = logging.getLogger("carrel.node")


class Actions:
    """``do`` returns the answer, or the call or pieces whose answer is to be streamed.

    Raises CarrelError for every no.
    """

    def __init__(
        self,
        config: NodeConfig,
        engine: Engine,
        firewall_status: Callable[[], Status],
        former_roots: frozenset[int],
    ) -> None:
        self._config = config
        self._former_roots = former_roots
        self._engine = engine
        self._firewall_status = firewall_status
        self.homes = HomeKeeper(config, engine)
        self.cgroup = SessionsCgroup(config, engine)
        self.jobs = JobRunner(config, engine, self.cgroup)
        self.drive = DriveKeeper(config, engine, self.homes, self.cgroup, former_roots)
        self._late = Late()
        self._by_action: dict[Action, Callable[[Match], Awaitable[Answer | Call | Pieces]]] = {
            Action.PING: lambda _: engine.ask(Call("GET", "/_ping")),
            Action.VERSION: lambda _: engine.ask(Call("GET", "/version")),
            Action.HEALTH: self._health,
            Action.IMAGE: self._image,
            Action.LIST: self._list,
            Action.INSPECT: self._inspect,
            Action.START: self._start,
            Action.STOP: partial(self._on_session, "POST", "/stop"),
            Action.KILL: partial(self._on_session, "POST", "/kill"),
            Action.REMOVE: partial(self._on_session, "DELETE", ""),
            Action.LOGS: self._logs,
            Action.EVENTS: self._events,
            Action.COURSE: self._course,
            Action.COURSE_SHOW: self._show_course,
            Action.DRIVE_LIST: self.drive.listed,
            Action.DRIVE_STOP: self.drive.stop,
            Action.HOMES: self.homes.names,
            Action.HOME_SIZE: self.homes.measure,
            Action.HOME_ARCHIVE: self.homes.archive,
            Action.HOME_REMOVE: self.homes.remove,
        }

    async def do(self, match: Match, text: bytes) -> Answer | Call | Pieces | Output:
        """``text`` is the request's body, for the few that have one."""
        if match.action is Action.CREATE:
            return await self._create(match.query.get("name", ""), text)
        if match.action is Action.JOB:
            return await self._job(text)
        if match.action is Action.COURSES_KEEP:
            return await self._keep_courses(match, text)
        if match.action is Action.DRIVE_START:
            return await self.drive.start(match, text, self._require_isolation)
        return await self._by_action[match.action](match)

    async def _image(self, match: Match) -> Answer:
        if match.name not in self._config.images:
            raise CarrelError(Code.REFUSED, "This image is not one that sessions may use.")
        return await self._engine.ask(Call("GET", f"/images/{match.name}/json"))

    async def _create(self, name: str, text: bytes) -> Answer:
        spec = rules.decide(name, parse_object(text), self._config)
        await self._require_isolation()
        async with self.homes.turn(spec.home):
            await self._ensure_home(spec.home)
            if spec.drive:
                spec = replace(spec, drive=await self._ensure_drive(spec.home))
            answer = await self._ask_for(spec)
            if self.cgroup.refused(answer):
                answer = await self._ask_for(spec)
        log.info("create %s from %s: %d", name, spec.image, answer.status)
        return answer

    async def _course(self, match: Match) -> Answer:
        config = self._config
        await asyncio.to_thread(courses.ensure_course, config.courses, match.name, config.hub_uid)
        return Answer(204, "application/json", b"")

    async def _show_course(self, match: Match) -> Answer:
        """Shows a running session a course that its user joined meanwhile."""
        _, inspected = await self._session(match.name)
        root = self._config.courses
        if not await asyncio.to_thread(courses.is_there, root, match.course):
            raise CarrelError(Code.NOT_FOUND, f"The course {match.course} has no folder yet.")
        if not (pid := inspected["State"].get("Pid")):
            raise CarrelError(Code.CONFLICT, "The session does not run.")
        container = Container(str(inspected["Id"]), int(pid))
        target = f"{COURSES_INSIDE}/{match.course}"
        await self._late.show(root / match.course / SHARED, container, target)
        return Answer(204, "application/json", b"")

    async def _keep_courses(self, match: Match, text: bytes) -> Answer:
        """Takes from a running session what it sees of courses, but those in the body."""
        kept = courses.kept(parse_object(text))
        _, inspected = await self._session(match.name)
        if pid := inspected["State"].get("Pid"):
            container = Container(str(inspected["Id"]), int(pid))
            await self._late.keep(self._config.courses, container, kept)
        return Answer(204, "application/json", b"")

    async def _job(self, text: bytes) -> Output:
        job = jobs.decide(parse_object(text), self._config.images)
        await self._require_isolation()
        log.info("job %s: %s", job.id, job.kind.value)
        return await self.jobs.run(job)

    async def _ask_for(self, spec: rules.Spec) -> Answer:
        # A course whose folder is not there yet keeps nobody from starting.
        there = tuple(s for s in spec.courses if courses.is_there(self._config.courses, s))
        spec = replace(spec, courses=there)
        body = build(spec, self._config, await self.cgroup.name())
        name = rules.container_name(self._config.project, spec.user, spec.session)
        return await self._engine.ask(Call("POST", "/containers/create", {"name": name}, body))

    async def _inspect(self, match: Match) -> Answer:
        return (await self._session(match.name))[0]

    async def _start(self, match: Match) -> Answer:
        """Looks at labels, firewall and home again: much may have happened since the create."""
        _, inspected = await self._session(match.name)
        user = inspected["Config"]["Labels"].get(LABEL_USER)
        if not rules.is_canonical(user):
            raise CarrelError(Code.REFUSED, f"The container's label {LABEL_USER} names no user.")
        await self._require_isolation()
        async with self.homes.turn(escape(user)):
            await self._ensure_home(escape(user))
            if any(mount["Destination"] == DRIVE_INSIDE for mount in inspected.get("Mounts", ())):
                await self._ensure_drive(escape(user))
            path = f"/containers/{inspected['Id']}/start"
            answer = await self._engine.ask(Call("POST", path))
        if not self.cgroup.refused(answer):
            await asyncio.to_thread(self.cgroup.limit)
        return answer

    async def _ensure_home(self, name: str) -> None:
        config = self._config
        await asyncio.to_thread(
            ensure_home, config.homes, name, config.session_uid, self._former_roots
        )

    async def _ensure_drive(self, name: str) -> bool:
        """Whether a session can see the user's Drive; one that cannot starts without.

        A home that is full must let its owner in to empty it.
        """
        config = self._config
        try:
            await asyncio.to_thread(ensure_drive, config, name, self._former_roots)
            aside = await asyncio.to_thread(ensure_point, config.homes, name, config.session_uid)
        except CarrelError as error:
            log.warning("A session of %s has no Drive: %s", name, error)
            return False
        if aside:
            log.info("drive: what was called so in the home %s is now %s", name, aside)
        return True

    async def _require_isolation(self) -> None:
        """Raises CarrelError(UNAVAILABLE) unless a session started now would be fenced in."""
        status = self._firewall_status()
        if not status.in_place:
            raise CarrelError(Code.UNAVAILABLE, status.detail, "No session starts until it is.")
        name = self._config.network.name
        answer = await self._engine.ask(Call("GET", f"/networks/{name}"))
        if answer.status != 200:
            raise CarrelError(
                Code.UNAVAILABLE, f"The engine shows no network {name}.", "Run `./carrel up`."
            )
        if found := network.faults(answer.json(), self._config.network):
            raise CarrelError(
                Code.UNAVAILABLE,
                f"The network {name} is not the one that the firewall guards: {'; '.join(found)}.",
                "Remove it and run `./carrel up`.",
            )

    async def _session(self, name: str) -> tuple[Answer, dict[str, Any]]:
        """A container that is a session of this installation, as the engine describes it."""
        answer = await self._engine.ask(Call("GET", f"/containers/{name}/json"))
        if answer.status == 404:
            raise CarrelError(Code.NOT_FOUND, f"No such container: {name}")
        if answer.status != 200:
            raise CarrelError(Code.UNAVAILABLE, "The engine could not say what this container is.")
        inspected = answer.json()
        labels = inspected["Config"].get("Labels") or {}
        if labels.get(LABEL_PROJECT) != self._config.project or not re.fullmatch(
            rules.SESSION_ID, labels.get(LABEL_SESSION, ""), re.ASCII
        ):
            raise CarrelError(Code.REFUSED, "This container is not a session of this installation.")
        return answer, inspected

    async def _path(self, name: str) -> str:
        """By its full id from here on: a name may mean another container in a moment."""
        return f"/containers/{(await self._session(name))[1]['Id']}"

    async def _on_session(self, method: str, end: str, match: Match) -> Answer:
        path = f"{await self._path(match.name)}{end}"
        return await self._engine.ask(Call(method, path, match.query))

    async def _logs(self, match: Match) -> Call:
        return Call("GET", f"{await self._path(match.name)}/logs", match.query)

    async def _list(self, match: Match) -> Answer:
        given = match.query.get("filters", "")
        rebuilt = filters.rebuild(given, filters.FOR_LIST, self._config.project)
        query = match.query | {"filters": rebuilt}
        return await self._engine.ask(Call("GET", "/containers/json", query))

    async def _events(self, match: Match) -> Call:
        given = match.query.get("filters", "")
        rebuilt = filters.for_events(given, self._config.project)
        return Call("GET", "/events", match.query | {"filters": rebuilt})

    async def _health(self, _: Match) -> Answer:
        engine, isolation, detail = True, True, "The engine answers and the firewall is in place."
        try:
            await self._engine.learn_version()
        except CarrelError as error:
            engine, detail = False, str(error)
        try:
            await self._require_isolation()
        except CarrelError as error:
            # Without the engine its network cannot be asked; the rules speak for themselves.
            isolation = not engine and self._firewall_status().in_place
            detail = detail if isolation else str(error)
        said = {"engine": engine, "firewall": isolation, "detail": detail}
        return Answer(200, "application/json", json.dumps(said).encode())
