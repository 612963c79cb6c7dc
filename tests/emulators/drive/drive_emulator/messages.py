"""Requests and answers, as values between the server and what answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, Protocol

from drive_emulator.model import Blob, Refused


class Body(Protocol):
    """What a client sends. Raises ``Aborted`` when it goes away in the middle."""

    length: int

    def read(self, size: int) -> bytes: ...


class Aborted(Exception):  # noqa: N818  the client's doing
    """The client closed the connection before all was sent."""


@dataclass
class Request:
    """One request, its prefix taken away."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    body: Body
    base: str
    """Scheme and host as the client wrote them, for URLs in answers."""
    prefix: str = ""
    """What came before the path, for links in pages."""
    operation: str = ""
    """``files.list``: as the discovery document calls it."""
    path_values: dict[str, str] = field(default_factory=dict)
    quirks: dict[str, Any] = field(default_factory=dict)
    """What the faults ask of a list."""

    def text(self) -> bytes:
        return self.body.read(self.body.length)

    def json(self) -> dict[str, Any]:
        """Raises 400 for anything but an object; an absent body is an empty one."""
        return parse_json(self.text())

    def flag(self, name: str, default: bool = False) -> bool:
        return self.query.get(name, str(default)).lower() == "true"

    def number(self, name: str, default: int) -> int:
        try:
            return int(self.query.get(name, default))
        except ValueError:
            raise Refused(400, "invalidParameter", f"Invalid value: {name}", name) from None


@dataclass(frozen=True)
class Part:
    """Some bytes of a blob."""

    blob: Blob
    start: int
    size: int


@dataclass
class Answer:
    """What goes back: a value as JSON, bytes, or a part of a file."""

    status: int = 200
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    part: Part | None = None
    after: Callable[[], None] | None = None
    """Done once the answer is on its way."""

    def body(self) -> bytes:
        if self.part is not None:
            return self.part.blob.read(self.part.start, self.part.size)
        if self.content is None:
            return b""
        if isinstance(self.content, bytes):
            return self.content
        return json.dumps(self.content, ensure_ascii=False).encode()

    @property
    def length(self) -> int:
        return self.part.size if self.part is not None else len(self.body())


def parse_json(data: bytes) -> dict[str, Any]:
    if not data.strip():
        return {}
    try:
        found = json.loads(data)
    except ValueError:
        raise Refused(400, "parseError", "Parse Error") from None
    if not isinstance(found, dict):
        raise Refused(400, "parseError", "Parse Error")
    return found


def html(text: str, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(
        status,
        text.encode(),
        {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
            "img-src data:; form-action *; base-uri 'none'; frame-ancestors 'none'",
            "Cache-Control": "no-store",
            **named,
        },
    )


def redirect(to: str) -> Answer:
    return Answer(303, b"", {"Location": to, "Cache-Control": "no-store"})


_DOMAINS = {
    "userRateLimitExceeded": "usageLimits",
    "rateLimitExceeded": "usageLimits",
    "dailyLimitExceeded": "usageLimits",
}


def refusal(refused: Refused) -> Answer:
    """The JSON that Google's APIs answer with when they say no."""
    error: dict[str, Any] = {
        "domain": _DOMAINS.get(refused.reason, "global"),
        "reason": refused.reason,
        "message": refused.message,
    }
    if refused.location:
        header = refused.status in (401, 412)
        error |= {
            "locationType": "header" if header else "parameter",
            "location": refused.location,
        }
    content = {
        "error": {"errors": [error], "code": refused.status, "message": refused.message},
    }
    return Answer(refused.status, content)


ERROR_PAGE = """<!DOCTYPE html>
<html lang=en>
  <meta charset=utf-8>
  <title>Error {status} (Server Error)!!1</title>
  <p><b>{status}.</b> <ins>That&#39;s an error.</ins>
  <p>The server encountered an error and could not complete your request.
  <p>If the problem persists, please try again later.  <ins>That&#39;s all we know.</ins>
"""
"""What a front end sends instead of JSON."""
