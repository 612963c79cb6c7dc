"""The record of courses' extra packages: what is wanted, being built, in use, and how it went."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub import audit, courses
from hub.audit import HOUSEKEEPING, Action, By
from hub.enums import LayerState
from hub.models import courses as courses_
from hub.models import layers as rows
from hub.powers import Actor
from spawner.errors import CarrelError, Code

MOST_LOG = 256 * 1024
"""Characters of a log that are kept: its end."""
MOST_KEPT_FAILED = 5
LEAVE = timedelta(hours=1)
"""What was in use until now stays for so long at least: kernels still import from it."""
_NO_LOG = [column for column in rows.c if column.name != "log"]


@dataclass(frozen=True)
class Layer:
    """One build of a course's packages; ``packages`` are ``name==version`` lines."""

    id: str
    course: str
    version: int
    by: str
    image: str
    key: str
    requirements: str
    state: LayerState
    wanted_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    retired_at: datetime | None
    size_bytes: int
    files: int
    packages: str
    problem: str

    @property
    def under_way(self) -> bool:
        return self.state in (LayerState.WAITING, LayerState.BUILDING)

    @property
    def in_use(self) -> bool:
        return self.state is LayerState.READY and self.retired_at is None

    @property
    def names(self) -> list[str]:
        """Of its packages, with their versions."""
        return self.packages.splitlines()


@dataclass(frozen=True)
class Stand:
    """A course's layers as its people see them."""

    in_use: Layer | None = None
    newest: Layer | None = None
    """What the newest list came to; none: it has none."""

    @property
    def failed(self) -> bool:
        return self.newest is not None and self.newest.state is LayerState.FAILED

    @property
    def under_way(self) -> bool:
        return self.newest is not None and self.newest.under_way


@dataclass(frozen=True)
class Wanted:
    """What the newest version of a course's materials lists, and for which image it is built."""

    version: int
    by: str
    image: str
    key: str
    requirements: str
    problem: str = ""


@dataclass(frozen=True)
class Built:
    """A layer that lies on disk."""

    packages: Sequence[str]
    files: int
    size_bytes: int
    log: str = ""


def of_course(tx: sa.Connection, slug: str) -> list[Layer]:
    """The newest first."""
    return _select(tx, rows.c.course == slug)


def in_use(tx: sa.Connection, slug: str) -> Layer | None:
    """What sessions get."""
    return next((one for one in of_course(tx, slug) if one.in_use), None)


def stand(tx: sa.Connection, slug: str) -> Stand:
    """How far a course's packages are."""
    found = of_course(tx, slug)
    current = next((one for one in found if one.in_use), None)
    return Stand(current, found[0] if found and not found[0].retired_at else None)


def log_of(tx: sa.Connection, id_: str) -> str:
    """What the build said; empty also for one that is not there."""
    return tx.execute(sa.select(rows.c.log).where(rows.c.id == id_)).scalar_one_or_none() or ""


def want(tx: sa.Connection, slug: str, wanted: Wanted, now: datetime) -> None:
    """One more is to be built; what waited for another list waits no more."""
    tx.execute(rows.delete().where(rows.c.course == slug, rows.c.state == LayerState.WAITING))
    ended = {"state": LayerState.FAILED, "problem": wanted.problem, "ended_at": now}
    tx.execute(
        rows.insert().values(
            id=secrets.token_hex(6), course=slug, version=wanted.version, by=wanted.by,
            image=wanted.image, key=wanted.key, requirements=wanted.requirements,
            wanted_at=_after(tx, slug, now),
            **(ended if wanted.problem else {"state": LayerState.WAITING}),
        )
    )  # fmt: skip
    if wanted.problem:
        _note(tx, Action.PACKAGES_FAILED, slug, f"{wanted.problem}", now)


def use(tx: sa.Connection, slug: str, id_: str, now: datetime) -> None:
    """A layer of before is the one in use again."""
    _forget_rest(tx, slug)
    _retire(tx, slug, now)
    _set(tx, id_, retired_at=None, wanted_at=_after(tx, slug, now))
    _note(tx, Action.PACKAGES_USED, slug, f"those of {id_}", now)


def drop(tx: sa.Connection, slug: str, now: datetime) -> None:
    """None is in use any more, and what waits or failed is over."""
    _forget_rest(tx, slug)
    if _retire(tx, slug, now):
        _note(tx, Action.PACKAGES_DROPPED, slug, "", now)


def begin(tx: sa.Connection, now: datetime) -> Layer | None:
    """Takes the one that has waited longest; it is being built from now on."""
    open_ = sa.select(courses_.c.slug).where(courses_.c.archived_at.is_(None))
    waiting = _select(tx, rows.c.state == LayerState.WAITING, rows.c.course.in_(open_))
    if not waiting:
        return None
    id_ = waiting[-1].id
    _set(tx, id_, state=LayerState.BUILDING, began_at=now, log="")
    return _select(tx, rows.c.id == id_)[0]


def begin_again(tx: sa.Connection) -> None:
    """Those that somebody who has gone was building wait again."""
    query = rows.update().where(rows.c.state == LayerState.BUILDING)
    tx.execute(query.values(state=LayerState.WAITING, began_at=None))


