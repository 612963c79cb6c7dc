"""The hub's two calls for a sidecar, as a real HTTP server that tests give orders to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BEARER = "bearer-of-the-tests-0123456789"


@dataclass
class HubStub:
    """Attributes may be set at any time."""

    url: str = ""
    bearer: str = BEARER
    settings: dict[str, Any] = field(default_factory=lambda: {"everything": True, "poll_s": 0.2})
    token: str = "ya29.token-of-the-tests"
    fresh_token: Callable[[], str] | None = None
    """Makes another one for each answer."""
    lives_s: float = 3600
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Instead of the right answer: by ``access`` or ``report``."""
    delay_s: float = 0
    away: bool = False
    """Connections are closed without a word."""
    asked: list[str] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, call: str, authorization: str, body: dict[str, Any]) -> tuple[int, bytes]:
        self.asked.append(call)
        if authorization != f"Carrel {self.bearer}":
            return 401, b"{}"
        if call == "report":
            self.reports.append(body)
        if call in self.answers:
            return self.answers[call]
        told: dict[str, Any] = {"settings": self.settings}
        if call == "access":
            self.token = self.fresh_token() if self.fresh_token else self.token
            told |= {"access_token": self.token, "expires_at": time.time() + self.lives_s}
        return 200, json.dumps(told).encode()

    def count(self, call: str) -> int:
        return self.asked.count(call)

    @property
    def last(self) -> dict[str, Any]:
        return self.reports[-1]


@contextmanager
def running() -> Iterator[HubStub]:
    stub = HubStub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(stub.delay_s)
            if stub.away:
                self.close_connection = True
                return
            call = self.path.rsplit("/", 1)[-1]
            said = self.headers.get("Authorization", "")
            status, answer = stub.answer(call, said, json.loads(data))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A sidecar that was killed meanwhile."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_port}/hub/api/carrel/drive"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
