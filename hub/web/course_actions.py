"""What the buttons of a course's page do."""

from __future__ import annotations

from typing import Any

from hub import course_names, courses, members
from hub.web.courses import Action, CoursePage
from spawner.errors import CarrelError, Code


class CourseActions(CoursePage):
    """``POST /courses/<slug>/do``: ``action`` and what it is about."""

    async def get(self, slug: str) -> None:
        """A page that was reloaded after a form was mended."""
        self.redirect(f"{self.prefix}courses/{course_names.slug(slug)}", status=303)

    async def post(self, slug: str) -> None:
        action = self._action()
        try:
            done = await self._do(action, slug)
        except CarrelError as error:
            if self.wants_json or error.code is not Code.BAD_INPUT or action is not Action.CHANGE:
                raise
            self.set_status(error.code.value)
            await self.show(slug, self.filled(slug, error))
            return
        if self.wants_json:
            self.finish({"changed": bool(done) or done is None})
        elif action is Action.LEAVE:
            self.redirect(f"{self.prefix}courses", status=303)
        else:
            where = f"{self.prefix}courses/{course_names.slug(slug)}"
            self.redirect(f"{where}?done={action.value}", status=303)

    async def _do(self, action: Action, slug: str) -> Any:
        match action:
            case Action.CHANGE:
                return await self.act(courses.change, slug, self.wish())
            case Action.RENEW:
                return await self.act(courses.renew_code, slug)
            case Action.ARCHIVE:
                return await self.act(courses.archive, slug)
            case Action.RESTORE:
                return await self.act(courses.restore, slug)
            case Action.TEACHER:
                return await self.act(members.add_teacher, slug, self.text("name"))
            case Action.REMOVE:
                return await self.act(members.remove, slug, self.text("name"))
            case Action.LEAVE:
                return await self.act(members.leave, slug)

    def _action(self) -> Action:
        try:
            return Action(self.text("action"))
        except ValueError as error:
            raise CarrelError(
                Code.BAD_INPUT, "There is no such action.", "Use the buttons of the course's page."
            ) from error
