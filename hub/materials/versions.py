"""The record of what was published: rows of a course's versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from hub.enums import Source
from hub.models import versions
from spawner.errors import CarrelError, Code


@dataclass(frozen=True)
class Version:
    """One publish: a commit on main. ``detail`` says from where: a path, an address, a file."""

    course: str
    number: int
    commit: str
    message: str
    by: str
    at: datetime
    source: Source
    detail: str
    files: int


def listed(tx: sa.Connection, course: str) -> list[Version]:
    """All of a course, the newest first."""
    found = tx.execute(_of(course).order_by(versions.c.number.desc()))
    return [Version(**row) for row in found.mappings()]


def newest(tx: sa.Connection, course: str) -> Version | None:
    """What students get now; none before the first publish."""
    found = tx.execute(_of(course).order_by(versions.c.number.desc()).limit(1)).mappings().first()
    return Version(**found) if found else None


def find(tx: sa.Connection, course: str, number: int) -> Version:
    """Raises CarrelError(NOT_FOUND)."""
    found = tx.execute(_of(course).where(versions.c.number == number)).mappings().first()
    if not found:
        raise CarrelError(Code.NOT_FOUND, f"There is no version {number} of this course.")
    return Version(**found)


def add_missing(tx: sa.Connection, course: str, found: Sequence[Version]) -> list[Version]:
    """Rows for those that have none; gives those it added."""
    known = set(tx.scalars(sa.select(versions.c.number).where(versions.c.course == course)))
    missing = [version for version in found if version.number not in known]
    if missing:
        tx.execute(versions.insert(), [asdict(version) for version in missing])
    return missing


def _of(course: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(versions).where(versions.c.course == course)
