"""The link to a course: members go on into their session, others find a card with one button."""

from __future__ import annotations

from urllib.parse import quote

from markupsafe import Markup
from tornado.web import RequestHandler

from hub import github_links, members, origins
from hub.enums import LinkTarget
from hub.members import Door
from hub.session_paths import is_below_content
from hub.web.base import Handler
from hub.web.courses import CourseHandler
from spawner.errors import CarrelError, Code

BUTTON = "Open in Carrel"
"""What the button on other people's pages says, in its one language."""


class LinkHandler(Handler):
    """A page that a link from outside leads to."""

    def go_on(self, kind: LinkTarget, rest: str) -> None:
        """To the hub's page that starts a session where none runs, and opens the link in it."""
        hub = origins.of(self.carrel.server).hub
        self.redirect(f"{hub}/hub/open/{kind.value}/{rest}", status=303)


class CourseDoor(CourseHandler, LinkHandler):
    """``/c/<slug>[/<path>]``: GET looks, POST joins with a code where there is one."""

    def ask_to_log_in(self) -> None:
        """By a page of its own, whose script keeps what stands behind the # over the login."""
        self.page("going.html", login=self.get_login_url())

    async def get(self, slug: str, path: str | None = None) -> None:
        rest = _checked(path or "")
        door = await self.read(members.at_door, self.actor, slug)
        if door.seat is None:
            self._card(door)
        elif self.wants_json:
            self.finish({"slug": door.course.slug, "seat": door.seat.value})
        else:
            self._enter(door.course.slug, rest)

    async def post(self, slug: str, path: str | None = None) -> None:
        rest = _checked(path or "")
        try:
            joined = await self.act(members.join, slug, self.text("code", 200))
        except CarrelError as error:
            if error.code is not Code.REFUSED or self.wants_json:
                raise
            door = await self.read(members.at_door, self.actor, slug)
            self.set_status(error.code.value)
            self._card(door, error)
            return
        if self.wants_json:
            self.finish({"joined": joined})
            return
        door = await self.read(members.at_door, self.actor, slug)
        self._enter(door.course.slug, rest)

    def _enter(self, slug: str, rest: str) -> None:
        self.go_on(LinkTarget.COURSE, f"{slug}/{quote(rest)}" if rest else slug)

    def _card(self, door: Door, problem: CarrelError | None = None) -> None:
        if self.wants_json:
            told = {"title": door.course.title, "teachers": door.teachers}
            asks = door.course.joining.value == "code"
            self.finish({"slug": door.course.slug, "seat": None, "asks_for_code": asks} | told)
            return
        self.page("course_door.html", door=door, course=door.course, problem=problem)


class GitHubLink(LinkHandler):
    """``/github/<owner>/<repository>/blob/<ref>/<path>.ipynb``"""

    async def get(self, rest: str) -> None:
        github_links.require_host(self.carrel.github.host)
        self.go_on(LinkTarget.GITHUB, github_links.parse(rest).path)


class BadgePage(Handler):
    """``/badge``: makes the button for a README of the address of a notebook."""

    async def get(self) -> None:
        host = self.carrel.github.host
        github_links.require_host(host)
        address = self.get_query_argument("address", "")[: github_links.MOST_ADDRESS + 1]
        problem = link = None
        if address:
            try:
                found = github_links.of_address(address, host)
                link = f"{self.carrel.public_url}/github/{found.path}"
            except CarrelError as error:
                self.set_status(error.code.value)
                problem = error
        image = f"{origins.absolute(self.carrel)}static/open-in-carrel.svg"
        if problem and self.wants_json:
            raise problem
        # Shown to be copied into another page; there its own quotes have to hold.
        html = Markup('<a href="{}"><img src="{}" alt="{}"></a>').format(link, image, BUTTON)
        snippets = {"markdown": f"[![{BUTTON}]({image})]({link})", "html": str(html)}
        if self.wants_json:
            self.finish({"link": link, "image": image} | snippets)
            return
        self.page(
            "badge.html", address=address, problem=problem, link=link, host=host, button=BUTTON,
            **snippets,
        )  # fmt: skip


class RootLink(RequestHandler):
    """``/c/…`` and ``/github/…`` at the root: only lead to the service, whose cookies end there."""

    def initialize(self, pages: str) -> None:
        self._pages = pages

    def get(self, _rest: str) -> None:
        # The path as it was sent: what is quoted in it stays so.
        self.redirect(f"{self._pages.rstrip('/')}{self.request.path}", status=302)


def _checked(path: str) -> str:
    if path and not is_below_content(path):
        raise CarrelError(
            Code.BAD_INPUT,
            "This link does not name a file of the course.",
            "Ask whoever gave it to you for another.",
        )
    return path
