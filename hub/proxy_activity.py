"""Takes over what the proxy knows of sessions' activity, in small pieces.

JupyterHub does it itself, one database question for each session and all of them in one piece: with
a thousand sessions that keeps every page waiting for a second or two, once a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from jupyterhub import orm
from jupyterhub.proxy import ConfigurableHTTPProxy

log = logging.getLogger("carrel.proxy")

PIECE = 25
"""Sessions between which others have their turn."""

Seen = tuple[str, str, datetime]
"""User, name of the server, when the proxy last passed something on."""


class ActivityProxy(ConfigurableHTTPProxy):
    """configurable-http-proxy, whose routes come without their activity: it is on record."""

    async def get_all_routes(self) -> dict[str, Any]:
        """The routes. JupyterHub asks for them once a minute, and when a proxy was restarted."""
        routes: dict[str, Any] = await super().get_all_routes()
        await self._record(_activity(routes))
        return routes

    async def _record(self, activity: Iterable[Seen]) -> None:
        all_ = iter(activity)
        while piece := list(islice(all_, PIECE)):
            try:
                _note(self.db, piece)
            except sa.exc.SQLAlchemyError:
                log.exception("The activity of sessions is not on record.")
                self.db.rollback()
                return
            await asyncio.sleep(0)


def _activity(routes: dict[str, Any]) -> list[Seen]:
    """Taken out of the routes."""
    found = []
    for route in routes.values():
        data = route["data"]
        last = data.pop("last_activity", None)
        if last and "user" in data and "server_name" in data:
            seen = datetime.fromisoformat(last)
            naive = seen.astimezone(UTC).replace(tzinfo=None) if seen.tzinfo else seen
            found.append((data["user"], data["server_name"], naive))
    return found


def _note(db: Any, piece: list[Seen]) -> None:
    """JupyterHub's times are UTC without saying so."""
    last = {(user, server): seen for user, server, seen in piece}
    spawners = (
        db.query(orm.Spawner, orm.User)
        .join(orm.User, orm.Spawner.user_id == orm.User.id)
        .filter(orm.User.name.in_({user for user, _ in last}))
    )
    for spawner, user in spawners:
        seen = last.get((user.name, spawner.name))
        if seen is not None:
            spawner.last_activity = max(spawner.last_activity or seen, seen)
            user.last_activity = max(user.last_activity or seen, seen)
    db.commit()
