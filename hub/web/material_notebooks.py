"""One file of an intake or of a version: how it looks, and of a notebook the changed cells.

How it looks is an answer with an origin of its own (hub.materials.rendering), shown in a frame:
nothing in it runs, nothing in it is ours.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from enum import Enum
from functools import partial
from html import escape
from typing import Any

from hub.courses import Course
from hub.materials import changes, rendering
from hub.materials.changes import FileChange
from hub.web.base import RETRY_AFTER_S, told_of
from hub.web.material_versions import VersionHandler
from hub.web.materials import SHOWS_FRAMES
from spawner.errors import CarrelError, Code

MOST_PATH = 2000


@dataclass(frozen=True)
class Opened:
    """Where a file is."""

    course: Course
    below: str
    """``intakes/<id>`` or ``versions/<number>``."""
    number: int | None
    changed: partial[FileChange]
    page: partial[bytes]


class NotebookHandler(VersionHandler):
    """``/courses/<slug>/materials/(intakes|versions)/<id>/…?path=``"""

    async def opened(self, slug: str, kind: str, id_: str) -> Opened:
        """Intakes are for teachers, versions for all who are in the course."""
        path = self.path
        if kind == "intakes":
            seen = await self.managed(slug)
            place = self.place(seen.course)
            return Opened(
                seen.course, f"intakes/{id_}", None,
                partial(changes.notebook, place, id_, path),
                partial(rendering.of_intake, place, id_, path),
            )  # fmt: skip
        seen, version = await self.version(slug, id_)
        place = self.place(seen.course)
        return Opened(
            seen.course, f"versions/{version.number}", version.number,
            partial(changes.notebook_of_version, place, version.commit, path),
            partial(rendering.of_version, place, version.commit, path),
        )  # fmt: skip

    @property
    def path(self) -> str:
        """Raises CarrelError for what can be no file's."""
        path = self.get_query_argument("path", "", strip=False)
        if not path or len(path) > MOST_PATH or "\0" in path:
            raise _not_here("file")
        return path

    @property
    def is_notebook(self) -> bool:
        return self.path.casefold().endswith(".ipynb")


class ChangesPage(NotebookHandler):
    """``…/changes?path=``: the cells that differ."""

    async def get(self, slug: str, kind: str, id_: str) -> None:
        opened = await self.opened(slug, kind, id_)
        if not self.is_notebook:
            raise _not_here("notebook")
        change = await self.blocking(opened.changed)
        if self.wants_json:
            self.set_header("Content-Type", "application/json")
            self.finish(json.dumps(dataclasses.asdict(change), default=_plain))
            return
        self.page(
            "materials_changes.html", opened=opened, course=opened.course, change=change,
            where=f"{self.prefix}courses/{opened.course.slug}/materials",
        )  # fmt: skip


class FilePage(NotebookHandler):
    """``…/notebook?path=``: the frame that shows it."""

    async def get(self, slug: str, kind: str, id_: str) -> None:
        opened = await self.opened(slug, kind, id_)
        self.set_header("Content-Security-Policy", SHOWS_FRAMES)
        self.page(
            "materials_notebook.html", opened=opened, course=opened.course, path=self.path,
            is_notebook=self.is_notebook,
            where=f"{self.prefix}courses/{opened.course.slug}/materials",
        )  # fmt: skip


class RenderedFile(NotebookHandler):
    """``…/rendered?path=``: what is in the frame, errors too."""

    def set_default_headers(self) -> None:
        for name, value in rendering.HEADERS.items():
            self.set_header(name, value)

    async def get(self, slug: str, kind: str, id_: str) -> None:
        opened = await self.opened(slug, kind, id_)
        self.finish(await self.blocking(opened.page))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Plain, since no page of ours may stand in a frame."""
        _, error, _ = kwargs.get("exc_info", (None, None, None))
        told = told_of(status_code, error)
        self.set_status(told.code.value if isinstance(error, CarrelError) else status_code)
        if told.code is Code.TOO_MANY:
            self.set_header("Retry-After", RETRY_AFTER_S)
        self.finish(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Carrel</title>'
            '<meta name="color-scheme" content="light dark"></head><body><main>'
            f"<p>{escape(told.message)}</p><p>{escape(told.hint)}</p></main></body></html>"
        )


def _plain(value: Any) -> Any:
    assert isinstance(value, Enum)
    return value.value


def _not_here(what: str) -> CarrelError:
    return CarrelError(
        Code.NOT_FOUND, f"There is no such {what} here.", "Choose one from the list."
    )
