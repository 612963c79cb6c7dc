"""Courses: the list of one's own, and the page of each, for its teachers and for its students."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from hub import audit, course_names, course_people, course_powers, courses
from hub.course_people import Member, Sums
from hub.courses import Course, Listed, Wish
from hub.enums import CourseRole, Joining
from hub.materials import layers, versions
from hub.powers import Actor
from hub.web.base import Handler
from hub.web.refusals import Refusals
from spawner.errors import CarrelError, Code

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Look:
    """A course as its page shows it; the people are for those who manage it."""

    course: Course
    seat: CourseRole | None
    manages: bool
    teachers: tuple[str, ...]
    newest: int | None
    """The last published version of the materials."""
    people: tuple[Member, ...] = ()
    sums: Sums | None = None
    packages: int = 0
    """Extra ones that its notebooks find."""


@dataclass(frozen=True)
class Filled:
    """What a form holds, and what is wrong with it."""

    slug: str = ""
    title: str = ""
    description: str = ""
    joining: str = Joining.OPEN.value
    problem: CarrelError | None = field(default=None, compare=False)


class CourseHandler(Handler):
    """What is about courses; powers are decided by the account and by what it is in the course."""

    async def act(
        self, deed: Callable[Concatenate[sa.Connection, Actor, str, P], T], slug: str, *more: Any
    ) -> T:
        """Does it as whoever asks; what is refused is on record too."""
        by = self.by()
        return await self.on_record(slug, self.decide(deed, self.actor, slug, *more, by))

    async def on_record(self, slug: str, doing: Awaitable[T]) -> T:
        """Waits for what is done to a course; a refusal leaves a line in the audit."""
        try:
            return await doing
        except CarrelError as error:
            refusals: Refusals = self.settings["refusals"]
            told_no = error.code in (Code.REFUSED, Code.NOT_FOUND)
            if told_no and refusals.counts(self.person.name, datetime.now(UTC)):
                shown = "".join(c for c in slug[:40] if c.isprintable())
                told = f"course {shown}: {error.message}"
                await self.decide(audit.record, self.by(), audit.Action.REFUSED, None, told)
            raise

    def text(self, name: str, most: int = 20_000) -> str:
        return self.get_body_argument(name, "")[:most]

    def wish(self) -> Wish:
        """What the form says of a course. Raises CarrelError(BAD_INPUT)."""
        joining = self.text("joining") or Joining.OPEN.value
        try:
            return Wish(self.text("title"), self.text("description"), Joining(joining))
        except ValueError as error:
            raise CarrelError(
                Code.BAD_INPUT, "There is no such way of joining.", "Use the page's own form."
            ) from error

    def filled(self, slug: str, problem: CarrelError) -> Filled:
        """The form as it was sent, to be mended."""
        return Filled(
            slug[:100], self.text("title", 200), self.text("description", 3000),
            self.text("joining", 20), problem,
        )  # fmt: skip


class CoursesPage(CourseHandler):
    """``/courses``: GET lists one's own, POST makes one."""

    async def get(self) -> None:
        await self._show(Filled())

    async def post(self) -> None:
        title = self.text("title")
        slug = self.text("slug").strip() or course_names.proposed(title)
        try:
            course_powers.require_make(self.actor)
            course = await self.act(courses.make, slug, self.wish())
        except CarrelError as error:
            if self.wants_json or error.code not in (Code.BAD_INPUT, Code.CONFLICT):
                raise
            self.set_status(error.code.value)
            await self._show(self.filled(slug, error))
            return
        if self.wants_json:
            self.finish(_as_json(course))
        else:
            self.redirect(f"{self.prefix}courses/{course.slug}?done=made", status=303)

    async def _show(self, filled: Filled) -> None:
        found, teachers = await self.read(_mine, self.actor)
        if self.wants_json:
            shown = [
                _as_json(one.course)
                | {"seat": one.seat.value if one.seat else None, "students": one.students,
                   "version": one.version, "teachers": teachers.get(one.course.slug, [])}
                for one in found
            ]  # fmt: skip
            self.finish({"courses": shown})
            return
        self.page(
            "courses.html", courses=found, teachers=teachers, filled=filled,
            makes=course_powers.makes_courses(self.actor), actor=self.actor,
            manages=course_powers.manages, ways=list(Joining),
        )  # fmt: skip


class CoursePage(CourseHandler):
    """``/courses/<slug>``"""

    async def get(self, slug: str) -> None:
        await self.show(slug)

    async def show(self, slug: str, filled: Filled | None = None) -> None:
        look = await self.read(look_at, self.actor, slug)
        if self.wants_json:
            self.finish(_told(look))
            return
        done = self.get_query_argument("done", "")
        self.page(
            "course_teach.html" if look.manages else "course.html",
            look=look, course=look.course, filled=filled or _of(look.course), ways=list(Joining),
            done=done if done in {action.value for action in Action} | {"made"} else "",
            code=course_names.shown_code(look.course.code), link=self.link(look.course),
        )  # fmt: skip

    def link(self, course: Course) -> str:
        """What a teacher hands out."""
        return f"{self.carrel.public_url}/c/{course.slug}"


class Action(Enum):
    """The buttons of a course's page."""

    CHANGE = "change"
    RENEW = "renew"
    ARCHIVE = "archive"
    RESTORE = "restore"
    TEACHER = "teacher"
    REMOVE = "remove"
    LEAVE = "leave"


def look_at(tx: sa.Connection, actor: Actor, slug: str) -> Look:
    """The course as the actor may see it.

    Raises CarrelError(NOT_FOUND) for whoever is not in it.
    """
    course, seat = courses.seen(tx, actor, slug)
    manages = course_powers.manages(actor, seat)
    last = versions.newest(tx, course.slug)
    newest = last.number if last else None
    layer = layers.in_use(tx, course.slug)
    packages = len(layer.names) if layer else 0
    teachers = tuple(course_people.teachers(tx, course.slug))
    if not manages:
        return Look(course, seat, manages, teachers, newest, packages=packages)
    people = course_people.of_course(tx, course.slug)
    sums = course_people.sums(people, newest) if newest else None
    return Look(course, seat, manages, teachers, newest, tuple(people), sums, packages)


def _mine(tx: sa.Connection, actor: Actor) -> tuple[list[Listed], dict[str, list[str]]]:
    found = courses.listed(tx, actor)
    return found, {one.course.slug: course_people.teachers(tx, one.course.slug) for one in found}


def _of(course: Course) -> Filled:
    return Filled(course.slug, course.title, course.description, course.joining.value)


def _as_json(course: Course) -> dict[str, Any]:
    """Without its code: that is for those who manage it."""
    return {
        "slug": course.slug,
        "title": course.title,
        "description": course.description,
        "joining": course.joining.value,
        "archived": course.archived,
    }


def _told(look: Look) -> dict[str, Any]:
    told = _as_json(look.course) | {"teachers": look.teachers, "version": look.newest}
    if not look.manages:
        return told
    people = [
        {key: _plain(value) for key, value in dataclasses.asdict(one).items()}
        for one in look.people
    ]
    return told | {"code": look.course.code, "people": people}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value
