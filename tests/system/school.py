"""A Carrel of its own for a module that hurts it: people, their sessions, their kernels."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from tests.conftest import Installation

FAULTS = (aiohttp.ClientError, OSError, TimeoutError)
ADD = """
import os, sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from hub import accounts, installation, store
from hub.audit import COMMAND_LINE, By
from hub.enums import Role
from spawner.errors import CarrelError
database = store.open_store(installation.load(Path(os.environ["CARREL_ETC"])).settings)
for name in sys.argv[1:]:
    new = accounts.NewAccount(name, Role.STUDENT, None)
    with suppress(CarrelError):
        database.decide(accounts.create, new, By(COMMAND_LINE, datetime.now(UTC)))
"""


@dataclass(frozen=True)
class Box:
    """A session's container."""

    id: str
    name: str
    user: str
    session: str
    state: str


class _Engine(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("engine", timeout=60)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@dataclass(frozen=True)
class School:
    """The Carrel, asked directly: whatever becomes of its published port."""

    carrel: Installation

    def process(self, name: str) -> str:
        return f"{self.carrel.project}-{name}"

    def add(self, *names: str) -> None:
        """Students with these names, if they are not there already."""
        code, said = self.carrel.inside(
            self.process("hub"), "python", "-c", ADD, *names, user="60751"
        )
        assert code == 0, said

    def addresses(self) -> tuple[str, str]:
        """Of hub and proxy; both are fixed."""
        settings = json.loads((self.carrel.data_dir / "etc" / "node.json").read_text())
        return settings["network"]["hub"], settings["network"]["proxy"]

    def kill(self, process: str) -> None:
        """kill -9, as the kernel would: the engine's restart policy sees it."""
        pid = self.carrel.engine.docker(
            "inspect", "--format", "{{.State.Pid}}", self.process(process)
        )
        os.kill(int(pid), signal.SIGKILL)

    def boxes(self) -> list[Box]:
        """All containers of sessions there are, whatever they are doing."""
        filters = json.dumps({"label": [f"carrel.project={self.carrel.project}", "carrel.session"]})
        with closing(_Engine(self.carrel.engine.socket)) as engine:
            engine.request("GET", f"/containers/json?all=1&filters={quote(filters)}")
            answer = engine.getresponse()
            listed = json.loads(answer.read())
        assert answer.status == 200, listed
        return [
            Box(
                one["Id"],
                # One that is being made or removed may have no name for a moment.
                "".join(one["Names"])[1:],
                one["Labels"]["carrel.user"],
                one["Labels"]["carrel.session"],
                one["State"],
            )
            for one in listed
        ]

    def rows(self, *, active: bool = False) -> list[dict[str, Any]]:
        """Sessions on record, oldest first; read beside the hub, which may be dead."""
        path = self.carrel.data_dir / "db" / "carrel.sqlite"
        query = "select * from sessions"
        query += " where state <> 'ended'" if active else ""
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as database:
            database.row_factory = sqlite3.Row
            found = database.execute(f"{query} order by requested_at, id").fetchall()
        return [dict(row) for row in found]

    def row(self, user: str) -> dict[str, Any]:
        """The newest session of that user."""
        return [row for row in self.rows() if row["user"] == user][-1]

    async def api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        token = (self.carrel.data_dir / "secrets" / "hub" / "cli_token").read_text().strip()
        url = f"http://{self.addresses()[0]}:8081/hub/api{path}"
        return await _call(method, url, token, body)

    async def know(self, *names: str) -> None:
        for name in names:
            await self.api("POST", f"/users/{name}")

    async def server(self, user: str) -> dict[str, Any] | None:
        """As the hub lists it while it starts, runs or stops."""
        status, model = await self.api("GET", f"/users/{user}?include_stopped_servers")
        assert status == 200, model
        server = model["servers"].get("")
        return server if server and (server["ready"] or server["pending"]) else None

    async def is_ready(self, user: str) -> bool:
        try:
            server = await self.server(user)
        except FAULTS:
            return False
        return bool(server and server["ready"] and not server["pending"])

    async def is_gone(self, user: str) -> bool:
        try:
            return await self.server(user) is None
        except FAULTS:
            return False

    async def ask_for(self, user: str) -> tuple[int, Any]:
        return await self.api("POST", f"/users/{user}/server", {"profile": "small"})

    async def leave(self, user: str) -> tuple[int, Any]:
        return await self.api("DELETE", f"/users/{user}/server")

    async def start(self, *users: str, within_s: float = 240) -> None:
        await asyncio.gather(*(self.ask_for(user) for user in users))
        for user in users:
            await until(lambda user=user: self.is_ready(user), within_s)

    async def stop(self, *users: str) -> None:
        await asyncio.gather(*(self.leave(user) for user in users))
        for user in users:
            await until(lambda user=user: self.is_gone(user), 90)

    async def empty(self) -> None:
        """Everybody leaves: a test that failed must not be in the way of the next."""
        await until(self.hub_answers, 60)
        await self.stop(*{row["user"] for row in self.rows(active=True)})

    async def hub_answers(self) -> bool:
        try:
            return (await self.api("GET", "/"))[0] == 200
        except FAULTS:
            return False

    async def token(self, user: str) -> str:
        status, made = await self.api("POST", f"/users/{user}/tokens", {})
        assert status == 201, made
        return str(made["token"])

    async def answers(self, user: str, token: str) -> bool:
        """Whether the notebook server answers its owner, through the proxy."""
        try:
            status, _ = await _call("GET", f"{self.server_url(user)}/api/status", token)
        except FAULTS:
            return False
        return status == 200

    def server_url(self, user: str) -> str:
        return f"http://{self.addresses()[1]}:8000/user/{user}"

    async def has_ended_well(self, *, with_users: tuple[str, ...] = ()) -> bool:
        """Nothing pending; containers, rows and the hub's servers are those of these users."""
        boxes, rows = self.boxes(), self.rows(active=True)
        return (
            sorted((box.user, box.session, box.state) for box in boxes)
            == sorted((row["user"], row["id"], "running") for row in rows)
            and {row["state"] for row in rows} <= {"running"}
            and {row["user"] for row in rows} == set(with_users)
        )

    @asynccontextmanager
    async def kernel(self, user: str, token: str, id_: str = "") -> AsyncIterator[Kernel]:
        """A kernel's websocket through the proxy; of a new kernel unless one is named."""
        url = f"{self.server_url(user)}/api/kernels"
        if not id_:
            status, made = await _call("POST", url, token, {})
            assert status == 201, made
            id_ = made["id"]
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"token {token}"}) as client,
            client.ws_connect(f"{url}/{id_}/channels") as channels,
        ):
            yield Kernel(id_, channels)


