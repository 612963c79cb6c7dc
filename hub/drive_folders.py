"""Looks into a Drive for those who choose folders: what is in one, and how much, within bounds.

What could not be counted in time is said to be "at least".
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hub import drive_google
from hub.drive_google import Item
from hub.drive_knobs import Drive
from hub.drive_links import MOST_FOLDERS, MOST_PATH, MOST_TITLE, Folder
from spawner.errors import CarrelError, Code

AT_ONCE = 8
"""Requests under way for one look."""
MOST_REQUESTS, MOST_TIME_S = 120, 6.0
"""Of one look. A Drive of thousands of folders is not counted to its end."""
MOST_SHOWN = 500
"""Folders within one."""
MOST_KEPT = 5000
"""Folders within one that are kept in mind: whoever makes them chooses how many there are."""
MOST_DEPTH = 40
ROOT = "root"
"""What Drive's API calls My Drive."""


@dataclass(frozen=True)
class Count:
    """Of all that is below a folder."""

    files: int = 0
    size_bytes: int = 0
    at_least: bool = False

    def plus(self, other: Count) -> Count:
        return Count(
            self.files + other.files,
            self.size_bytes + other.size_bytes,
            self.at_least or other.at_least,
        )


class Look:
    """One look with one token: counts its requests and its time."""

    def __init__(self, drive: Drive, access: str) -> None:
        self._drive, self._access = drive, access
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._left = MOST_REQUESTS
        self._files: dict[str, asyncio.Task[dict[str, Any]]] = {}
        self._until = time.monotonic() + MOST_TIME_S

    async def level(self, folder: str) -> dict[str, Any]:
        """What is in a folder: its files together, and each folder in it with what is below."""
        inside, own, whole = await self._inside(folder)
        found = sorted(inside, key=lambda i: i.title.casefold())
        shown = found[:MOST_SHOWN]
        counts = await asyncio.gather(*(self.count(one.id) for one in shown))
        return {
            "path": await self.path(folder),
            "files": own.files,
            "bytes": own.size_bytes,
            "more": len(found) - len(shown),
            "whole": whole,
            "folders": [_told(*pair) for pair in zip(shown, counts, strict=True)],
        }

    async def count(self, folder: str, depth: int = 0) -> Count:
        """All that is below a folder, as far as the bounds of this look go."""
        if depth > MOST_DEPTH or not self._may_ask():
            return Count(at_least=True)
        self._left -= 1  # now, and not when its turn comes: its sisters look here meanwhile
        inside, total, _ = await self._inside(folder)
        for count in await asyncio.gather(*(self.count(one.id, depth + 1) for one in inside)):
            total = total.plus(count)
        return total

    async def whole(self) -> Count:
        """What Google says that all of the account takes; more than My Drive, if anything."""
        about = await drive_google.about(self._drive, self._access)
        return Count(size_bytes=about.used_bytes)

    async def path(self, folder: str) -> list[dict[str, str]]:
        """The folders from the top down to this one; My Drive itself is not among them."""
        found: list[dict[str, str]] = []
        while folder != ROOT and len(found) < MOST_DEPTH:
            told = await self._file(folder)
            title = drive_google.text_of(told, "title")
            found.insert(0, {"id": folder, "title": title[:MOST_TITLE]})
            parents = told.get("parents") or []
            if not parents or parents[0].get("isRoot"):
                break
            folder = drive_google.id_of(parents[0].get("id"))
        return found

    async def chosen(self, ids: Sequence[str]) -> list[Folder]:
        """The folders of these ids as they are to be on record.

        Raises CarrelError: BAD_INPUT for one that is no folder, NOT_FOUND for one that is gone.
        """
        if len(ids) > MOST_FOLDERS:
            raise CarrelError(
                Code.BAD_INPUT, f"You may choose {MOST_FOLDERS} folders.",
                "Choose a folder that holds several of them.",
            )  # fmt: skip
        known = dict.fromkeys(ids)
        found = await asyncio.gather(*(self._one(id_) for id_ in known))
        return _outermost([one for one in found if one])

    async def own(self, title: str) -> list[Folder]:
        """The folder that Carrel makes for itself, made if need be."""
        return await self.chosen([await drive_google.make_folder(self._drive, self._access, title)])

    async def _one(self, id_: str) -> tuple[Folder, list[str]]:
        told = await self._file(id_)
        labels = told.get("labels")
        trashed = isinstance(labels, dict) and labels.get("trashed")
        if told.get("mimeType") != drive_google.FOLDER or trashed:
            raise CarrelError(
                Code.BAD_INPUT, "One of these is no folder of your Drive any more.",
                "Load the page again.",
            )  # fmt: skip
        steps, count = await asyncio.gather(self.path(id_), self.count(id_))
        path = "/".join(step["title"] for step in steps)
        title = steps[-1]["title"] if steps else ""
        folder = Folder(id_, title, path[:MOST_PATH], count.size_bytes, count.files)
        return folder, [step["id"] for step in steps[:-1]]

    async def _inside(self, folder: str) -> tuple[list[Item], Count, bool]:
        """The folders in a folder, its own files together, and whether that is all of it."""
        inside: list[Item] = []
        own, page = Count(), ""
        while True:
            async with self._turns:
                some, page = await drive_google.children(self._drive, self._access, folder, page)
            inside += (one for one in some if one.folder)
            own = own.plus(_own(some))
            if not page:
                return inside, own, True
            if not self._may_ask() or len(inside) >= MOST_KEPT:
                return inside, replace(own, at_least=True), False
            self._left -= 1

    async def _file(self, id_: str) -> dict[str, Any]:
        """Asked once in a look: the ways up from many folders have most steps in common."""
        if id_ not in self._files:
            self._files[id_] = asyncio.create_task(self._ask(id_))
        return await self._files[id_]

    async def _ask(self, id_: str) -> dict[str, Any]:
        async with self._turns:
            return await drive_google.file(self._drive, self._access, id_)

    def _may_ask(self) -> bool:
        return self._left > 0 and time.monotonic() < self._until


def _own(items: Sequence[Item]) -> Count:
    files = [one for one in items if not one.folder]
    return Count(len(files), sum(one.size_bytes for one in files))


def _told(item: Item, count: Count) -> dict[str, Any]:
    return {
        "id": item.id,
        "title": item.title[:MOST_TITLE],
        "files": count.files,
        "bytes": count.size_bytes,
        "at_least": count.at_least,
    }


def _outermost(found: Sequence[tuple[Folder, list[str]]]) -> list[Folder]:
    """Without those that are inside another one that was chosen too."""
    ids = {folder.id for folder, _ in found}
    return [replace(folder) for folder, above in found if not ids.intersection(above)]
