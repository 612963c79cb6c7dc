"""Builds courses' extra packages: once for each list, one after another, by a job of node's.

Look what the newest versions list → decide → record → build → record. What is on disk follows the
record: the file that names the layer in use is put right after every step.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub.installation import Installation
from hub.materials import layer_files, layer_steps, layers, places, repairing, requirements
from hub.materials.building import Log
from hub.materials.feeding import Feeding
from hub.materials.layer_steps import Deed
from hub.materials.layers import Built, Layer, Wanted
from hub.materials.ordered import Node
from hub.materials.places import Place
from hub.materials.repository import Repository
from hub.models import courses, versions
from hub.store import Store
from spawner.confinement import PROXY_VARIABLES
from spawner.errors import CarrelError, Code

log = logging.getLogger("carrel.housekeeping")

AGAIN_S = 30.0
"""Until the next try where a build could not even begin."""
BROKE_OFF = (
    "The build broke off: it took too long, needed too much memory, or node was started anew. "
    "The end of its log may say more."
)


@dataclass(frozen=True)
class Published:
    """The newest version of a course."""

    slug: str
    profile: str | None
    number: int
    by: str
    commit: str


@dataclass
class Packages:
    """``look`` may be called at any time, and again; the build goes on in the background."""

    store: Store
    node: Node
    ours: Installation
    _known: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Commit and image for which a course's layers were decided."""
    _building: asyncio.Task[None] | None = None
    _not_before: float = 0.0
    _begun: bool = False
    _following: threading.Lock = field(default_factory=threading.Lock)
    """What was read last is written last."""

    async def look(self, now: datetime) -> None:
        """Decides for courses that published, and begins the next build."""
        if not self._begun:
            await self.store.in_thread(self.store.decide, layers.begin_again)
            self._begun = True
        image_of = self._images()
        for course in await self.store.in_thread(self.store.read, published):
            seen = (course.commit, image_of(course.profile))
            if self._known.get(course.slug) == seen:
                continue
            # Before: a build that ends meanwhile has it decided once more.
            self._known[course.slug] = seen
            try:
                await asyncio.to_thread(self._settle, course, seen[1], now)
            except (CarrelError, OSError) as error:
                log.error("The packages of %s cannot be looked at: %s", course.slug, error)
                self._known.pop(course.slug, None)
        if await self._is_idle() and asyncio.get_running_loop().time() >= self._not_before:
            layer = await self.store.in_thread(self.store.decide, layers.begin, now)
            if layer:
                self._building = asyncio.create_task(self._build(layer))

    async def _is_idle(self) -> bool:
        if self._building is None:
            return True
        if not self._building.done():
            return False
        if error := self._building.exception():
            log.error("How a build ended could not be put on record: %s", error)
            await self.store.in_thread(self.store.decide, layers.begin_again)
        self._building = None
        return True

    async def repair(self, now: datetime) -> None:
        """Makes record and disk agree, and clears away what nobody uses any more."""
        for place in await asyncio.to_thread(lambda: list(repairing.places(self._data_dir))):
            if await asyncio.to_thread(self._mend, place, now):
                self._known.pop(place.slug, None)

    @property
    def _data_dir(self) -> Path:
        return self.ours.settings.data_dir

    def _images(self) -> Callable[[str | None], str]:
        """The image of a course's sessions, by the profile that it asks for."""
        catalog = self.ours.catalog()

        def image_of(slug: str | None) -> str:
            return catalog.reference((catalog.find(slug) if slug else None) or catalog.default)

        return image_of

    def _settle(self, course: Published, image: str, now: datetime) -> None:
        place = places.of(self._data_dir, course.slug)
        listed = requirements.find(Repository(place.repository))
        wanted = None
        if listed:
            wanted = Wanted(
                course.number, course.by, image, listed.key(image), listed.text, listed.problem
            )
        self.store.decide(settle, course.slug, wanted, now)
        self._follow(place)

    def _follow(self, place: Place) -> None:
        """The file that kernels read says what the record says."""
        with self._following:
            layer = self.store.read(layers.in_use, place.slug)
            if layer or place.packages.is_dir():
                layer_files.use(place, layer.id if layer else None)

    def _mend(self, place: Place, now: datetime) -> bool:
        """Whether the record had to give way: a layer in it was not on disk."""
        if not place.packages.is_dir() and not self.store.read(layers.of_course, place.slug):
            return False
        kept = self.store.decide(layers.forget_old, place.slug, now)
        lost = [
            one for one in kept if not one.under_way and not layer_files.is_there(place, one.id)
        ]
        for one in lost:
            log.warning("%s: the packages %s are not on disk.", place.slug, one.id)
            self.store.decide(layers.forget, one.id)
        if place.packages.is_dir():
            layer_files.tidy(place, [one.id for one in kept])
            self._follow(place)
        return bool(lost)

    async def _build(self, layer: Layer) -> None:
        def record(text: str) -> None:
            with suppress(CarrelError):  # the next time, then
                self.store.decide(layers.say, layer.id, text)

        heard = Log(record)
        try:
            built = await self._take(layer, heard)
            done: tuple[Any, ...] = (layers.ready, layer, built)
        except CarrelError as error:
            if error.code is Code.UNAVAILABLE and not heard.heard:
                log.warning("The packages of %s wait: %s", layer.course, error)
                await self.store.in_thread(
                    self.store.decide, layers.put_back, layer, datetime.now(UTC)
                )
                self._not_before = asyncio.get_running_loop().time() + AGAIN_S
                return
            said = f"{error.message} {error.hint}".strip()
            problem = BROKE_OFF if error.code is Code.UNAVAILABLE else said
            done = (layers.failed, layer, problem, heard.text)
        except Exception:
            log.exception("The packages of %s could not be built.", layer.course)
            problem = "It could not be done, through no fault of yours. Tell your administrator."
            done = (layers.failed, layer, problem, heard.text)
        await self.store.in_thread(self.store.decide, *done, datetime.now(UTC))
        await asyncio.to_thread(self._follow, places.of(self._data_dir, layer.course))
        # What was published meanwhile was decided without knowing how this one would end.
        self._known.pop(layer.course, None)

    async def _take(self, layer: Layer, heard: Log) -> Built:
        place = places.of(self._data_dir, layer.course)
        async with self.node.job(self._job(layer)) as pieces:
            feeding = Feeding(pieces)
            taken = await asyncio.to_thread(
                layer_files.take, place, layer.id, feeding.read, heard.hear
            )
        written = taken.written
        return Built(taken.packages, written.files, written.size_bytes, heard.text)

    def _job(self, layer: Layer) -> Mapping[str, Any]:
        environment = self.ours.machine.environment
        proxies = [f"{key}={environment[key]}" for key in PROXY_VARIABLES if key in environment]
        return {
            "kind": "install", "id": layer.id, "image": layer.image,
            "requirements": layer.requirements, "proxies": proxies,
        }  # fmt: skip


