"""A Google of the tests: a consent page's answers, tokens, revoking, and a Drive of a few folders.

Strict where the real one is: a code is good once, with its verifier, redirect and secret.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from tests.spawner.fake_engine import free_port

CLIENT, SECRET = "client-1", "the-client-secret"
FULL = "https://www.googleapis.com/auth/drive"
FOLDER = "application/vnd.google-apps.folder"


@dataclass
class Google:
    """One account's Drive, and what was given for it."""

    port: int = field(default_factory=free_port)
    email: str = "ada@school.example"
    root: str = "0AroooT"
    away: bool = False
    """Whether it answers 500 to everything."""
    scope: str = FULL
    lasting: bool = True
    """Whether a refresh token comes."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh: dict[str, bool] = field(default_factory=dict)
    """Each refresh token, and whether it lives."""
    access: set[str] = field(default_factory=set)
    minted: int = 0
    revoked: list[str] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "client_id": CLIENT,
            "auth_url": f"{self.url}auth",
            "token_url": f"{self.url}token",
            "revoke_url": f"{self.url}revoke",
            "api_url": self.url,
        }

    def folder(self, id_: str, title: str, parent: str = "root") -> None:
        self.files[id_] = {"title": title, "parent": parent, "mimeType": FOLDER}

    def file(self, id_: str, size: int, parent: str = "root") -> None:
        more = {"mimeType": "text/plain", "fileSize": str(size)}
        self.files[id_] = {"title": f"{id_}.txt", "parent": parent, **more}

    def consent(self, address: str) -> dict[str, str]:
        """What the browser comes back with, after a yes on the page at that address."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT
        assert (asked["access_type"], asked["prompt"]) == ("offline", "consent")
        assert asked["code_challenge_method"] == "S256"
        assert asked["include_granted_scopes"] == "false"
        code = f"4/{secrets.token_urlsafe(12)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "scope": asked["scope"]}

    async def token(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.away:
            return web.Response(status=500, text="<html>Error 500")
        said = {name: str(value) for name, value in (await request.post()).items()}
        if (said["client_id"], said["client_secret"]) != (CLIENT, SECRET):
            return web.json_response({"error": "invalid_client"}, status=401)
        if said["grant_type"] == "refresh_token":
            if not self.refresh.get(said["refresh_token"]):
                return _dead()
            return self._minted({})
        asked = self.codes.pop(said["code"], None)
        digest = hashlib.sha256(said["code_verifier"].encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or asked["code_challenge"] != proof:
            return _dead()
        if asked["redirect_uri"] != said["redirect_uri"]:
            return web.json_response({"error": "redirect_uri_mismatch"}, status=400)
        lasting = f"1//{secrets.token_urlsafe(16)}"
        if self.lasting:
            self.refresh[lasting] = True
        return self._minted({"refresh_token": lasting} if self.lasting else {})

    def _minted(self, more: dict[str, str]) -> web.Response:
        access = f"ya29.{secrets.token_urlsafe(12)}"
        self.access.add(access)
        self.minted += 1
        told = {"access_token": access, "expires_in": 3599, "token_type": "Bearer"}
        return web.json_response({**told, "scope": self.scope, **more})

    async def revoke(self, request: web.Request) -> web.Response:
        if self.away:
            return web.Response(status=500, text="<html>Error 500")
        token = str((await request.post())["token"])
        self.revoked.append(token)
        self.refresh[token] = False
        self.access.clear()
        return web.json_response({})

    async def about(self, request: web.Request) -> web.Response:
        if (no := self._no(request)) is not None:
            return no
        used = sum(int(one.get("fileSize", 0)) for one in self.files.values())
        return web.json_response({
            "user": {"emailAddress": self.email}, "rootFolderId": self.root,
            "quotaBytesUsed": str(used),
        })  # fmt: skip

    async def listed(self, request: web.Request) -> web.Response:
        if (no := self._no(request)) is not None:
            return no
        query = request.query["q"]
        within = re.fullmatch(r"'([^']+)' in parents and trashed = false", query)
        called = re.fullmatch(r"title = '([^']+)' and mimeType = .* and trashed = false", query)
        assert within or called, query
        found = [
            {"id": id_, **one}
            for id_, one in self.files.items()
            if (one["parent"] == within[1] if within else one["title"] == called[1])
        ]
        first = int(request.query.get("pageToken", 0))
        last = first + min(int(request.query.get("maxResults", 100)), 1000)
        more = {"nextPageToken": str(last)} if last < len(found) else {}
        return web.json_response({"items": found[first:last], **more})

    async def made(self, request: web.Request) -> web.Response:
        if (no := self._no(request)) is not None:
            return no
        said = await request.json()
        self.folder("own-folder", said["title"])
        return web.json_response({"id": "own-folder"})

    async def one(self, request: web.Request) -> web.Response:
        if (no := self._no(request)) is not None:
            return no
        id_ = request.match_info["id"]
        found = self.files.get(id_)
        if found is None:
            return web.json_response({"error": {"code": 404}}, status=404)
        parents = [{"id": found["parent"], "isRoot": found["parent"] == "root"}]
        told = {"id": id_, "title": found["title"], "mimeType": found["mimeType"]}
        return web.json_response({**told, "labels": {"trashed": False}, "parents": parents})

    def _no(self, request: web.Request) -> web.Response | None:
        self.asked += 1
        if self.away:
            return web.Response(status=500, text="<html>Error 500")
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.access:
            return web.json_response({"error": {"code": 401}}, status=401)
        return None


def _dead() -> web.Response:
    return web.json_response(
        {"error": "invalid_grant", "error_description": "expired or revoked"}, status=400
    )


@asynccontextmanager
async def answering(google: Google) -> AsyncIterator[Google]:
    """Served, as long as this lasts."""
    app = web.Application()
    app.router.add_post("/token", google.token)
    app.router.add_post("/revoke", google.revoke)
    app.router.add_get("/drive/v2/about", google.about)
    app.router.add_get("/drive/v2/files", google.listed)
    app.router.add_post("/drive/v2/files", google.made)
    app.router.add_get("/drive/v2/files/{id}", google.one)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", google.port).start()
    try:
        yield google
    finally:
        await runner.cleanup()
