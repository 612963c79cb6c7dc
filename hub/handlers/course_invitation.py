"""What the pages behind invitations share: an invitation that leads into a course says so, and
whoever is logged in joins by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hub import course_invitations, origins
from hub.course_invitations import Told as ToldOf
from hub.handlers.form import Form
from spawner.errors import CarrelError, Code


@dataclass(frozen=True)
class Shown:
    """What an invitation is for, as its page says it: by the id of the element."""

    role: str = ""
    course: str = ""
    teachers: str = ""
    join: str = ""
    """The course again, beside the button for whoever is logged in."""

    @classmethod
    def of(cls, told: ToldOf | None) -> Shown:
        if told is None:
            return cls()
        assert told.link.role is not None
        # Who comes into a course is told of that; what else one is here says itself.
        role = "" if told.title else told.link.role.value
        return cls(role, told.title, ", ".join(told.teachers), told.title)


class InvitationForm(Form):
    """A page behind an invitation."""

    reopen = "Open the invitation again."

    async def told_of(self, code: str) -> ToldOf:
        """What the invitation is for. Raises CarrelError(REFUSED) where it cannot be used."""
        now = datetime.now(UTC)
        found: ToldOf = await self.store.in_thread(
            self.store.read, course_invitations.look, code, now
        )
        return found

    async def join(self, code: str) -> None:
        """Puts whoever is logged in into the invitation's course, and leads there."""
        if self.current_user is None:
            raise CarrelError(
                Code.REFUSED, "You are not logged in any more.",
                "Log in, then open the invitation again.",
            )  # fmt: skip
        name = self.current_user.name
        slug = await self.store.in_thread(
            self.store.decide, course_invitations.join, code, name, self.by(name)
        )
        self.redirect(self.course_page(slug))

    async def led_into(self, code: str, name: str) -> str | None:
        """The page of the course that somebody is in by this invitation."""
        slug = await self.store.in_thread(self.store.read, course_invitations.led_into, code, name)
        return self.course_page(slug) if slug else None

    def course_page(self, slug: str) -> str:
        """Where the course's link leads those who are in it."""
        return f"{origins.of(self.authenticator.carrel.server).pages}c/{slug}"

    async def show_invitation(
        self, template: str, status: int, told: ToldOf | None, **values: Any
    ) -> None:
        """The page; ``told`` where the code is known already."""
        values |= {"shown": Shown.of(told), "next": self.get_argument("next", "")}
        await self.show(template, status, **values)