def put_back(tx: sa.Connection, layer: Layer, now: datetime) -> None:
    """It could not begin: it waits again, behind all others, unless another took its place."""
    if of_course(tx, layer.course)[0].id != layer.id:
        forget(tx, layer.id)
        return
    at = _after(tx, layer.course, now)
    _set(tx, layer.id, state=LayerState.WAITING, began_at=None, wanted_at=at)


def say(tx: sa.Connection, id_: str, log: str) -> None:
    """What the build has said so far."""
    _set(tx, id_, log=log[-MOST_LOG:])


def ready(tx: sa.Connection, layer: Layer, built: Built, now: datetime) -> None:
    """It lies on disk whole, and is in use: unless a newer one is that already."""
    newest = of_course(tx, layer.course)[0]
    overtaken = newest.id != layer.id and newest.in_use
    if not overtaken:
        _retire(tx, layer.course, now)
    _set(
        tx, layer.id, state=LayerState.READY, ended_at=now, retired_at=now if overtaken else None,
        packages="\n".join(built.packages), files=built.files, size_bytes=built.size_bytes,
        log=built.log[-MOST_LOG:], problem="",
    )  # fmt: skip
    told = f"version {layer.version}, {len(built.packages)} packages"
    _note(tx, Action.PACKAGES_BUILT, layer.course, told, now)


def failed(tx: sa.Connection, layer: Layer, problem: str, log: str, now: datetime) -> None:
    """It cannot be built; what was in use stays so."""
    _set(
        tx, layer.id, state=LayerState.FAILED, ended_at=now, problem=problem[:2000],
        log=log[-MOST_LOG:],
    )  # fmt: skip
    _note(tx, Action.PACKAGES_FAILED, layer.course, f"version {layer.version}", now)


def again(tx: sa.Connection, actor: Actor, slug: str, by: By) -> None:
    """A teacher wants the newest list built once more: it failed, or newer packages are out.

    Raises CarrelError: as ``courses.managed``, CONFLICT for an archived course, while a build is
    under way, or where nothing is listed.
    """
    course = courses.managed(tx, actor, slug)
    courses.require_open(course)
    found = of_course(tx, course.slug)
    if any(one.under_way for one in found):
        raise CarrelError(Code.CONFLICT, "They are being built already.", "Wait until it is done.")
    newest = found[0] if found else None
    if newest is None or newest.retired_at or not newest.requirements:
        raise CarrelError(
            Code.CONFLICT,
            "There is nothing that can be built.",
            "Publish materials with a requirements.txt at their top.",
        )
    wanted = Wanted(newest.version, by.who, newest.image, newest.key, newest.requirements)
    want(tx, course.slug, wanted, by.at)
    audit.record(tx, by, Action.PACKAGES_AGAIN, None, course.slug)


def forget(tx: sa.Connection, id_: str) -> None:
    """Its folder is gone."""
    tx.execute(rows.delete().where(rows.c.id == id_))


def forget_old(tx: sa.Connection, slug: str, now: datetime) -> list[Layer]:
    """Forgets what nobody can use any more; gives those that keep their folder.

    The one before the one in use stays: kernels that began with it import from it as they go.
    """
    found = of_course(tx, slug)
    retired = [one for one in found if one.retired_at]
    retired.sort(key=lambda one: one.retired_at or now, reverse=True)
    old = [one for one in retired[1:] if one.retired_at and now - one.retired_at > LEAVE]
    old += [one for one in found if one.state is LayerState.FAILED][MOST_KEPT_FAILED:]
    for one in old:
        forget(tx, one.id)
    return [one for one in found if one not in old and one.state is not LayerState.FAILED]


def _forget_rest(tx: sa.Connection, slug: str) -> None:
    gone = (LayerState.WAITING, LayerState.FAILED)
    tx.execute(rows.delete().where(rows.c.course == slug, rows.c.state.in_(gone)))


def _after(tx: sa.Connection, slug: str, now: datetime) -> datetime:
    """Now, or right after the newest one, where the clock was set back."""
    found = of_course(tx, slug)
    return max(now, found[0].wanted_at + timedelta(microseconds=1)) if found else now


def _retire(tx: sa.Connection, slug: str, now: datetime) -> bool:
    """Whether one was in use."""
    current = in_use(tx, slug)
    if current:
        _set(tx, current.id, retired_at=now)
    return current is not None


def _note(tx: sa.Connection, what: Action, slug: str, told: str, now: datetime) -> None:
    detail = f"{slug}: {told}" if told else slug
    audit.record(tx, By(HOUSEKEEPING, now), what, None, detail)


def _set(tx: sa.Connection, id_: str, **values: object) -> None:
    tx.execute(rows.update().where(rows.c.id == id_).values(**values))


def _select(tx: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[Layer]:
    query = sa.select(*_NO_LOG).where(*conditions)
    query = query.order_by(rows.c.wanted_at.desc(), rows.c.id.desc())
    return [Layer(**row) for row in tx.execute(query).mappings()]
