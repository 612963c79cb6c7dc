"""GitHub and GitLab as far as a login goes, over real HTTP: stand-ins that answer as documented.

Sources: docs.github.com, "Authorizing OAuth apps" and "Get the authenticated user";
docs.gitlab.com, "OAuth 2.0 identity provider API" and "Users API".
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

SECRET = "of-the-client"
TOKEN_PATHS = {"/login/oauth/access_token": "github", "/oauth/token": "gitlab"}
USER_PATHS = ("/api/v3/user", "/api/v4/user")


@dataclass
class Forge:
    """What it answers, and what it was asked."""

    user: dict[str, Any]
    url: str = ""
    status: int = 200
    """Of the answer about who somebody is."""
    codes: dict[str, str] = field(default_factory=dict)
    """Code → PKCE's challenge; each is good once."""
    asked: list[dict[str, str]] = field(default_factory=list)

    def authorize(self, url: str) -> str:
        """Says yes at once, as to somebody who agreed before; where the browser goes then."""
        query = dict(parse_qsl(urlsplit(url).query))
        code = f"code{len(self.codes)}"
        self.codes[code] = query["code_challenge"]
        self.asked.append(query)
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, kind: str, form: dict[str, str]) -> tuple[int, dict[str, str]]:
        self.asked.append(form)
        challenge = self.codes.pop(form.get("code", ""), "")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        right = base64.urlsafe_b64encode(digest).decode().rstrip("=") == challenge
        if form.get("client_secret") != SECRET:
            # GitHub says no with 200.
            error = "incorrect_client_credentials" if kind == "github" else "invalid_client"
            return (200 if kind == "github" else 401), _error(error)
        if not right:
            error = "bad_verification_code" if kind == "github" else "invalid_grant"
            return (200 if kind == "github" else 400), _error(error)
        return 200, {"access_token": "an-access-token", "token_type": "bearer", "scope": ""}


def _error(code: str) -> dict[str, str]:
    return {"error": code, "error_description": f"The {code}."}


@contextmanager
def running(user: dict[str, Any]) -> Iterator[Forge]:
    """A forge on a port of its own, where everybody is that user."""
    forge = Forge(user)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            form = dict(parse_qsl(self.rfile.read(size).decode()))
            self._answer(*forge.token(TOKEN_PATHS[self.path], form))

        def do_GET(self) -> None:
            known = self.headers["Authorization"] == "Bearer an-access-token"
            assert self.path in USER_PATHS
            self._answer(forge.status if known else 401, forge.user)

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        forge.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, daemon=True).start()
        yield forge
        server.shutdown()
