"""Opens a course's notebook: brings the copy up to date first, and says what became of it."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from tornado import web

from carrel_session import addresses, copying, hub_client
from carrel_session.copying import Course
from carrel_session.errands import Errand
from carrel_session.errors import Code, SessionError
from carrel_session.pages import PATIENCE_S, Page
from carrel_session.report import Report
from carrel_session.settings import Settings

log = logging.getLogger(__name__)
_telling: set[asyncio.Task[None]] = set()


class CoursePage(Page):
    """``GET <base>/carrel/course/<slug>[/<path>]``; ``in=`` says in which interface.

    It writes into the home of whoever comes, and only what their course holds: a link from anywhere
    may lead here.
    """

    @web.authenticated
    async def get(self, slug: str, _path: str = "") -> None:
        settings = self.carrel
        slug, path = addresses.slug(slug), addresses.path(self.rest_of("course").partition("/")[2])
        course = Course(
            slug, settings.repositories / slug / "materials.git", settings.home / "courses" / slug
        )
        errand = self.errands.find(self.get_query_argument("errand", ""), slug)
        if errand is None:
            self.require_navigation()
            errand = self.errands.start(slug, partial(_bring_up_to_date, settings, course))
        if not await errand.wait(PATIENCE_S) or "application/json" in self.request.headers.get(
            "Accept", ""
        ):
            self.progress(errand, f"Opening {slug}")
            return
        assert errand.task is not None
        try:
            report: Report = errand.task.result()
        except SessionError as trouble:
            self._sorry(trouble, course, path)
            return
        self._lead(course, path, report)

    def _lead(self, course: Course, path: str, report: Report) -> None:
        target = _within(course.folder, path)
        if target is None:
            self._sorry(
                SessionError(
                    Code.NOT_FOUND,
                    f"There is no “{path}” in this course.",
                    "Perhaps it was renamed: look in the course's folder.",
                ),
                course,
            )
            return
        address = self.address(_place(course, path), folder=target.is_dir())
        if report.news:
            name = path.rsplit("/", 1)[-1] or "the course"
            self.page("report.html", title="Your copy is up to date", report=report, go=address,
                      name=name, place=course.place)  # fmt: skip
            return
        self.redirect(address, status=303)

    def _sorry(self, trouble: SessionError, course: Course, path: str = "") -> None:
        """With a way to what is there: the file as it is, else the folder."""
        target = _within(course.folder, path)
        if target is None:
            path, target = "", course.folder
        instead = self.address(_place(course, path), folder=target.is_dir())
        self.sorry(
            trouble, f"Opening {course.slug}",
            instead=instead if course.folder.is_dir() else "",
            instead_text="Open my copy as it is" if path else "Open the course's folder",
        )  # fmt: skip


def _place(course: Course, path: str) -> str:
    return f"{course.place}/{path}" if path else course.place


def _within(folder: Path, path: str) -> Path | None:
    """What a link names in a copy, if it is there and no link leads out of the copy."""
    target = folder / path
    try:
        inside = target.resolve(strict=True).is_relative_to(folder.resolve(strict=True))
    except (OSError, RuntimeError):
        return None
    return target if inside else None


async def _bring_up_to_date(settings: Settings, course: Course, errand: Errand) -> Report:
    now = datetime.now(UTC)
    report = await asyncio.to_thread(copying.update, course, now, errand.hear)
    await asyncio.to_thread(copying.link_data, course)
    task = asyncio.ensure_future(asyncio.to_thread(_tell, settings, course.slug, report.told()))
    _telling.add(task)
    task.add_done_callback(_telling.discard)
    return report


def _tell(settings: Settings, slug: str, told: dict[str, Any]) -> None:
    """Best effort: no notebook waits for it, and the next opening tells anew."""
    try:
        hub_client.ask(settings, f"carrel/courses/{slug}/copy", told)
    except SessionError as trouble:
        log.warning("The hub was not told about the copy of %s: %s", slug, trouble)
