"""The JSON API, and the question whether this process is well."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tornado.web import RequestHandler

from hub import queueing, sessions
from hub.installation import Installation
from hub.web.admin import AdminHandler
from hub.web.base import Handler
from hub.web.queue import everybody, own


class StatusApi(AdminHandler):
    """``/services/carrel/api/status``, with an admin's login or token."""

    json_only = True

    async def get(self) -> None:
        self.finish((await self.look()).as_json())


class QueueApi(Handler):
    """``/services/carrel/api/queue``: one's own place; with an admin's login or token, all."""

    json_only = True

    async def get(self) -> None:
        installation: Installation = self.settings["installation"]
        active = await self.read(sessions.active)
        queue = queueing.decide(active, installation.house(), datetime.now(UTC))
        answer = own(queue, self.person.name)
        self.finish(answer | {"queue": everybody(queue)} if self.person.admin else answer)


class Health(RequestHandler):
    """``/services/carrel/health``: answers without a login, a hub or a database."""

    def get(self) -> None:
        answer: dict[str, Any] = {"ok": True}
        self.finish(answer)
