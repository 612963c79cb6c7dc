"""Gives a course's repository the objects of one publish: they stay if it happens, else they go.

Members' sessions read that repository, its packs too, so nothing may lie in it that no version
holds. What is to be brought is written on a list first, where no session looks. Whoever has the
turn next (the one who fails, the next publish, housekeeping) removes by that list what main does
not hold, also after a kill.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from hub.materials import repository
from hub.materials.places import Place
from hub.materials.repository import MAIN, Repository
from spawner.errors import CarrelError, Code

LIST = ".bringing.json"
WAIT_S = 60.0
_LOOK_S = 0.05


@contextmanager
def turn(place: Place, wait_s: float | None = None) -> Iterator[Repository]:
    """The course's repository, while nobody else in any process changes it.

    Its programs hold the turn too: a git that outlives us may still move main. Raises
    CarrelError(UNAVAILABLE) where others are at it for longer than ``wait_s`` (WAIT_S).
    """
    course = repository.ensure(place.repository)
    place.intakes.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(place.intakes, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _wait_for(lock, WAIT_S if wait_s is None else wait_s)
        yield replace(course, holds=lock)
    finally:
        os.close(lock)


def bring(place: Place, mine: Repository, course: Repository, commit: str) -> None:
    """Gives the course the packs of ``mine``, which keeps them: it may be tried again.

    ``commit`` is what main is to become; it is written by git, not brought. An index comes last:
    with it, git sees a pack.
    """
    packs = sorted((mine.path / "objects" / "pack").glob("pack-*"), key=_is_index)
    there = course.path / "objects" / "pack"
    new = [path for path in packs if path.suffix != ".keep" and not (there / path.name).exists()]
    loose = f"{commit[:2]}/{commit[2:]}"
    names = [f"pack/{path.name}" for path in new]
    if not (course.path / "objects" / loose).exists():
        names.append(loose)
    _write(place.intakes / LIST, {"commit": commit, "objects": names})
    for path in new:
        try:
            os.link(path, there / path.name)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            copy = _half(there / path.name)
            shutil.copyfile(path, copy)
            copy.chmod(0o444)
            copy.rename(there / path.name)
        with suppress(OSError):
            os.utime(there / path.name)  # what is young is not tidied away
    _sync(there)


def settle(place: Place, course: Repository) -> None:
    """Removes what was brought and is not held by main; for whoever has the turn.

    Raises CarrelError(FAILED) where the repository cannot say, and then removes nothing.
    """
    list_ = place.intakes / LIST
    try:
        said = json.loads(list_.read_bytes())
    except FileNotFoundError:
        return
    if said["commit"] not in _held(course):
        objects = course.path / "objects"
        for name in sorted(said["objects"], key=lambda name: not name.endswith(".idx")):
            _half(objects / name).unlink(missing_ok=True)
            (objects / name).unlink(missing_ok=True)
    list_.unlink()


def finish(place: Place) -> None:
    """Settles what a crash left half done. Where somebody is at it, they will."""
    if not (place.intakes / LIST).exists():
        return
    try:
        with turn(place, wait_s=0) as course:
            settle(place, course)
    except CarrelError as error:
        if error.code is not Code.UNAVAILABLE:
            raise


def _held(course: Repository) -> set[str]:
    """The commits of main. Not ``commit_at``: to that, a git that fails has no commit either."""
    main = course.must("for-each-ref", "--format=%(objectname)", MAIN).decode().strip()
    return set(course.must("rev-list", main, "--").decode().split()) if main else set()


def _wait_for(lock: int, wait_s: float) -> None:
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                break
        time.sleep(_LOOK_S)
    raise CarrelError(
        Code.UNAVAILABLE,
        "The course's materials are being worked on right now.",
        "Try again in a minute.",
    )


def _write(path: Path, content: object) -> None:
    half = path.with_suffix(".half")
    with half.open("w", encoding="ascii") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    half.rename(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _half(path: Path) -> Path:
    return path.with_name(f"tmp_{path.name}")


def _is_index(path: Path) -> bool:
    return path.suffix == ".idx"
