"""What waits for a teacher's decision: what it changes for students; publish or discard."""

from __future__ import annotations

from enum import Enum
from typing import Any

import sqlalchemy as sa

from hub import audit, orders
from hub.audit import By
from hub.materials import changes, intake, publishing
from hub.materials.changes import Fate, FileChange, Preview
from hub.materials.intake import Intake, Way
from hub.materials.places import Place
from hub.materials.publishing import Wanted
from hub.materials.versions import Version
from hub.web.materials import MaterialsHandler, Seen, intake_told, version_told
from spawner.errors import CarrelError, Code


class Action(Enum):
    """The buttons of the page."""

    PUBLISH = "publish"
    DISCARD = "discard"


class IntakePage(MaterialsHandler):
    """``/courses/<slug>/materials/intakes/<id>``: GET looks, POST publishes or discards."""

    async def get(self, slug: str, id_: str) -> None:
        await self._show(await self.managed(slug), id_)

    async def post(self, slug: str, id_: str) -> None:
        seen = await self.on_record(slug, self.managed(slug))
        place = self.ready_place(seen.course)
        if self._action() is Action.DISCARD:
            async with self.alone(seen.course):
                await self.blocking(intake.discard, place, id_)
            await self.decide(orders.forget, seen.course.slug, id_)
            self._done(seen, "discarded", {"discarded": id_})
            return
        wanted = Wanted(id_, self.text("base") or None, self.text("message"))
        try:
            async with self.alone(seen.course):
                version = await self.blocking(
                    publishing.publish, self.store, place, wanted, by := self.by()
                )
        except CarrelError as error:
            if self.wants_json or error.code not in (Code.BAD_INPUT, Code.CONFLICT):
                raise
            self.set_status(error.code.value)
            await self._show(await self.managed(slug), id_, error)
            return
        await self.decide(_published, version, id_, by)
        self._done(seen, "published", version_told(version, seen))

    def _action(self) -> Action:
        try:
            return Action(self.text("action"))
        except ValueError as error:
            raise CarrelError(
                Code.BAD_INPUT, "There is no such action.", "Use the buttons of the page."
            ) from error

    def _done(self, seen: Seen, what: str, told: dict[str, Any]) -> None:
        if self.wants_json:
            self.finish(told)
        else:
            self.redirect(f"{self.materials(seen.course)}?done={what}", status=303)

    async def _show(self, seen: Seen, id_: str, problem: CarrelError | None = None) -> None:
        taken, preview = await self.blocking(_look, self.place(seen.course), id_)
        if self.wants_json:
            self.finish(intake_told(taken) | changes_told(preview))
            return
        order = next((one for one in seen.orders if one.intake == id_), None)
        kept = self.text("message", 2000) if problem else ""
        self.page(
            "materials_intake.html", course=seen.course, where=self.materials(seen.course),
            taken=taken, preview=preview, fates=list(Fate), problem=problem,
            message=kept or (order.message if order else ""), here_is=f"intakes/{taken.id}",
            overtaken=_is_overtaken(taken, seen), newest=seen.newest,
        )  # fmt: skip


def _look(place: Place, id_: str) -> tuple[Intake, Preview]:
    return intake.look(place, id_), changes.preview(place, id_, with_cells=False)


def _is_overtaken(taken: Intake, seen: Seen) -> bool:
    """Whether it was added to a version that is not the newest any more."""
    newest = seen.newest.commit if seen.newest else None
    return taken.way is Way.ADD and taken.base != newest


def _published(tx: sa.Connection, version: Version, intake_id: str, by: By) -> None:
    orders.forget(tx, version.course, intake_id)
    detail = f"{version.course}: version {version.number}"
    audit.record(tx, by, audit.Action.COURSE_PUBLISHED, None, detail)


def changes_told(preview: Preview) -> dict[str, Any]:
    """As JSON; ``base`` is to be sent back for a publish."""
    return {
        "base": preview.base,
        "counts": {fate.value: count for fate, count in preview.counts.items()},
        "changes": [_file_told(one) for one in preview.files],
        "changes_more": preview.more,
    }


def _file_told(one: FileChange) -> dict[str, Any]:
    return {"path": one.path, "fate": one.fate.value, "before": one.before, "after": one.after,
            "old_path": one.old_path}  # fmt: skip
