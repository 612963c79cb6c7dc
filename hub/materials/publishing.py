"""Publishes an intake, or takes the last version back: one step forward on main, or none.

The objects come first (hub.materials.bringing), then main moves if it is still where the teacher
saw it, then the row is written. Killed in between, the commit on main says itself what belongs into
its row (hub.materials.repairing); before main has moved, nothing happened.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import sqlalchemy as sa

from hub import courses
from hub.audit import By
from hub.enums import Source
from hub.materials import bringing, intake, marks, repairing, repository, versions
from hub.materials.intake import Way
from hub.materials.places import Place
from hub.materials.repository import EMPTY_TREE, MAIN, NOTHING, Made, Repository, whole_second
from hub.materials.versions import Version
from hub.store import Store
from spawner.errors import CarrelError, Code


@dataclass(frozen=True)
class Wanted:
    """What a teacher wants published. ``base`` is the commit that its preview was made against
    (None: nothing was published yet)."""

    intake: str
    base: str | None
    message: str = ""


def publish(store: Store, place: Place, wanted: Wanted, by: By) -> Version:
    """The new version. Blocks for seconds: call it in a thread that is not the store's.

    Raises CarrelError: CONFLICT where somebody published meanwhile or nothing differs, NOT_FOUND
    where the intake or the course is not there, BAD_INPUT for a message that is too long,
    UNAVAILABLE where others are at the course's materials for long.
    """
    message = marks.clean_message(wanted.message)
    with _turn(store, place) as course:
        taken = intake.look(place, wanted.intake)
        old = course.commit_at(MAIN)
        if old != wanted.base or (taken.way is Way.ADD and taken.base != old):
            raise _overtaken()
        mine = intake.of(place, wanted.intake)
        with intake.reading(place, wanted.intake):
            tree = mine.tree_of(intake.TREE)
            if old and course.tree_of(old) == tree:
                raise CarrelError(
                    Code.CONFLICT, "Nothing differs from the version that students have.",
                    "There is nothing to publish.",
                )  # fmt: skip
            files = sum(1 for _ in mine.paths(tree))
            new = _Step(tree, old, message, taken.source, taken.detail, files)
            version = _advance(store, place, _From(mine, course), new, by)
    intake.discard(place, wanted.intake)
    return version


def undo(store: Store, place: Place, base: str, by: By) -> Version:
    """A new version with the files of the one before ``base``, the commit that is to be undone.

    Undone twice, it is back. Raises as ``publish`` does.
    """
    with _turn(store, place) as course, _nothing_brought(place) as mine:
        old = course.commit_at(MAIN)
        if old is None or old != base:
            raise _overtaken()
        undone = store.read(versions.newest, place.slug)
        before = course.commit_at(f"{old}^1")
        tree = course.tree_of(before) if before else EMPTY_TREE
        files = sum(1 for _ in course.paths(tree)) if before else 0
        message = f"Version {undone.number} undone" if undone else "Undone"
        new = _Step(tree, old, message, Source.UNDO, "", files)
        return _advance(store, place, _From(mine, course), new, by)


@dataclass(frozen=True)
class _Step:
    """What main is to become."""

    tree: str
    old: str | None
    message: str
    source: Source
    detail: str
    files: int


@dataclass(frozen=True)
class _From:
    """The repository that brings objects, and the course's."""

    mine: Repository
    course: Repository


@contextmanager
def _turn(store: Store, place: Place) -> Iterator[Repository]:
    store.read(_require_open, place.slug)
    with bringing.turn(place) as course:
        # Of a publish that was cut short.
        bringing.settle(place, course)
        repairing.record(store, place)
        yield course


@contextmanager
def _nothing_brought(place: Place) -> Iterator[Repository]:
    """A repository without objects of its own."""
    folder = place.intakes / f".undo-{secrets.token_hex(4)}"
    try:
        yield replace(repository.create(folder), beside=place.repository)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _require_open(tx: sa.Connection, slug: str) -> None:
    """Raises CarrelError(NOT_FOUND), or CONFLICT where the course is archived."""
    courses.require_open(courses.require(tx, slug))


def _advance(store: Store, place: Place, from_: _From, step: _Step, by: By) -> Version:
    mine, course = from_.mine, from_.course
    last = store.read(versions.newest, place.slug)
    version = Version(
        place.slug, last.number + 1 if last else 1, "", step.message, by.who,
        whole_second(by.at), step.source, step.detail, step.files,
    )  # fmt: skip
    made = (step.tree, [step.old] if step.old else [], marks.written(version), Made(by.who, by.at))
    # Written twice, and the same: what it will be called is on the list before it is there.
    commit = mine.commit(*made)
    try:
        bringing.bring(place, mine, course, commit)
        course.commit(*made)
        _check_whole(course, commit, step.old)
        if not course.move(MAIN, commit, step.old or NOTHING):
            raise _overtaken()
        repairing.record(store, place)
    finally:
        bringing.settle(place, course)
    return store.read(versions.find, place.slug, version.number)


def _check_whole(course: Repository, commit: str, old: str | None) -> None:
    """An intake that is removed meanwhile must not leave a version with holes."""
    without = ["--not", old] if old else []
    course.must("rev-list", "--objects", "--quiet", commit, *without)


def _overtaken() -> CarrelError:
    return CarrelError(
        Code.CONFLICT,
        "Somebody published meanwhile.",
        "Look at what there is now, and if yours still makes sense, begin again.",
    )
