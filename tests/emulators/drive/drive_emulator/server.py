"""Carries requests over HTTP to the emulator, and its answers back; loses some when told to."""

from __future__ import annotations

import gzip
import http.server
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from drive_emulator import pages
from drive_emulator.emulator import Emulator
from drive_emulator.faults import Fault, Rule
from drive_emulator.journal import Entry
from drive_emulator.messages import ERROR_PAGE, Aborted, Answer, Request, html, refusal
from drive_emulator.model import Refused

_PIECE = 1 << 18
_GOOGLES = (".googleapis.com", ".google.com")


class _Incoming:
    """A body of known length, or one in chunks, which is read at once."""

    def __init__(self, handler: Handler) -> None:
        self._file = handler.rfile
        self._held: bytes | None = None
        self.limit: int | None = None
        """The connection breaks after so many bytes."""
        self.took = 0
        if "chunked" in handler.headers.get("Transfer-Encoding", "").lower():
            self._held = b"".join(_chunks(self._file))
            if handler.headers.get("Content-Encoding") == "gzip":
                self._held = gzip.decompress(self._held)
            self.length = len(self._held)
        else:
            self.length = int(handler.headers.get("Content-Length") or 0)

    def read(self, size: int) -> bytes:
        size = min(size, self.length - self.took)
        if self.limit is not None and self.took + size > self.limit:
            raise Aborted
        if size <= 0:
            return b""
        if self._held is not None:
            data = self._held[self.took : self.took + size]
        else:
            data = self._file.read(size)
        if not data:
            raise Aborted
        self.took += len(data)
        return data

    def drain(self) -> None:
        while self.took < self.length:
            self.read(_PIECE)


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection; ``emulator`` and ``prefix`` are set by ``serve``."""

    protocol_version = "HTTP/1.1"
    server_version = "DriveEmulator"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    timeout = 600
    emulator: Emulator
    prefix: str = ""

    def handle_one(self) -> None:
        began = time.monotonic()
        body = _Incoming(self)
        request = self._request(body)
        method = self.emulator.name(request)
        rules = self.emulator.faults.of(request)
        try:
            answer = self._answer(request, method, rules, body)
            if answer is not None:
                body.drain()
        except (Aborted, ConnectionError, TimeoutError):
            answer = None
        # Before it is sent: whoever has the answer finds it in the journal.
        self._record(request, began, answer.status if answer else 0, body, rules)
        if answer is None:
            self._hang_up()
        else:
            self._send(answer, rules)

    # The names are http.server's.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_one  # noqa: N815

    def _request(self, body: _Incoming) -> Request:
        target = urlsplit(self.path)
        # A proxy's client writes the whole URL.
        path, prefix = target.path or "/", ""
        if self.prefix and (path + "/").startswith(self.prefix + "/"):
            path, prefix = path[len(self.prefix) :] or "/", self.prefix
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        method = self.command
        if method == "POST" and self.headers.get("X-HTTP-Method-Override", "").upper() == "GET":
            method = "GET"
            form = b""
            while body.took < body.length:
                form += body.read(_PIECE)
            query |= dict(parse_qsl(form.decode("utf-8", "replace"), keep_blank_values=True))
        host = self.headers.get("Host", "localhost")
        https = self.headers.get("X-Forwarded-Proto") == "https" or host.endswith(_GOOGLES)
        return Request(
            method=method,
            path=path,
            query=query,
            headers=self.headers,
            body=body,
            base=f"{'https' if https else 'http'}://{host}",
            prefix=prefix,
        )

    def _answer(
        self, request: Request, method: Any, rules: list[Rule], body: _Incoming
    ) -> Answer | None:
        """None: the connection is closed instead."""
        if self.emulator.delayed(request):
            time.sleep(self.emulator.settings.delay_ms / 1000)
        for rule in rules:
            went = self._before(rule, request, body)
            if went is not None:
                return went or None
        try:
            _require_own_form(request)
            answer = self.emulator.answer(request, method)
        except Refused as refused:
            answer = refusal(refused)
            if request.path.startswith("/my/"):
                text = f'<p class="bad">{escape(refused.message)}</p>'
                answer = html(pages.page(f"Error {refused.status}", text), refused.status)
        for rule in rules:
            if rule.fault is Fault.LOST_AFTER:
                return None
            if rule.fault is Fault.EDIT_AFTER:
                self.emulator.edit(rule.edit)
            if rule.fault is Fault.REFUSE and rule.applied:
                return _refused(rule)
        return answer

    def _before(self, rule: Rule, request: Request, body: _Incoming) -> Any:
        """What is answered instead; False: nothing is, the connection breaks; None: go on."""
        emulator = self.emulator
        if rule.fault is Fault.DELAY:
            time.sleep(rule.amount / 1000)
        elif rule.fault is Fault.LOST_BEFORE:
            body.drain()
            return False
        elif rule.fault is Fault.LOST_MIDWAY:
            body.limit = int(rule.amount)
        elif rule.fault is Fault.EDIT_BEFORE:
            emulator.edit(rule.edit)
        elif rule.fault is Fault.REVOKE:
            emulator.grants.revoke(self.headers.get("Authorization", "").removeprefix("Bearer "))
        elif rule.fault is Fault.EXPIRE_UPLOAD:
            emulator.uploads.expire(request.query.get("upload_id", ""))
        elif rule.fault is Fault.REFUSE and not rule.applied:
            return _refused(rule)
        elif rule.fault is Fault.PAGE:
            return html(ERROR_PAGE.format(status=rule.status), rule.status)
        return None

    def _send(self, answer: Answer, rules: list[Rule]) -> None:
        headers = {"Content-Type": "application/json; charset=UTF-8", **answer.headers}
        body = b"" if answer.part is not None else answer.body()
        wants_gzip = "gzip" in self.headers.get("Accept-Encoding", "")
        if wants_gzip and answer.part is None and len(body) > 1024 and answer.status == 200:
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        length = answer.part.size if answer.part is not None else len(body)
        self.send_response(answer.status)
        if answer.status not in (204, 304):
            headers["Content-Length"] = str(length)
        else:
            headers.pop("Content-Type")
        headers |= {"X-Content-Type-Options": "nosniff", "Vary": "Origin"}
        # The demo serves all this on the hub's own address: a file is never a page there.
        headers.setdefault("Content-Security-Policy", "sandbox; default-src 'none'")
        for name, value in headers.items():
            self.send_header(name, value.replace("\r", "").replace("\n", ""))
        self.end_headers()
        if self.command == "HEAD":
            return
        short = [int(rule.amount) for rule in rules if rule.fault is Fault.TRUNCATE]
        if answer.part is None:
            self.wfile.write(body[: short[0]] if short else body)
        else:
            self._send_part(answer, min([length, *short]))
        self.wfile.flush()
        if short and short[0] < length:
            self._hang_up()

    def _send_part(self, answer: Answer, length: int) -> None:
        part, sent = answer.part, 0
        assert part is not None
        while sent < length:
            data = part.blob.read(part.start + sent, min(_PIECE, length - sent))
            self.wfile.write(data)
            sent += len(data)

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _record(
        self, request: Request, began: float, status: int, body: _Incoming, rules: list[Rule]
    ) -> None:
        if request.path.startswith("/control/"):
            return
        self.emulator.journal.add(
            Entry(
                at_ms=self.emulator.now_ms(),
                method=request.method,
                path=request.path,
                operation=request.operation,
                status=status,
                took_ms=round((time.monotonic() - began) * 1000, 2),
                sent_bytes=body.took,
                faults=tuple(rule.fault.value for rule in rules),
            )
        )

    def log_message(self, format: str, *args: Any) -> None:
        """The journal has it."""


def _require_own_form(request: Request) -> None:
    """Nobody logs in to these pages, so another site's form would do as well as one of ours."""
    site = request.headers.get("Sec-Fetch-Site")
    if request.method == "POST" and site not in (None, "same-origin", "none"):
        raise Refused(403, "forbidden", "This form was sent by another site.")


def _refused(rule: Rule) -> Answer:
    message = rule.message or rule.reason
    answer = refusal(Refused(rule.status, rule.reason, message))
    if rule.retry_after_s is not None:
        answer.headers["Retry-After"] = str(rule.retry_after_s)
    return answer


def _chunks(file: Any) -> Iterator[bytes]:
    while size := int(file.readline().split(b";")[0] or b"0", 16):
        yield file.read(size)
        file.readline()
    while file.readline().strip():
        pass


class Server(http.server.ThreadingHTTPServer):
    """Many at once."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are part of the play; anything else is told."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def bind(emulator: Emulator, address: str, port: int, prefix: str = "") -> Server:
    """Bound, and not serving yet."""
    made = type("Bound", (Handler,), {"emulator": emulator, "prefix": prefix.rstrip("/")})
    return Server((address, port), made)


@contextmanager
def serving(emulator: Emulator, prefix: str = "", port: int = 0) -> Iterator[str]:
    """In a thread of this process; its address, without a slash at the end."""
    server = bind(emulator, "127.0.0.1", port, prefix)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
