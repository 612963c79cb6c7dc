"""How far the students of a course are with its newest version, in sum."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from hub.course_people import came, joined
from hub.enums import CourseRole
from hub.models import copies, members


@dataclass(frozen=True)
class Sums:
    """What became of a course's newest version, counted over its students."""

    newest: int
    students: int
    up_to_date: int
    behind: int
    not_opened: int
    kept: int
    """How many hold own versions of some files."""


def sums(tx: sa.Connection, slug: str, newest: int) -> Sums:
    """How far the students are with version ``newest``."""
    opened = came & copies.c.version.is_not(None)
    current = opened & (copies.c.version >= newest)
    counted = (
        sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)
        for condition in (opened, current, opened & (copies.c.kept > 0))
    )
    query = (
        sa.select(sa.func.count(), *counted)
        .select_from(joined)
        .where(members.c.course == slug, members.c.role == CourseRole.STUDENT)
    )
    students, seen, now, kept = (int(value) for value in tx.execute(query).one())
    return Sums(newest, students, now, seen - now, students - seen, kept)