def settle(tx: sa.Connection, slug: str, wanted: Wanted | None, now: datetime) -> None:
    """Decides what becomes of a course's layers, and puts it on record."""
    key = wanted.key if wanted else None
    step = layer_steps.decide(key, layers.of_course(tx, slug))
    if step.deed is Deed.BUILD and wanted:
        layers.want(tx, slug, wanted, now)
    elif step.deed is Deed.USE:
        layers.use(tx, slug, step.layer, now)
    elif step.deed is Deed.DROP:
        layers.drop(tx, slug, now)


def published(tx: sa.Connection) -> list[Published]:
    """The newest version of every course that goes on."""
    newest = (
        sa.select(versions.c.course, sa.func.max(versions.c.number).label("number"))
        .group_by(versions.c.course)
        .subquery("newest")
    )
    query = (
        sa.select(
            courses.c.slug, courses.c.default_profile.label("profile"), versions.c.number,
            versions.c.by, versions.c.commit,
        )
        .join(versions, versions.c.course == courses.c.slug)
        .join(
            newest,
            (newest.c.course == versions.c.course) & (newest.c.number == versions.c.number),
        )
        .where(courses.c.archived_at.is_(None))
    )  # fmt: skip
    return [Published(**row) for row in tx.execute(query).mappings()]
