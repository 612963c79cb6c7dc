"""How far somebody's copy of a course's materials is, as their session reports it.

A claim: the program that reports is in a container whose root the student is. It is bounded, and
says something about their own copy alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub import course_powers, courses
from hub.courses import Course
from hub.models import copies as rows
from hub.models import versions
from spawner.errors import CarrelError, Code

FATES = frozenset(
    {
        "up_to_date", "updated", "new", "restored", "edited", "merged", "kept", "set_aside",
        "removed", "removed_kept", "missing",
    }
)  # fmt: skip
"""What may have become of a file (carrel_session.report, in the session's image)."""
MOST_FILES, MOST_NAME, MOST_COUNT = 500, 1000, 1_000_000
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)


@dataclass(frozen=True)
class Claim:
    """A report, checked. ``current`` files are the version's, ``own`` hold the student's edits."""

    commit: str
    current: int
    own: int
    counts: Mapping[str, int]
    files: tuple[Mapping[str, str], ...]
    left_out: int


def parse(body: Mapping[str, Any]) -> Claim:
    """Raises CarrelError(BAD_INPUT)."""
    commit, counts, files = body.get("version"), body.get("counts"), body.get("files")
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise _odd("version")
    if not isinstance(counts, dict) or not counts.keys() <= FATES:
        raise _odd("counts")
    if not isinstance(files, list) or len(files) > MOST_FILES:
        raise _odd("files")
    return Claim(
        commit, _count(body, "current"), _count(body, "own"),
        {fate: _count(counts, fate) for fate in counts},
        tuple(_file(one) for one in files), _count(body, "left_out"),
    )  # fmt: skip


def record(tx: sa.Connection, name: str, slug: str, claim: Claim, now: datetime) -> None:
    """Keeps the last report of each copy.

    Raises CarrelError(NOT_FOUND) for whoever is not in the course, and for a version that was never
    published.
    """
    course = require_seat(tx, name, slug)
    number = tx.scalar(
        sa.select(versions.c.number).where(
            versions.c.course == course.slug, versions.c.commit == claim.commit
        )
    )
    if number is None:
        raise CarrelError(Code.NOT_FOUND, "This version was never published.")
    values = {
        "version": number,
        "at": now,
        "up_to_date": claim.current,
        "kept": claim.own,
        "details": json.dumps(
            {"counts": claim.counts, "files": claim.files, "left_out": claim.left_out}
        ),
    }
    mine = (rows.c.course == course.slug) & (rows.c.user == name)
    if tx.execute(rows.update().where(mine).values(**values)).rowcount == 0:
        tx.execute(rows.insert().values(course=course.slug, user=name, **values))


def require_seat(tx: sa.Connection, name: str, slug: str) -> Course:
    """The course, for whoever is in it. Raises CarrelError(NOT_FOUND)."""
    course = courses.find(tx, slug)
    if course is None or courses.seat_of(tx, course.slug, name) is None:
        raise course_powers.not_here()
    return course


def _count(body: Mapping[str, Any], key: str) -> int:
    value = body.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_COUNT:
        raise _odd(key)
    return value


def _file(said: Any) -> Mapping[str, str]:
    if not isinstance(said, dict) or not {"name", "fate"} <= said.keys() <= {
        "name", "fate", "saved_as",
    }:  # fmt: skip
        raise _odd("files")
    texts = all(isinstance(value, str) and len(value) <= MOST_NAME for value in said.values())
    if not texts or said["fate"] not in FATES:
        raise _odd("files")
    return {str(key): str(value) for key, value in said.items()}


def _odd(key: str) -> CarrelError:
    return CarrelError(Code.BAD_INPUT, f"This is no report of a copy: {key} is not as agreed.")
