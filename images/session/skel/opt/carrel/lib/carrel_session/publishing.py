"""Asks the hub to publish a folder, which it reads by itself; the teacher confirms on its page.

The hub answers:

``GET {JUPYTERHUB_API_URL}/carrel/courses?role=teacher``
    ``{"courses": [{"slug": "ml", "title": "Machine learning"}]}``: those that the session's owner
    teaches and that are not archived.

``POST {JUPYTERHUB_API_URL}/carrel/courses/<slug>/publish`` with ``{"path": "lessons/ml",
"message": "Week 3"}``
    202 and ``{"preview": "https://…/services/carrel/…"}``, at once: the page of the order. The
    folder is read meanwhile; there the teacher sees what changes, and confirms. ``path`` is below
    the home, without a slash at either end; a folder or one notebook.

Errors are ``{"message": "…", "hint": "…"}`` with the status that fits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from carrel_session import hub_client
from carrel_session.addresses import SLUG
from carrel_session.errors import Code, SessionError
from carrel_session.settings import Settings


@dataclass(frozen=True)
class Taught:
    """A course that the session's owner teaches."""

    slug: str
    title: str


def place_of(home: Path, named: Path) -> str:
    """Where a file or folder lies below the home, or SessionError where it cannot be published."""
    try:
        found = named.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise SessionError(
            Code.NOT_FOUND, f"There is no {named}.", "Name a folder or a notebook in your home."
        ) from None
    above = home.resolve()
    if found == above:
        raise SessionError(
            Code.BAD_INPUT,
            "Your whole home would be published.",
            "Name the folder that holds the course's materials.",
        )
    if not found.is_relative_to(above):
        raise SessionError(
            Code.BAD_INPUT,
            f"{named} is not in your home.",
            f"Only what lies below {home} can be published.",
        )
    if found.is_file() and found.suffix != ".ipynb":
        raise SessionError(
            Code.BAD_INPUT, f"{named} is neither a folder nor a notebook.", "Put it into a folder."
        )
    return str(found.relative_to(above))


def taught(settings: Settings) -> tuple[Taught, ...]:
    """The courses that can be published to."""
    found = hub_client.ask(settings, "carrel/courses?role=teacher").get("courses")
    entries = found if isinstance(found, list) else []
    return tuple(
        Taught(entry["slug"], str(entry.get("title") or entry["slug"]))
        for entry in entries
        if isinstance(entry, dict) and SLUG.fullmatch(str(entry.get("slug")))
    )


def choose(courses: tuple[Taught, ...], wanted: str) -> Taught:
    """The course that is meant; without a word the only one."""
    matching = [course for course in courses if wanted in ("", course.slug)]
    if len(matching) == 1:
        return matching[0]
    if not courses:
        raise SessionError(
            Code.REFUSED, "You teach no course.", "A teacher makes one on the Courses page."
        )
    known = ", ".join(course.slug for course in courses)
    if wanted:
        raise SessionError(
            Code.NOT_FOUND, f"You teach no course {wanted!r}.", f"You teach: {known}."
        )
    raise SessionError(Code.BAD_INPUT, "Which course?", f"You teach: {known}.")


def ask(settings: Settings, course: Taught, place: str, message: str) -> str:
    """Orders that ``place`` is read; the address of the page on which the teacher goes on."""
    body = {"path": place, "message": message}
    answer = hub_client.ask(settings, f"carrel/courses/{course.slug}/publish", body)
    url = str(answer.get("preview") or "")
    if not re.match(r"https?://[^/]|/[^/\\]", url) or urlsplit(url).scheme not in (
        "", "http", "https",
    ):  # fmt: skip
        raise SessionError(
            Code.FAILED, "The hub took the order but named no page.", "Look at the course's page."
        )
    return url
