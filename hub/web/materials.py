"""The page of a course's materials: its versions, and for teachers the ways to publish."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa

from hub import course_powers, courses, orders
from hub.courses import Course
from hub.enums import Source
from hub.materials import layers, places, undecided, versions
from hub.materials.intake import Intake, Way
from hub.materials.layers import Stand
from hub.materials.places import Place
from hub.materials.versions import Version
from hub.orders import Order
from hub.powers import Actor
from hub.store import Store
from hub.web.base import HEADERS
from hub.web.blocking import Blocking
from hub.web.courses import CourseHandler
from spawner.errors import CarrelError, Code

P = ParamSpec("P")
T = TypeVar("T")
MOST_VERSIONS = 30
"""Listed on the page; ``?all`` lists every one."""
SHOWS_FRAMES = f"{HEADERS['Content-Security-Policy']}; frame-src 'self'"
"""Of pages that show a notebook, which has an origin of its own (hub.materials.rendering)."""


@dataclass(frozen=True)
class Seen:
    """A course as the actor may see its materials."""

    course: Course
    manages: bool
    versions: tuple[Version, ...]
    orders: tuple[Order, ...] = ()
    packages: Stand = field(default_factory=Stand)

    @property
    def newest(self) -> Version | None:
        return self.versions[0] if self.versions else None


@dataclass(frozen=True)
class Filled:
    """What the forms hold, and what is wrong with one of them."""

    way: str = ""
    """Which of the forms."""
    path: str = ""
    address: str = ""
    branch: str = ""
    message: str = ""
    adds: bool | None = None
    """None: by the kind of what comes."""
    problem: CarrelError | None = field(default=None, compare=False)


class MaterialsHandler(CourseHandler):
    """What is about a course's materials."""

    @property
    def store(self) -> Store:
        store: Store = self.settings["store"]
        return store

    async def blocking(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """``function(...)``, which takes seconds, in one of the threads for that."""
        threads: Blocking = self.settings["blocking"]
        return await threads.run(self.person.name, function, *args, **kwargs)

    def alone(self, course: Course) -> AbstractAsyncContextManager[object]:
        """One after another publishes or discards in a course. What decides is git's compare and
        swap; this spares whoever comes second an intake that vanishes under it."""
        locks: defaultdict[str, asyncio.Lock] = self.settings["publishing"]
        return locks[course.slug]

    async def seen(self, slug: str) -> Seen:
        """For whoever is in the course. Raises CarrelError(NOT_FOUND)."""
        return await self.read(look_at, self.actor, slug)

    async def managed(self, slug: str) -> Seen:
        """For its teachers. Raises CarrelError: NOT_FOUND, or REFUSED for its students."""
        await self.read(courses.managed, self.actor, slug)
        return await self.seen(slug)

    def place(self, course: Course) -> Place:
        return places.of(self.carrel.data_dir, course.slug)

    def ready_place(self, course: Course) -> Place:
        """Raises CarrelError: CONFLICT where the course is archived, UNAVAILABLE where it has no
        folder yet."""
        courses.require_open(course)
        place = self.place(course)
        if not has_folder(place):
            raise CarrelError(
                Code.UNAVAILABLE, "The folder of this course is still being made.",
                "Try again in a moment.",
            )  # fmt: skip
        return place

    def materials(self, course: Course, below: str = "") -> str:
        """Where its pages are."""
        return f"{self.prefix}courses/{course.slug}/materials{below}"

    async def show_materials(self, seen: Seen, filled: Filled) -> None:
        """The page itself."""
        place = self.place(seen.course)
        waiting: list[Intake] = []
        if seen.manages and has_folder(place):
            waiting = await self.blocking(undecided.listed, place)
        if self.wants_json:
            self.finish(_told(seen, waiting))
            return
        all_ = bool(self.get_query_argument("all", ""))
        listed = seen.versions if all_ else seen.versions[:MOST_VERSIONS]
        self.page(
            "materials_teach.html" if seen.manages else "materials.html",
            seen=seen, course=seen.course, where=self.materials(seen.course), filled=filled,
            listed=listed, intakes=waiting, folder=has_folder(place),
            reading=[one for one in seen.orders if one.under_way or one.problem],
            done=self.get_query_argument("done", ""), most=MOST_UPLOAD_BYTES,
        )  # fmt: skip


MOST_UPLOAD_BYTES = 100 * 2**20
"""Of an uploaded notebook or zip; larger things are collected from a session or from git."""


class MaterialsPage(MaterialsHandler):
    """``GET /courses/<slug>/materials``; ``?path=`` and the like fill a form."""

    async def get(self, slug: str) -> None:
        await self.show_materials(await self.seen(slug), self._asked())

    def _asked(self) -> Filled:
        def given(name: str) -> str:
            return self.get_query_argument(name, "")[:2000]

        way = Source.GIT if given("address") else Source.SESSION if given("path") else None
        return Filled(
            way.value if way else "", given("path"), given("address"), given("branch"),
            given("message"), given("adds") == "1" if given("adds") else None,
        )  # fmt: skip


def look_at(tx: sa.Connection, actor: Actor, slug: str) -> Seen:
    """The materials as the actor may see them.

    Raises CarrelError(NOT_FOUND) for whoever is not in the course.
    """
    course, seat = courses.seen(tx, actor, slug)
    manages = course_powers.manages(actor, seat)
    published = tuple(versions.listed(tx, course.slug))
    ordered = tuple(orders.of_course(tx, course.slug)) if manages else ()
    return Seen(course, manages, published, ordered, layers.stand(tx, course.slug))


def has_folder(place: Place) -> bool:
    """Housekeeping makes it, seconds after the course."""
    return place.intakes.is_dir()


def _told(seen: Seen, waiting: list[Intake]) -> dict[str, Any]:
    told: dict[str, Any] = {"versions": [version_told(one, seen) for one in seen.versions]}
    told["packages"] = packages_told(seen)
    if seen.manages:
        told["orders"] = [order_told(one) for one in seen.orders]
        told["intakes"] = [intake_told(one) for one in waiting]
    return told


def packages_told(seen: Seen) -> dict[str, Any] | None:
    """Of a course's extra packages as JSON; how they came to be is for teachers."""
    current, newest = seen.packages.in_use, seen.packages.newest
    if current is None and (newest is None or not seen.manages):
        return None
    told: dict[str, Any] = {"packages": current.names if current else []}
    if not seen.manages:
        return told
    if current and current.ended_at:
        told |= {
            "since": current.ended_at.isoformat(),
            "version": current.version,
            "bytes": current.size_bytes,
        }
    state = newest.state.value if newest else "ready"
    return told | {"state": state, "problem": newest.problem if newest else ""}


def version_told(version: Version, seen: Seen) -> dict[str, Any]:
    """Of a version as JSON; where it came from is for teachers."""
    told = {
        "number": version.number, "message": version.message, "by": version.by,
        "at": version.at.isoformat(), "files": version.files,
    }  # fmt: skip
    more = {"source": version.source.value, "detail": version.detail, "commit": version.commit}
    return told | more if seen.manages else told


def order_told(order: Order) -> dict[str, Any]:
    """Of an order as JSON."""
    return {
        "id": order.id, "state": order.state.value, "problem": order.problem,
        "intake": order.intake, "source": order.source.value, "place": order.place,
        "branch": order.branch, "by": order.by, "at": order.at.isoformat(),
    }  # fmt: skip


def intake_told(taken: Intake) -> dict[str, Any]:
    """Of an intake as JSON."""
    return {
        "id": taken.id, "by": taken.by, "at": taken.at.isoformat(), "source": taken.source.value,
        "detail": taken.detail, "adds": taken.way is Way.ADD, "files": taken.files,
        "bytes": taken.size,
        "left_out": [{"path": one.path, "why": one.why} for one in taken.left_out],
        "left_out_more": taken.left_out_more,
    }  # fmt: skip
