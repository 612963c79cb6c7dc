"""The folder of a course: root's, with one room in it for the hub to fill and sessions to read.

Sessions get ``shared`` as a read-only mount. The folder around it is root's, so that not even the
hub can put something else in its place.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spawner.confinement import COURSE, INCOMING, SHARED
from spawner.errors import CarrelError, Code
from spawner.node.fields import Fields
from spawner.node.homes import open_beneath

_FOLDER, _SHARED, _INCOMING = 0o711, 0o755, 0o700
_MOST_KEPT = 1000


def ensure_course(courses: Path, slug: str, hub_uid: int) -> None:
    """Makes what is missing and mends owner and mode. A second call changes nothing.

    Raises CarrelError(UNAVAILABLE).
    """
    with _faults(slug):
        courses_fd = os.open(courses, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _ensure(courses_fd, slug, os.geteuid(), _FOLDER)
            _ensure(courses_fd, f"{slug}/{SHARED}", hub_uid, _SHARED)
            _ensure(courses_fd, f"{slug}/{INCOMING}", hub_uid, _INCOMING)
        finally:
            os.close(courses_fd)


def is_there(courses: Path, slug: str) -> bool:
    """Whether the course has a folder to mount."""
    try:
        courses_fd = os.open(courses, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.close(open_beneath(courses_fd, f"{slug}/{SHARED}"))
    except OSError:
        return False
    finally:
        os.close(courses_fd)
    return True


def kept(body: Mapping[str, Any]) -> frozenset[str]:
    """The courses that a session may go on seeing: ``{"courses": [slug, …]}``.

    Raises CarrelError(REFUSED): what is not understood takes nothing away.
    """
    fields = Fields(body, "", Code.REFUSED)
    if body.get("courses") is None:
        fields.refuse("courses", "must be given")
    slugs = fields.texts("courses", _MOST_KEPT)
    if not all(re.fullmatch(COURSE, slug, re.ASCII) for slug in slugs):
        fields.refuse("courses", "must hold names of courses")
    fields.finish(empty_passes=False)
    return frozenset(slugs)


def _ensure(courses_fd: int, path: str, uid: int, mode: int) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700, dir_fd=courses_fd)
    fd = open_beneath(courses_fd, path)
    try:
        found = os.fstat(fd)
        if (found.st_uid, found.st_gid) != (uid, uid):
            os.fchown(fd, uid, uid)
        if found.st_mode & 0o7777 != mode:
            os.fchmod(fd, mode)
    finally:
        os.close(fd)


@contextlib.contextmanager
def _faults(slug: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        odd = error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EXDEV)
        raise CarrelError(
            Code.UNAVAILABLE,
            f"The folder of the course {slug} cannot be made: {error.strerror}.",
            "It must be a plain folder under courses/." if odd else "Look at the disk.",
        ) from error
