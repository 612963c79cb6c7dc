"""The JSON API, and the question whether this process is well."""

from __future__ import annotations

from typing import Any

from tornado.web import RequestHandler

from hub.web.admin import AdminHandler


class StatusApi(AdminHandler):
    """``/services/carrel/api/status``, with an admin's login or token."""

    json_only = True

    async def get(self) -> None:
        self.finish((await self.look()).as_json())


class Health(RequestHandler):
    """``/services/carrel/health``: answers without a login, a hub or a database."""

    def get(self) -> None:
        answer: dict[str, Any] = {"ok": True}
        self.finish(answer)
