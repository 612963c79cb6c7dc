"""Choosing what of one's Drive is beside the notebook: level by level, with sizes.

The forms carry what is ticked from level to level, so that it works without script; with it, levels
open within the page (``static/drive.js``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub import drive_links
from hub.drive_folders import ROOT
from hub.drive_links import MOST_FOLDERS, MOST_TITLE, Folder, Link
from hub.enums import DriveScope
from hub.web.drive import Done, DriveHandler
from hub.web.words import size
from spawner.errors import CarrelError, Code

MOST_TICKED = 200
"""That a form may carry; more are refused when they are saved."""


@dataclass(frozen=True)
class Ticked:
    """What a form holds."""

    folders: dict[str, str]
    """Id → title, as far as the form knows it."""
    everything: bool = False


class DriveChoose(DriveHandler):
    """``/drive/choose``: GET shows a level, POST opens another one (``open``) or saves."""

    async def get(self) -> None:
        link = await self.read(drive_links.require_connected, self.person.name)
        ticked = Ticked({one.id: one.path or one.title for one in link.folders}, link.everything)
        await self._show(link, self.get_query_argument("in", ROOT), ticked)

    async def post(self) -> None:
        link = await self.read(drive_links.require_connected, self.person.name)
        ticked = self._ticked()
        where = self.get_body_argument("open", "")
        if where:
            await self._show(link, where, ticked)
            return
        try:
            done = await self._save(link, ticked)
        except CarrelError as error:
            if self.wants_json or error.code is not Code.BAD_INPUT:
                raise
            self.set_status(error.code.value)
            await self._show(link, self.get_body_argument("in", ROOT), ticked, error)
            return
        if self.wants_json:
            self.finish({"done": done.value})
        else:
            self.back(done)

    async def _show(
        self, link: Link, where: str, ticked: Ticked, problem: CarrelError | None = None
    ) -> None:
        own = link.scope is DriveScope.APP_FOLDER
        level: dict[str, Any] = {"folders": [], "path": []}
        if not own:
            level = await self.ask("folders", folder=where)
        if self.wants_json:
            self.finish({"in": where, **level})
            return
        here = {one["id"] for one in level["folders"]}
        others = {id_: title for id_, title in ticked.folders.items() if id_ not in here}
        self.page(
            "drive_choose.html", link=link, level=level, where=where, top=ROOT, ticked=ticked,
            others=others, own=own, problem=problem, knobs=self.carrel.drive, most=MOST_FOLDERS,
            connected=self.get_query_argument("done", "") == "connected",
        )  # fmt: skip

    async def _save(self, link: Link, ticked: Ticked) -> Done:
        """Raises CarrelError(BAD_INPUT) for more than may be synced."""
        everything = ticked.everything and link.scope is not DriveScope.APP_FOLDER
        folders: list[Folder] = []
        if everything:
            told = await self.ask("whole")
            self._require_room(int(told["bytes"]))
        elif link.scope is DriveScope.APP_FOLDER:
            told = await self.ask("own") if ticked.folders else {"folders": []}
            folders = [Folder(**one) for one in told["folders"]]
        elif ticked.folders:
            told = await self.ask("chosen", folders=list(ticked.folders))
            folders = [Folder(**one) for one in told["folders"]]
        self._require_room(sum(one.bytes for one in folders))
        await self.decide(drive_links.choose, self.person.name, folders, everything, self.by())
        return Done.CHOSEN if everything or folders else Done.NONE

    def _require_room(self, wanted_bytes: int) -> None:
        cap = self.carrel.drive.cap_bytes
        if wanted_bytes > cap:
            raise CarrelError(
                Code.BAD_INPUT,
                f"That is {size(wanted_bytes)}, and {size(cap)} may be synced.",
                "Choose fewer or smaller folders.",
            )

    def _ticked(self) -> Ticked:
        ids = [one for one in self.get_body_arguments("folder") if one][:MOST_TICKED]
        titles = {id_: self.get_body_argument(f"t-{id_}", "")[:MOST_TITLE] for id_ in ids}
        return Ticked(titles, bool(self.get_body_argument("everything", "")))
