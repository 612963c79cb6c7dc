"""A course's extra packages: how their build goes, its log, and the button that builds anew."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hub.materials import layers
from hub.powers import Actor
from hub.web.materials import MaterialsHandler, Seen, look_at, packages_told
from spawner.errors import CarrelError, Code

MOST_LIVE = 16 * 1024
"""Characters of a log that scripts get each time."""


class PackagesPage(MaterialsHandler):
    """``/courses/<slug>/materials/packages``: GET looks, POST builds anew."""

    async def get(self, slug: str) -> None:
        await self._show(await self.managed(slug))

    async def post(self, slug: str) -> None:
        try:
            await self.act(layers.again, slug)
        except CarrelError as error:
            if self.wants_json or error.code is not Code.CONFLICT:
                raise
            self.set_status(error.code.value)
            await self._show(await self.managed(slug), error)
            return
        seen = await self.managed(slug)
        if self.wants_json:
            self.finish(packages_told(seen) or {})
        else:
            self.redirect(self.materials(seen.course, "/packages"), status=303)

    async def _show(self, seen: Seen, problem: CarrelError | None = None) -> None:
        log = await self.read(_log, self.actor, seen.course.slug)
        if self.wants_json:
            told: dict[str, Any] = packages_told(seen) or {"state": "none"}
            self.finish(told | {"log": log[-MOST_LIVE:]})
            return
        self.page(
            "materials_packages.html", seen=seen, course=seen.course, log=log, problem=problem,
            where=self.materials(seen.course),
        )  # fmt: skip


def _log(tx: sa.Connection, actor: Actor, slug: str) -> str:
    """Of the newest build."""
    newest = look_at(tx, actor, slug).packages.newest
    return layers.log_of(tx, newest.id) if newest else ""
