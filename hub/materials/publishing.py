"""Publishes an intake, or takes the last version back: one step forward on main, or none.

The objects come first, then main moves if it is still where the teacher saw it, then the row is
written. Killed in between, the commit on main says itself what belongs into its row
(hub.materials.repairing); before main has moved, nothing happened.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from hub import courses
from hub.audit import By
from hub.enums import Source
from hub.materials import intake, marks, repairing, repository, versions
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
    where the intake or the course is not there, BAD_INPUT for a message that is too long.
    """
    message = marks.clean_message(wanted.message)
    course = _ready(store, place)
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
        _bring(mine.path, course.path)
    new = _Step(tree, old, message, taken.source, taken.detail, files)
    version = _advance(store, place, new, by)
    intake.discard(place, wanted.intake)
    return version


def undo(store: Store, place: Place, base: str, by: By) -> Version:
    """A new version with the files of the one before ``base``, the commit that is to be undone.

    Undone twice, it is back. Raises as ``publish`` does.
    """
    course = _ready(store, place)
    old = course.commit_at(MAIN)
    if old is None or old != base:
        raise _overtaken()
    undone = store.read(versions.newest, place.slug)
    before = course.commit_at(f"{old}^1")
    tree = course.tree_of(before) if before else EMPTY_TREE
    files = sum(1 for _ in course.paths(tree)) if before else 0
    message = f"Version {undone.number} undone" if undone else "Undone"
    return _advance(store, place, _Step(tree, old, message, Source.UNDO, "", files), by)


@dataclass(frozen=True)
class _Step:
    """What main is to become."""

    tree: str
    old: str | None
    message: str
    source: Source
    detail: str
    files: int


def _ready(store: Store, place: Place) -> Repository:
    store.read(_require_open, place.slug)
    course = repository.ensure(place.repository)
    repairing.record(store, place)  # of a publish that was cut short
    return course


def _require_open(tx: sa.Connection, slug: str) -> None:
    """Raises CarrelError(NOT_FOUND), or CONFLICT where the course is archived."""
    courses.require_open(courses.require(tx, slug))


def _advance(store: Store, place: Place, step: _Step, by: By) -> Version:
    course = Repository(place.repository)
    last = store.read(versions.newest, place.slug)
    version = Version(
        place.slug, last.number + 1 if last else 1, "", step.message, by.who,
        whole_second(by.at), step.source, step.detail, step.files,
    )  # fmt: skip
    parents = [step.old] if step.old else []
    commit = course.commit(step.tree, parents, marks.written(version), Made(by.who, by.at))
    _check_whole(course, commit, step.old)
    if not course.move(MAIN, commit, step.old or NOTHING):
        raise _overtaken()
    repairing.record(store, place)
    return store.read(versions.find, place.slug, version.number)


def _bring(mine: Path, course: Path) -> None:
    """Gives the course's repository the packs of an intake, which keeps them: it may be tried
    again. An index comes last: with it, git sees a pack."""
    there = course / "objects" / "pack"
    packs = mine / "objects" / "pack"
    for path in sorted(packs.glob("pack-*"), key=lambda path: path.suffix == ".idx"):
        if path.suffix == ".keep":
            continue
        try:
            os.link(path, there / path.name)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            copy = there / f"tmp_{path.name}"
            shutil.copyfile(path, copy)
            copy.chmod(0o444)
            copy.rename(there / path.name)
        with suppress(OSError):
            os.utime(there / path.name)  # what is young is not tidied away
    folder = os.open(there, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


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
