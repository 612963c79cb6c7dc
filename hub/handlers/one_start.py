"""Lets one start of a user begin at a time, and tells those that come with it.

JupyterHub looks whether a start is under way, asks the authenticator, and only then begins: who
came in between met an internal error.
"""

from __future__ import annotations

from typing import Any, ClassVar

from jupyterhub.apihandlers.users import UserServerAPIHandler
from jupyterhub.handlers.base import BaseHandler
from tornado import web

UNDER_WAY = "A start of this session is under way already. Nothing else was started."


class OneStart(BaseHandler):
    """For handlers that start sessions."""

    _beginning: ClassVar[set[str]] = set()

    async def spawn_single_user(self, user: Any, *args: Any, **kwargs: Any) -> None:
        if user.name in self._beginning or user.spawner.pending:
            raise web.HTTPError(409, UNDER_WAY)
        self._beginning.add(user.name)
        try:
            await super().spawn_single_user(user, *args, **kwargs)
        finally:
            self._beginning.discard(user.name)


class StartApi(OneStart, UserServerAPIHandler):
    """``/hub/api/users/<name>/server``"""