@dataclass(frozen=True)
class Kernel:
    """An open connection to a kernel."""

    id: str
    socket: aiohttp.ClientWebSocketResponse

    async def run(self, code: str) -> str:
        """What the code prints. Raises when the connection broke."""
        message = uuid.uuid4().hex
        head = {"msg_id": message, "msg_type": "execute_request", "session": message,
                "username": "", "version": "5.3"}  # fmt: skip
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
        await self.socket.send_json(
            {"header": head, "parent_header": {}, "metadata": {}, "content": content,
             "channel": "shell", "buffers": []}
        )  # fmt: skip
        printed, done = "", set()
        async with asyncio.timeout(60):
            while done != {"idle", "reply"}:
                said = await self.socket.receive_json()
                if said["parent_header"].get("msg_id") != message:
                    continue
                if said["msg_type"] == "stream":
                    printed += said["content"]["text"]
                elif said["msg_type"] == "execute_reply":
                    assert said["content"]["status"] == "ok", said
                    done.add("reply")
                elif said["content"].get("execution_state") == "idle":
                    done.add("idle")
        return printed.strip()


async def until(true: Callable[[], Awaitable[Any]], within_s: float) -> float:
    """Waits until the answer is yes; after how many seconds it was."""
    began = time.monotonic()
    while not await true():
        assert time.monotonic() - began < within_s, f"not within {within_s} s"
        await asyncio.sleep(0.2)
    return time.monotonic() - began


async def _call(method: str, url: str, token: str, body: Any = None) -> tuple[int, Any]:
    headers, timeout = {"Authorization": f"token {token}"}, aiohttp.ClientTimeout(total=60)
    async with (
        aiohttp.ClientSession(headers=headers, timeout=timeout) as client,
        client.request(method, url, json=body, allow_redirects=False) as answer,
    ):
        text = await answer.text()
    return answer.status, json.loads(text) if text[:1] in "{[" and text else None


def note(fault: str, took_s: float, record_property: Callable[[str, object], None]) -> None:
    """How long a recovery took, for whoever reads the run's output (`-rP`, or the junit file)."""
    print(f"RECOVERY {fault}: {took_s:.1f} s")
    record_property(fault, round(took_s, 1))
