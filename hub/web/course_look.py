"""What a course's page shows to whom, and the same as JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa

from hub import course_people, course_powers, course_sums, courses
from hub.course_people import Found, Search
from hub.course_sums import Sums
from hub.courses import Course
from hub.enums import CourseRole
from hub.materials import layers, versions
from hub.powers import Actor


@dataclass(frozen=True)
class Look:
    """A course as its page shows it; the people are for those who manage it."""

    course: Course
    seat: CourseRole | None
    manages: bool
    teachers: tuple[str, ...]
    newest: int | None
    """The last published version of the materials."""
    found: Found | None = None
    sums: Sums | None = None
    packages: int = 0
    """Extra ones that its notebooks find."""


def look_at(tx: sa.Connection, actor: Actor, slug: str, search: Search) -> Look:
    """The course as the actor may see it.

    Raises CarrelError(NOT_FOUND) for whoever is not in it.
    """
    course, seat = courses.seen(tx, actor, slug)
    manages = course_powers.manages(actor, seat)
    last = versions.newest(tx, course.slug)
    newest = last.number if last else None
    teachers = tuple(course_people.teachers(tx, course.slug))
    layer = layers.in_use(tx, course.slug)
    look = Look(course, seat, manages, teachers, newest, packages=len(layer.names) if layer else 0)
    if not manages:
        return look
    found = course_people.find(tx, actor, course.slug, search)
    sums = course_sums.sums(tx, course.slug, newest or 0)
    return dataclasses.replace(look, found=found, sums=sums)


def as_json(course: Course) -> dict[str, Any]:
    """Without its code: that is for those who manage it."""
    return {
        "slug": course.slug,
        "title": course.title,
        "description": course.description,
        "joining": course.joining.value,
        "archived": course.archived,
        "default_profile": course.default_profile,
    }


def told(look: Look) -> dict[str, Any]:
    """What the page shows; of the people one page."""
    values = as_json(look.course) | {
        "teachers": look.teachers, "version": look.newest, "packages": look.packages,
    }  # fmt: skip
    if look.found is None or look.sums is None:
        return values
    people = [
        {key: _plain(value) for key, value in dataclasses.asdict(one).items()}
        for one in look.found.people
    ]
    return values | {
        "code": look.course.code, "people": people, "total": look.found.total,
        "page": look.found.page, "pages": look.found.pages,
        "sums": dataclasses.asdict(look.sums),
    }  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value
