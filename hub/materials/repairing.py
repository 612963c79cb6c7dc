"""Looks whether every commit on main has its row, and clears away what nobody came back for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from hub.materials import bringing, marks, versions
from hub.materials.bounded import Bounds
from hub.materials.places import INTAKE_LIVES, Place, of
from hub.materials.repository import MAIN, OBJECT, Repository
from hub.materials.versions import Version
from hub.store import Store
from spawner.confinement import COURSES
from spawner.errors import CarrelError

MOST_PACKS, MOST_LOOSE = 20, 500
"""With more of them, reading gets slow."""
TIDY = Bounds(time_s=300)


def places(data_dir: Path) -> Iterator[Place]:
    """Every course with a folder."""
    for folder in sorted((data_dir / COURSES).glob("*")):
        try:
            yield of(data_dir, folder.name)
        except CarrelError:
            continue


def repair(store: Store, place: Place, now: datetime) -> list[Version]:
    """Makes one course's repository and rows agree; gives the versions whose rows were missing.

    Raises CarrelError(FAILED) where the repository cannot be read.
    """
    if not (place.repository / "HEAD").exists():
        return []
    bringing.finish(place)
    added = record(store, place)
    remove_old(place, now)
    return added


def record(store: Store, place: Place) -> list[Version]:
    """Writes the rows that commits on main do not have, and gives them."""
    course = Repository(place.repository)
    main = course.commit_at(MAIN)
    newest = store.read(versions.newest, place.slug)
    if main is None or (newest and newest.commit == main):
        return []
    known = course.commit_at(newest.commit) if newest else None
    found = list(_read(course, place.slug, main, known))
    return store.decide(versions.add_missing, place.slug, found)


def remove_old(place: Place, now: datetime) -> None:
    """Intakes that nobody published for a day, and what a crash left of others."""
    leftovers = (*place.intakes.glob("*"), *place.shared.glob(".making-*"))
    for path in leftovers:
        try:
            changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except FileNotFoundError:
            continue
        if now - changed > INTAKE_LIVES:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def tidy(place: Place) -> bool:
    """Has git put a course's packs together where they are many; whether it did.

    A publish waits meanwhile: what it brought would lie about in other places. Takes at most
    TIDY's time; ended by it, nothing is lost. Raises CarrelError: FAILED, UNAVAILABLE as ``turn``.
    """
    course = Repository(place.repository)
    if not (course.path / "HEAD").exists():
        return False
    counted = dict(
        line.split(": ", 1) for line in course.must("count-objects", "-v").decode().splitlines()
    )
    if int(counted["packs"]) <= MOST_PACKS and int(counted["count"]) <= MOST_LOOSE:
        return False
    with bringing.turn(place) as alone:
        bringing.settle(place, alone)
        # --force: only housekeeping does this, and its mark outlives a kill.
        alone.must("gc", "--quiet", "--force", "--prune=1.day.ago", bounds=TIDY)
    return True


def _read(course: Repository, slug: str, main: str, known: str | None) -> Iterator[Version]:
    since = ["--not", known] if known else []
    logged = course.must("log", "-z", "--reverse", "--format=%H %ct%n%B", main, *since)
    for entry in logged.decode(errors="replace").split("\0"):
        first, _, message = entry.partition("\n")
        commit, _, at = first.partition(" ")
        if OBJECT.fullmatch(commit):
            version = marks.read(slug, commit, datetime.fromtimestamp(int(at), UTC), message)
            if version:
                yield version
