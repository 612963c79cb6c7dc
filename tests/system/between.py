"""A socket before the engine's that passes everything on, until a test wants it to misbehave.

Behind it is the real engine. One request a connection is looked at, which is all that node sends.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

HOLD_MOST_S = 180
VERBS = {
    "create": re.compile(rb"POST (?:/v[\d.]+)?/containers/create\?name=(\S+) "),
    "start": re.compile(rb"POST (?:/v[\d.]+)?/containers/(\w+)/start"),
    "stop": re.compile(rb"POST (?:/v[\d.]+)?/containers/(\w+)/stop"),
    "remove": re.compile(rb"DELETE (?:/v[\d.]+)?/containers/(\w+)[? ]"),
    "inspect": re.compile(rb"GET (?:/v[\d.]+)?/containers/([\w.-]+)/json "),
}


class Mode(Enum):
    """What becomes of every request."""

    PASS = "pass"
    ERROR = "error"
    SILENCE = "silence"


class When(Enum):
    """Where a held call stands still."""

    BEFORE = "before"
    """The engine has not heard of it yet."""
    AFTER = "after"
    """The engine has done it; its answer is kept back."""
    LOST = "lost"
    """As AFTER, but the answer never comes: the connection breaks."""


@dataclass
class Hold:
    """A call for one user's container that stands still when it comes by."""

    verb: str
    user: str
    when: When
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def stand_still(self) -> None:
        self.reached.set()
        self.released.wait(HOLD_MOST_S)


class Between:
    """Listens at ``path`` for as long as it is entered."""

    def __init__(self, path: Path, engine: Path) -> None:
        self.path = path
        self.mode = Mode.PASS
        self._engine = str(engine)
        self._holds: list[Hold] = []
        self._names: dict[bytes, bytes] = {}
        self._started: set[bytes] = set()
        self._speaks = threading.Event()
        self._speaks.set()

    def __enter__(self) -> Between:
        self.path.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.path))
        self._listening.listen(256)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def misbehaving(self, mode: Mode) -> Iterator[None]:
        """All that is asked meanwhile gets an error, or no answer for ever."""
        self._speaks.clear()
        self.mode = mode
        try:
            yield
        finally:
            self.mode = Mode.PASS
            self._speaks.set()

    @contextlib.contextmanager
    def hold(self, verb: str, user: str, when: When) -> Iterator[Hold]:
        """The user's next such call stands still until it is released.

        An ``inspect`` counts once the container was started.
        """
        made = Hold(verb, user, when)
        self._holds.append(made)
        try:
            yield made
        finally:
            made.released.set()
            with contextlib.suppress(ValueError):
                self._holds.remove(made)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            head = _head(client)
            if self.mode is Mode.PASS:
                self._pass_on(client, head)
            elif self.mode is Mode.ERROR:
                said = b'{"message": "internal error"}'
                client.sendall(
                    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
                    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said)
                )
            else:
                self._speaks.wait(HOLD_MOST_S)

    def _pass_on(self, client: socket.socket, head: bytes) -> None:
        verb, name = self._told(head)
        hold = self._taken(verb, name)
        if hold and hold.when is When.BEFORE:
            hold.stand_still()
        with socket.socket(socket.AF_UNIX) as upstream:
            upstream.connect(self._engine)
            upstream.sendall(head)
            sending = threading.Thread(target=_pump, args=(client, upstream), daemon=True)
            sending.start()
            if hold and hold.when is not When.BEFORE:
                upstream.recv(1, socket.MSG_PEEK)
                hold.stand_still()
            if verb == "start":
                self._started.add(name)
            if not hold or hold.when is not When.LOST:
                _pump(upstream, client)
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            sending.join(5)

    def _told(self, head: bytes) -> tuple[str, bytes]:
        """What is asked, and of which container by its name."""
        for verb, pattern in VERBS.items():
            if found := pattern.match(head):
                known = found[1]
                return verb, self._name(known) if re.fullmatch(rb"[0-9a-f]{64}", known) else known
        return "", b""

    def _name(self, id_: bytes) -> bytes:
        if id_ not in self._names:
            with socket.socket(socket.AF_UNIX) as upstream:
                upstream.connect(self._engine)
                upstream.sendall(b"GET /containers/%s/json HTTP/1.0\r\n\r\n" % id_)
                answer = b"".join(iter(lambda: upstream.recv(65536), b""))
            found = re.search(rb'"Name":"/([^"]+)"', answer)
            self._names[id_] = found[1] if found else b""
        return self._names[id_]

    def _taken(self, verb: str, name: bytes) -> Hold | None:
        if verb == "inspect" and name not in self._started:
            return None
        for hold in self._holds:
            if hold.verb == verb and f"-{hold.user}-".encode() in name:
                self._holds.remove(hold)
                return hold
        return None


def _head(client: socket.socket) -> bytes:
    """A request up to the end of its head, and whatever came with it."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = client.recv(65536)
        if not more:
            raise ConnectionError
        head += more
    return head


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while more := source.recv(65536):
            sink.sendall(more)
        sink.shutdown(socket.SHUT_WR)
