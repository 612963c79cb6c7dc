"""The page on which a teacher picks a folder of the session and has the hub read it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from tornado import web

from carrel_session import publishing
from carrel_session.errors import Code, SessionError
from carrel_session.pages import Page
from carrel_session.publishing import Taught

MOST_FOLDERS = 500


class PublishPage(Page):
    """``GET <base>/carrel/publish?path=…&course=…`` picks; POST asks the hub.

    With ``Accept: application/json`` GET says which courses there are, so that the file browser
    shows its button to those only who teach.
    """

    @web.authenticated
    async def get(self) -> None:
        path, course = (
            self.get_query_argument("path", "", strip=False),
            self.get_query_argument("course", ""),
        )
        if "application/json" in self.request.headers.get("Accept", ""):
            await self._tell_courses()
            return
        self.require_navigation()
        await self._pick(path, course)

    @web.authenticated
    async def post(self) -> None:
        path, message = (
            self.get_body_argument("path", "", strip=False),
            self.get_body_argument("message", ""),
        )
        wanted = self.get_body_argument("course", "")
        try:
            place = publishing.place_of(self.carrel.home, self.carrel.home / path)
            courses = await asyncio.to_thread(publishing.taught, self.carrel)
            course = publishing.choose(courses, wanted)
            url = await asyncio.to_thread(publishing.ask, self.carrel, course, place, message)
        except SessionError as trouble:
            await self._pick(path, wanted, trouble, message)
            return
        self.page("published.html", title="Publish to a course", place=place, course=course.title,
                  url=url)  # fmt: skip

    async def _tell_courses(self) -> None:
        try:
            courses = await asyncio.to_thread(publishing.taught, self.carrel)
        except SessionError:
            courses = ()
        self.set_header("Cache-Control", "no-store")
        self.finish({"courses": [{"slug": c.slug, "title": c.title} for c in courses]})

    async def _pick(
        self, path: str, course: str, trouble: SessionError | None = None, said: str = ""
    ) -> None:
        courses: tuple[Taught, ...] = ()
        try:
            courses = await asyncio.to_thread(publishing.taught, self.carrel)
        except SessionError as found:
            trouble = trouble or found
        folder = _folder(self.carrel.home, path)
        if folder is None:
            folder, path = self.carrel.home, ""
            missing = SessionError(Code.NOT_FOUND, "There is no such folder.", "Pick another one.")
            trouble = trouble or missing
        self.page(
            "publish.html", trouble.code.value if trouble else 200, title="Publish to a course",
            message=trouble.message if trouble else "", hint=trouble.hint if trouble else "",
            courses=courses, chosen=course, said=said,
            **await asyncio.to_thread(_listed, self.carrel.home, folder, path),
        )  # fmt: skip


def _folder(home: Path, path: str) -> Path | None:
    """A folder of the home, or the one that a file lies in; None where there is none."""
    try:
        found = (home / path).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        return None
    above = home.resolve()
    if not found.is_relative_to(above):
        return None
    return found if found.is_dir() else found.parent


def _listed(home: Path, folder: Path, path: str) -> dict[str, Any]:
    above = home.resolve()
    place = "" if folder == above else str(folder.relative_to(above))
    with os.scandir(folder) as entries:
        names = sorted(
            entry.name
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
        )
    parent = str(Path(place).parent) if "/" in place else ""
    one = (home / path).resolve()
    return {
        # One notebook can be published alone.
        "place": str(one.relative_to(above)) if path and one.suffix == ".ipynb" else place,
        "above": parent if place else None,
        "folders": [(name, f"{place}/{name}" if place else name) for name in names[:MOST_FOLDERS]],
        "left_out": max(0, len(names) - MOST_FOLDERS),
    }
