"""Does what teachers ordered: node reads a home or a branch, and what comes becomes an intake."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from hub import orders
from hub.audit import By
from hub.enums import Source
from hub.materials import intake, members, places, repairing, tars
from hub.materials.feeding import Feeding
from hub.materials.intake import Origin, Way
from hub.materials.members import Limits, Member
from hub.models import courses
from hub.orders import Order
from hub.store import Store
from spawner.confinement import ARCHIVE_LEFT_OUT, ARCHIVE_ROOT
from spawner.errors import CarrelError

log = logging.getLogger("carrel.housekeeping")

MOST_NOTES = 64 * 1024
AT_ONCE = 2


class Node(Protocol):
    """What is asked of node."""

    async def ensure_course(self, slug: str) -> None: ...
    def job(self, job: Mapping[str, Any]) -> AbstractAsyncContextManager[AsyncIterator[bytes]]: ...


@dataclass
class Ordered:
    """``look`` begins what waits; orders are read beside each other, in the background."""

    store: Store
    node: Node
    data_dir: Path
    _reading: set[asyncio.Task[None]] = field(default_factory=set)
    _folders: set[str] = field(default_factory=set)
    _begun: bool = False

    async def look(self, now: datetime) -> None:
        """Makes folders of new courses and begins orders that wait."""
        if not self._begun:
            await self.store.in_thread(self.store.decide, orders.begin_again)
            self._begun = True
        for slug in await self.store.in_thread(self.store.read, _slugs):
            if slug not in self._folders:
                await self.node.ensure_course(slug)
                self._folders.add(slug)
        while len(self._reading) < AT_ONCE:
            order = await self.store.in_thread(self.store.decide, orders.begin)
            if order is None:
                return
            task = asyncio.create_task(self._read(order))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    async def repair(self, now: datetime) -> None:
        """Makes repositories and rows agree, and clears away what nobody came back for."""
        await self.store.in_thread(self.store.decide, orders.forget_old, now)
        for place in await asyncio.to_thread(lambda: list(repairing.places(self.data_dir))):
            try:
                added = await asyncio.to_thread(repairing.repair, self.store, place, now)
                await asyncio.to_thread(repairing.tidy, place)
            except CarrelError as error:
                log.error("The materials of %s cannot be looked at: %s", place.slug, error)
                continue
            for version in added:
                log.info("%s: version %d had no row.", place.slug, version.number)

    async def _read(self, order: Order) -> None:
        try:
            taken = await self._take(order)
        except CarrelError as error:
            problem = f"{error.message} {error.hint}".strip()
            await self.store.in_thread(self.store.decide, orders.failed, order.id, problem)
        except Exception:
            log.exception("The order %s of %s failed.", order.id, order.by)
            problem = "It could not be read, through no fault of yours. Tell your administrator."
            await self.store.in_thread(self.store.decide, orders.failed, order.id, problem)
        else:
            await self.store.in_thread(self.store.decide, orders.ready, order.id, taken)

    async def _take(self, order: Order) -> str:
        """The intake's id."""
        await self.store.in_thread(self.store.read, orders.require_still, order)
        place = places.of(self.data_dir, order.course)
        way = Way.ADD if order.adds else Way.REPLACE
        by = By(order.by, order.at)
        origin = Origin(by, order.source, _detail(order), way, strip=ARCHIVE_ROOT)
        limits = Limits()
        async with self.node.job(_job(order)) as pieces:
            feeding = Feeding(pieces)

            def take() -> str:
                coming = _without_notes(tars.members(feeding.read, limits))
                return intake.take(place, coming, origin, limits).id

            return await asyncio.to_thread(take)


def _job(order: Order) -> dict[str, str]:
    id_ = order.id[:12]
    if order.source is Source.SESSION:
        return {"kind": "collect", "id": id_, "user": order.by, "path": order.place}
    return {"kind": "fetch", "id": id_, "url": order.place, "branch": order.branch}


def _detail(order: Order) -> str:
    return f"{order.place} ({order.branch})" if order.branch else order.place


def _without_notes(coming: Iterator[Member]) -> Iterator[Member]:
    """The tree, and what is noted beside it as what it is: left out."""
    for member in coming:
        if member.path != ARCHIVE_LEFT_OUT or member.why:
            yield member
            continue
        text = b""
        for piece in member.read():
            text = (text + piece)[:MOST_NOTES]
        for line in text.decode(errors="replace").splitlines():
            name, _, why = line.partition("': ")
            yield members.left_out(
                name.strip("'").removeprefix(f"{ARCHIVE_ROOT}/"), why or "not read"
            )


def _slugs(tx: sa.Connection) -> list[str]:
    return list(tx.scalars(sa.select(courses.c.slug).where(courses.c.archived_at.is_(None))))
