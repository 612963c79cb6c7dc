"""The profile that a course proposes to whoever starts a session for it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa

from hub import courses
from hub.enums import LinkTarget
from spawner.errors import CarrelError, Code


@dataclass(frozen=True)
class Opening:
    """What the start page says of the course that a link leads to."""

    title: str
    profile: str | None
    """Its slug, offered by now or not; None: the course proposes none."""


def checked(raw: str, offered: Collection[str]) -> str:
    """The slug of a profile that the site offers; empty: what the site proposes.

    Raises CarrelError(BAD_INPUT).
    """
    slug = raw.strip()
    if slug and slug not in offered:
        shown = slug if len(slug) <= 40 and slug.isprintable() else "of that name"
        raise CarrelError(
            Code.BAD_INPUT,
            f"There is no profile {shown} here.",
            f"Profiles offered here: {', '.join(offered)}.",
        )
    return slug


def slug_in(next_url: str, hub: str) -> str:
    """The course that a start goes on to, by the page's ``next``; empty for everything else (pure).

    ``hub`` is the hub's base URL. Nothing is believed: who may know of the course is asked next.
    """
    try:
        path = urlsplit(next_url).path
    except ValueError:
        return ""
    below = f"{hub}open/{LinkTarget.COURSE.value}/"
    return unquote(path.removeprefix(below).split("/")[0]) if path.startswith(below) else ""


def opening(tx: sa.Connection, name: str, slug: str) -> Opening | None:
    """What somebody who is in the course is told of it; None for all others."""
    course = courses.find(tx, slug)
    if course is None or courses.seat_of(tx, course.slug, name) is None:
        return None
    return Opening(course.title, course.default_profile)
