"""Lets one start of a user begin at a time, and tells those that come with it.

JupyterHub looks whether a start is under way, asks the authenticator, and only then begins: who
came in between met an internal error.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from jupyterhub.apihandlers.users import UserServerAPIHandler
from jupyterhub.handlers.base import BaseHandler
from tornado import web

UNDER_WAY = "A start of this session is under way already. Nothing else was started."
CANCELLED = "This start was cancelled. Nothing was started."


class UnderWay(web.HTTPError):
    """Somebody asked for what is under way."""

    def __init__(self) -> None:
        super().__init__(409, UNDER_WAY)


class OneStart(BaseHandler):
    """For handlers that start sessions."""

    _beginning: ClassVar[set[str]] = set()

    def is_beginning(self, user: Any) -> bool:
        """Whether a start of theirs is under way, seen or not yet seen by JupyterHub."""
        return user.name in self._beginning or user.spawner.pending == "spawn"

    async def spawn_single_user(self, user: Any, *args: Any, **kwargs: Any) -> None:
        if user.name in self._beginning or user.spawner.pending:
            raise UnderWay
        self._beginning.add(user.name)
        try:
            await super().spawn_single_user(user, *args, **kwargs)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # it is this request that ends
            raise web.HTTPError(409, CANCELLED) from error
        finally:
            self._beginning.discard(user.name)


class StartApi(OneStart, UserServerAPIHandler):
    """``/hub/api/users/<name>/server``"""
