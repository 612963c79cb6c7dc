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
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

SKEL = Path(__file__).parents[2] / "images/session/skel/opt/carrel"
TOKEN = "of-the-test"
HUB_TOKEN = "of-the-session"
SCOPE = "access:servers!server=ann/"


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
    """Path with query → answer."""
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    """Method, path, headers, body."""

    otherwise: Callable[[str], Answer] = lambda _path: Answer(404, b"{}")
    """What it answers to other paths."""

    def json(self, path: str, value: Any, status: int = 200) -> None:
        self.answers[path] = Answer(status, json.dumps(value).encode())

    def bodies(self, path: str) -> list[Any]:
        return [json.loads(body) for _, asked, _, body in self.asked if asked == path]

    def headers(self, path: str) -> list[dict[str, str]]:
        return [headers for _, asked, headers, _ in self.asked if asked == path]


@contextmanager
def stand_in() -> Iterator[StandIn]:
    found = StandIn()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.asked.append((self.command, self.path, dict(self.headers), body))
            answer = found.answers.get(self.path) or found.otherwise(self.path)
            time.sleep(answer.after_s)
            self.send_response(answer.status)
            self.send_header("X-JupyterHub-Version", "6.1.1")
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
    """jupyterhub-singleuser in a new home; a browser is logged in as ann by the stand-in."""
    home, courses = folder / "home", folder / "courses"
    home.mkdir()
    courses.mkdir()
    with stand_in() as hub, stand_in() as host:
        hub.otherwise = _hub
        port, log = _free_port(), folder / "server.log"
        more = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(SKEL / "lib"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "JUPYTER_CONFIG_PATH": str(SKEL / "venv/etc/jupyter"),
            "JUPYTER_PATH": str(SKEL / "venv/share/jupyter"),
            "HOME": str(home),
            "CARREL_HOME": str(home),
            "CARREL_COURSES": str(courses),
            "CARREL_NOTEBOOK_URL": host.url + "/{owner}/{repository}/{rest}",
            "JUPYTERHUB_API_TOKEN": HUB_TOKEN,
            "JUPYTERHUB_API_URL": hub.url + "/hub/api",
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-ann",
            "JUPYTERHUB_HOST": hub.url,
            "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps([SCOPE]),
            "JUPYTERHUB_OAUTH_CALLBACK_URL": f"http://127.0.0.1:{port}/user/ann/oauth_callback",
            "JUPYTERHUB_OAUTH_SCOPES": json.dumps([SCOPE]),
            "JUPYTERHUB_SERVER_NAME": "",
            "JUPYTERHUB_SERVICE_PREFIX": "/user/ann/",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}/user/ann/",
            "JUPYTERHUB_USER": "ann",
            **environment,
        }
        command = [
            sys.executable, "-m", "jupyterhub.singleuser", "--allow-root",
            f"--ServerApp.root_dir={home}", "--ServerApp.default_url=/lab",
        ]  # fmt: skip
        with log.open("wb") as sink:
            process = subprocess.Popen(command, stdout=sink, stderr=sink, cwd=home, env=more)
        found = Session(home, courses, f"http://127.0.0.1:{port}/user/ann/", hub, host, log)
        try:
            wait_until(lambda: _answers(found, process))
            yield found
        finally:
            process.terminate()
            process.wait(30)


def _hub(path: str) -> Answer:
    """JupyterHub as far as a session's server asks it: everybody who comes is ann."""
    at, _, query = path.partition("?")
    if at == "/hub/api/oauth2/authorize":
        asked = dict(parse_qsl(query))
        back = urlencode({"code": "a-code", "state": asked["state"]})
        return Answer(302, headers={"Location": f"{asked['redirect_uri']}?{back}"})
    known = {
        "/hub/api": {"version": "6.1.1"},
        "/hub/api/oauth2/token": {"access_token": TOKEN, "token_type": "Bearer"},
        "/hub/api/user": {"name": "ann", "kind": "user", "admin": False, "groups": [],
                          "scopes": [SCOPE], "session_id": None},
        "/hub/api/users/ann/activity": {},
    }  # fmt: skip
    found = known.get(at.removesuffix("/"))
    return Answer(404, b"{}") if found is None else Answer(200, json.dumps(found).encode())


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
