"""Courses, in the hub's API, for the programs in a session: they come with the session's token.

    GET  /hub/api/carrel/courses?role=teacher       those that its owner teaches
    POST /hub/api/carrel/courses/<slug>/publish     {"path", "message"}: has a part of the home read
    POST /hub/api/carrel/courses/<slug>/copy        what became of the copy (hub.copies)

A student can make that token say anything: what it reports is a claim about their own copy, and
what it publishes is looked at and confirmed on the course's page.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from hub import accounts, copies, courses, orders, origins
from hub.audit import By
from hub.enums import CourseRole, Source
from hub.handlers.api import OfSession
from hub.powers import Actor
from spawner.errors import CarrelError, Code

MOST_BODY = 256 * 1024


def _actor(tx: sa.Connection, name: str) -> Actor:
    return Actor.of(accounts.require_enabled(tx, name))


def _taught(tx: sa.Connection, name: str) -> list[dict[str, str]]:
    return [
        {"slug": one.course.slug, "title": one.course.title}
        for one in courses.listed(tx, _actor(tx, name))
        if one.seat is CourseRole.TEACHER and not one.course.archived
    ]


class _OfSession(OfSession):
    """With what these routes share."""

    def by(self, name: str) -> By:
        return By(name, datetime.now(UTC))

    def said(self) -> dict[str, Any]:
        """The request's body. Raises CarrelError(BAD_INPUT)."""
        if len(self.request.body) > MOST_BODY:
            raise CarrelError(Code.BAD_INPUT, "This is too long.")
        body = self.get_json_body()
        if not isinstance(body, dict):
            raise CarrelError(Code.BAD_INPUT, "The body must be an object in JSON.")
        return body


class CoursesApi(_OfSession):
    """Those of the session's owner."""

    async def get(self) -> None:
        if self.get_query_argument("role", "") != CourseRole.TEACHER.value:
            raise CarrelError(Code.BAD_INPUT, "Say role=teacher.")
        store = self.authenticator.store
        self.write({"courses": await store.in_thread(store.read, _taught, self.owner())})


class PublishApi(_OfSession):
    """Has a part of the owner's home read; its teacher looks at it and publishes it on the page."""

    async def post(self, slug: str) -> None:
        name, body = self.owner(), self.said()
        path, message = body.get("path"), body.get("message", "")
        if not isinstance(path, str) or not isinstance(message, str):
            raise CarrelError(Code.BAD_INPUT, "path and message must be texts.")
        single = path.endswith(".ipynb")
        wish = orders.Wish(Source.SESSION, path, message=message, adds=single)
        by = self.by(name)

        def order(tx: sa.Connection) -> orders.Order:
            return orders.order(tx, _actor(tx, name), slug, wish, by)

        store = self.authenticator.store
        made = await store.in_thread(store.decide, order)
        pages = origins.absolute(self.authenticator.carrel)
        self.set_status(202)
        self.write({"preview": f"{pages}courses/{made.course}/materials/orders/{made.id}"})


class CopyApi(_OfSession):
    """What became of the owner's copy of a course."""

    async def post(self, slug: str) -> None:
        name = self.owner()
        claim, now = copies.parse(self.said()), datetime.now(UTC)
        store = self.authenticator.store
        # A look first: whoever is not in it does not wait for, or hold, the one place to write.
        await store.in_thread(store.read, copies.require_seat, name, slug)
        await store.in_thread(store.decide, copies.record, name, slug, claim, now)
        self.set_status(204)
