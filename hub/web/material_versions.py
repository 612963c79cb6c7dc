"""A published version as the course's members see it; and the newest one taken back."""

from __future__ import annotations

import sqlalchemy as sa

from hub import audit
from hub.audit import By
from hub.materials import changes, publishing, versions
from hub.materials.changes import Fate, Preview
from hub.materials.places import Place
from hub.materials.repository import Repository
from hub.materials.versions import Version
from hub.web.material_intakes import changes_told
from hub.web.materials import MaterialsHandler, Seen, version_told
from spawner.errors import CarrelError, Code

MOST_FILES = 1000
"""Listed one by one."""
MOST_NUMBER = 10**6


class VersionHandler(MaterialsHandler):
    """What is about one version."""

    async def version(self, slug: str, number: str) -> tuple[Seen, Version]:
        """Raises CarrelError(NOT_FOUND)."""
        seen = await self.seen(slug)
        value = int(number) if number.isascii() and number.isdecimal() and len(number) < 8 else 0
        return seen, await self.read(versions.find, seen.course.slug, min(value, MOST_NUMBER))


class VersionPage(VersionHandler):
    """``GET /courses/<slug>/materials/versions/<number>``"""

    async def get(self, slug: str, number: str) -> None:
        seen, version = await self.version(slug, number)
        preview, paths = await self.blocking(_look, self.place(seen.course), version.commit)
        if self.wants_json:
            told = version_told(version, seen) | changes_told(preview)
            self.finish(told | {"paths": paths})
            return
        self.page(
            "materials_version.html", seen=seen, course=seen.course, published=version,
            where=self.materials(seen.course), preview=preview, fates=list(Fate),
            paths=paths[:MOST_FILES], more=max(0, len(paths) - MOST_FILES),
            here_is=f"versions/{version.number}",
        )  # fmt: skip


class UndoPage(MaterialsHandler):
    """``/courses/<slug>/materials/undo``: GET asks, POST takes the newest version back."""

    async def get(self, slug: str) -> None:
        self._ask(await self.managed(slug))

    async def post(self, slug: str) -> None:
        seen = await self.on_record(slug, self.managed(slug))
        place = self.ready_place(seen.course)
        _newest(seen)
        base, by = self.text("base") or "-", self.by()
        try:
            async with self.alone(seen.course):
                version = await self.blocking(publishing.undo, self.store, place, base, by)
        except CarrelError as error:
            if self.wants_json or error.code is not Code.CONFLICT:
                raise
            self.set_status(error.code.value)
            self._ask(await self.managed(slug), error)
            return
        await self.decide(_undone, version, by)
        if self.wants_json:
            self.finish(version_told(version, seen))
        else:
            self.redirect(f"{self.materials(seen.course)}?done=undone", status=303)

    def _ask(self, seen: Seen, problem: CarrelError | None = None) -> None:
        newest = _newest(seen)
        before = next((one for one in seen.versions if one.number == newest.number - 1), None)
        self.page(
            "materials_undo.html", course=seen.course, where=self.materials(seen.course),
            newest=newest, before=before, problem=problem,
        )  # fmt: skip


def _look(place: Place, commit: str) -> tuple[Preview, list[str]]:
    course = Repository(place.repository)
    return changes.of_version(place, commit, with_cells=False), list(course.paths(commit))


def _newest(seen: Seen) -> Version:
    if seen.newest is None:
        raise CarrelError(
            Code.NOT_FOUND, "Nothing has been published yet.", "There is nothing to undo."
        )
    return seen.newest


def _undone(tx: sa.Connection, version: Version, by: By) -> None:
    detail = f"{version.course}: version {version.number}, {version.message}"
    audit.record(tx, by, audit.Action.COURSE_UNDONE, None, detail)
