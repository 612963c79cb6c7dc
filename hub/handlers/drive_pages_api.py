"""People's Drives, in the hub's API, for the carrel service, which holds no token and no key.

    POST /hub/api/carrel/drive/link       {"user", "code", "verifier"}: {"email", "again"}
    POST /hub/api/carrel/drive/unlink     {"user"}: {"revoked"}
    POST /hub/api/carrel/drive/folders    {"user", "folder"}: a level of their Drive, with sizes
    POST /hub/api/carrel/drive/chosen     {"user", "folders": [ids]}: {"folders"}, as to be recorded
    POST /hub/api/carrel/drive/whole      {"user"}: {"bytes"}
    POST /hub/api/carrel/drive/own        {"user"}: {"folders"}: the one that Carrel makes there

No token is in an answer, and no code in an address, a log or an error.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from hub import drive_google, scopes
from hub.audit import By
from hub.drive_folders import Look
from hub.drive_google import GoogleError
from hub.drive_tokens import JUST_NOW, reconnect
from hub.handlers.drive_api import DriveApi
from spawner.errors import CarrelError, Code

MOST_BODY = 64 * 1024
OWN_FOLDER = "Carrel"
"""What the folder is called that Carrel makes where it sees nothing else."""

T = TypeVar("T")


class PagesApi(DriveApi):
    """For the carrel service."""

    async def post(self) -> None:
        # Not needs_scope: it looks at its scopes before ours are made.
        if not self.has_scope(scopes.DRIVE):
            raise CarrelError(Code.REFUSED, "This is for the carrel service.")
        said = self._said()
        user = said.get("user")
        if not isinstance(user, str):
            raise _no_body()
        self.write(await self.answer(user, said))

    async def answer(self, user: str, said: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    async def look(self, user: str, what: Callable[[Look], Awaitable[T]]) -> T:
        """Looks into their Drive; once more with a new token where Google takes the old one no
        more. Raises CarrelError."""
        drive = self.authenticator.carrel.drive
        try:
            access = await self.tokens.access(user, datetime.now(UTC))
            return await what(Look(drive, access.token))
        except GoogleError:
            access = await self.tokens.access(user, datetime.now(UTC), JUST_NOW)
        try:
            return await what(Look(drive, access.token))
        except GoogleError:
            raise reconnect() from None

    def by(self, user: str, said: dict[str, Any]) -> By:
        address = said.get("address")
        return By(user, datetime.now(UTC), address[:45] if isinstance(address, str) else None)

    def _said(self) -> dict[str, Any]:
        """Not JupyterHub's way, which puts what it cannot read into its log."""
        try:
            body = json.loads(self.request.body) if len(self.request.body) <= MOST_BODY else None
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise _no_body()
        return body


class LinkApi(PagesApi):
    """A consent that somebody brings back from Google."""

    async def answer(self, user: str, said: dict[str, Any]) -> dict[str, Any]:
        code, verifier = said.get("code"), said.get("verifier")
        if not isinstance(code, str) or not isinstance(verifier, str):
            raise _no_body()
        before = await self.tokens.link(user, code, verifier, self.by(user, said))
        return {"again": before is not None and before.chosen}


class UnlinkApi(PagesApi):
    async def answer(self, user: str, said: dict[str, Any]) -> dict[str, Any]:
        return {"revoked": await self.tokens.unlink(user, self.by(user, said))}


class FoldersApi(PagesApi):
    async def answer(self, user: str, said: dict[str, Any]) -> dict[str, Any]:
        folder = drive_google.id_of(said.get("folder"))
        return await self.look(user, lambda look: look.level(folder))


class ChosenApi(PagesApi):
    async def answer(self, user: str, said: dict[str, Any]) -> dict[str, Any]:
        ids = said.get("folders")
        if not isinstance(ids, list):
            raise _no_body()
        known = [drive_google.id_of(one) for one in ids]
        found = await self.look(user, lambda look: look.chosen(known))
        return {"folders": [vars(one) for one in found]}


class WholeApi(PagesApi):
    async def answer(self, user: str, said: dict[str, Any]) -> dict[str, Any]:
        count = await self.look(user, lambda look: look.whole())
        return {"bytes": count.size_bytes}


class OwnApi(PagesApi):
    async def answer(self, user: str, said: dict[str, Any]) -> dict[str, Any]:
        found = await self.look(user, lambda look: look.own(OWN_FOLDER))
        return {"folders": [vars(one) for one in found]}


ROUTES = [
    (r"/api/carrel/drive/link", LinkApi),
    (r"/api/carrel/drive/unlink", UnlinkApi),
    (r"/api/carrel/drive/folders", FoldersApi),
    (r"/api/carrel/drive/chosen", ChosenApi),
    (r"/api/carrel/drive/whole", WholeApi),
    (r"/api/carrel/drive/own", OwnApi),
]


def _no_body() -> CarrelError:
    return CarrelError(Code.BAD_INPUT, "The body lacks what this call needs.")
