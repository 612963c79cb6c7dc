"""A session's own server as the image starts it, with stand-ins for the hub and the public host."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SKEL = Path(__file__).parents[2] / "images/session/skel/opt/carrel"
TOKEN = "of-the-test"
HUB_TOKEN = "of-the-session"


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    after_s: float = 0.0


@dataclass
class StandIn:
    """An HTTP server that answers as it was told, and remembers what it was asked."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    """Path with query → answer; others get 404."""
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    """Method, path, headers, body."""

    def json(self, path: str, value: Any, status: int = 200) -> None:
        self.answers[path] = Answer(status, json.dumps(value).encode())

    def bodies(self, path: str) -> list[Any]:
        return [json.loads(body) for _, asked, _, body in self.asked if asked == path]


@contextmanager
def stand_in() -> Iterator[StandIn]:
    found = StandIn()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.asked.append((self.command, self.path, dict(self.headers), body))
            answer = found.answers.get(self.path, Answer(404, b"{}"))
            time.sleep(answer.after_s)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            try:
                self.wfile.write(answer.body)
            except OSError:
                self.close_connection = True  # who asked had enough

        do_POST = do_GET  # noqa: N815 - its base's name

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Session:
    """A running server; ``url`` ends in a slash, as a session's does."""

    home: Path
    courses: Path
    url: str
    hub: StandIn
    host: StandIn
    log: Path

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        return self.request("GET", path, None, headers)

    def request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers and text; redirects are not followed."""
        request = urllib.request.Request(self.url + path, body, method=method)
        for name, value in {"Authorization": f"token {TOKEN}", **headers}.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            answer = _OPENER.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, dict(answer.headers), answer.read().decode()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())


@contextmanager
def session(folder: Path, **environment: str) -> Iterator[Session]:
    home, courses = folder / "home", folder / "courses"
    home.mkdir()
    courses.mkdir()
    with stand_in() as hub, stand_in() as host:
        port = _free_port()
        log = folder / "server.log"
        more = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(SKEL / "lib"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "JUPYTER_CONFIG_PATH": str(SKEL / "venv/etc/jupyter"),
            "HOME": str(home),
            "CARREL_HOME": str(home),
            "CARREL_COURSES": str(courses),
            "CARREL_NOTEBOOK_URL": host.url + "/{owner}/{repository}/{rest}",
            "JUPYTERHUB_API_URL": hub.url + "/hub/api",
            "JUPYTERHUB_API_TOKEN": HUB_TOKEN,
            **environment,
        }
        command = [
            sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root",
            f"--ServerApp.root_dir={home}", "--ServerApp.base_url=/user/ann/",
            f"--IdentityProvider.token={TOKEN}", "--ip=127.0.0.1", f"--port={port}",
        ]  # fmt: skip
        with log.open("wb") as sink:
            process = subprocess.Popen(
                command, stdout=sink, stderr=sink, cwd=home,
                env={"LANG": "C.UTF-8", **more},
            )  # fmt: skip
        found = Session(home, courses, f"http://127.0.0.1:{port}/user/ann/", hub, host, log)
        try:
            wait_until(lambda: _answers(found, process))
            yield found
        finally:
            process.terminate()
            process.wait(30)


def _answers(session: Session, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, session.log.read_text()
    try:
        return session.get("api/status")[0] == 200
    except OSError:
        return False


def wait_until(true: Callable[[], bool], patience_s: float = 60.0) -> None:
    until = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
