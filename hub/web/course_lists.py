"""Adds people to a course: by a class list, or by one link for several who have no account yet."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from hub import course_rosters, courses, invitations, roster
from hub.course_rosters import Added, Into
from hub.courses import Course
from hub.enums import Role
from hub.invitations import Invitation
from hub.powers import Actor
from hub.roster import Roster
from hub.web.courses import CourseHandler
from hub.web.invitations import InviteHandler
from spawner.errors import CarrelError


class CourseListPage(CourseHandler, InviteHandler):
    """``/courses/<slug>/people``: a list is shown as it was understood, then it is put in."""

    async def get(self, slug: str) -> None:
        self._form(await self.read(_open, self.actor, slug), "")

    async def post(self, slug: str) -> None:
        days = self.days()
        lifetime = invitations.checked(Role.STUDENT, days, 1).lifetime
        if self.get_body_argument("link", ""):
            await self._link(slug, days)
            return
        course = await self._course(slug)
        text, notes = self.pasted()
        if self.get_body_argument("edit", ""):
            self._form(course, text)
            return
        try:
            listed = roster.read(text)
        except CarrelError as error:
            self._form(course, text[:1000], problem=error, notes=notes)
            return
        if listed.problems:
            self._form(course, text, listed=listed, notes=notes)
            return
        if not self.get_body_argument("invite", ""):
            plan = await self.read(
                course_rosters.preview, self.actor, slug, listed, datetime.now(UTC)
            )
            self.page(
                "course_list_plan.html", course=course, plan=plan, notes=(*notes, *listed.notes),
                text=text, days=days,
            )  # fmt: skip
            return
        self.once.take(self.get_body_argument("once", ""))
        added = await self.decide(
            course_rosters.add, self.actor, Into(course.slug, lifetime), listed, self.by()
        )
        self._made(course, added, days)

    async def _course(self, slug: str) -> Course:
        return await self.on_record(slug, self.read(_open, self.actor, slug))

    async def _link(self, slug: str, days: int) -> None:
        """One link for several people."""
        uses = self.number("uses", 1)
        bounds = invitations.checked(Role.STUDENT, days, uses)
        course = await self._course(slug)
        self.once.take(self.get_body_argument("once", ""))
        wish = Invitation(Role.STUDENT, bounds.lifetime, uses, course=course.slug)
        _, token = await self.decide(invitations.invite, self.actor, wish, self.by())
        if self.wants_json:
            self.finish({"link": self.link(token)})
        else:
            self._form(course, "", made=self.link(token), uses=uses)

    def _form(
        self,
        course: Course,
        text: str,
        problem: CarrelError | None = None,
        listed: Roster | None = None,
        **more: object,
    ) -> None:
        if problem or listed:
            self.set_status(400)
        if self.wants_json and (problem or listed):
            self.refuse_in_json(problem, listed)
            return
        values = {"notes": (), "made": None, "uses": 1} | more
        self.page(
            "course_list.html", course=course, text=text, problem=problem,
            problems=listed.problems if listed else (), days=self.carrel.auth.invitation_days,
            most=roster.MOST_LINES, most_days=invitations.MOST_DAYS,
            most_uses=invitations.MOST_USES, **values,
        )  # fmt: skip

    def _made(self, course: Course, added: Added, days: int) -> None:
        rows = [(entry, self.link(token)) for entry, token in added.tokens]
        if self.wants_json:
            self.finish(
                {
                    "invited": [
                        {"name": e.name, "full_name": e.full_name, "link": link} for e, link in rows
                    ],
                    "joined": [e.name for e in added.plan.joining],
                    "led": [e.name for e in added.plan.led],
                    "there": [{"name": e.name, "why": why} for e, why in added.plan.there],
                }
            )
            return
        self.page(
            "course_list_made.html", course=course, plan=added.plan, rows=rows, days=days,
            table=roster.as_csv(rows),
        )  # fmt: skip


def _open(tx: sa.Connection, actor: Actor, slug: str) -> Course:
    course = courses.managed(tx, actor, slug)
    courses.require_open(course)
    return course
