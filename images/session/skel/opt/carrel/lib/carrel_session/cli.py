"""The command ``carrel`` inside a session."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from carrel_session import publishing, settings
from carrel_session.errors import Code, SessionError
from carrel_session.publishing import Taught

_REFUSED = (Code.BAD_INPUT, Code.REFUSED, Code.NOT_FOUND)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 is done, 1 failed, 2 refused."""
    options = _parser().parse_args(arguments)
    found = settings.read(os.environ, os.environ.get("CARREL_HOME", "/content"))
    try:
        place = publishing.place_of(found.home, Path(options.path))
        course = _course(publishing.taught(found), options.course)
        print(f"Asking the hub to read {place} …", file=sys.stderr)
        url = publishing.ask(found, course, place, options.message)
    except SessionError as trouble:
        print(f"carrel: {trouble}", file=sys.stderr)
        return 2 if trouble.code in _REFUSED else 1
    print(f"Nothing is published yet. See what changes for {course.title}, and confirm:\n{url}")
    return 0


def _course(courses: tuple[Taught, ...], wanted: str) -> Taught:
    if not wanted and len(courses) > 1:
        known = ", ".join(course.slug for course in courses)
        raise SessionError(Code.BAD_INPUT, "Which course?", f"Say --course with one of: {known}.")
    return publishing.choose(courses, wanted)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carrel", description="Carrel, from inside a session.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    publish = verbs.add_parser(
        "publish",
        help="show a course what changes, and publish it",
        description="Has the hub read a folder and prints the address of the page on which you see "
        "what changes for your students and publish it.",
    )
    publish.add_argument("path", metavar="PATH", help="a folder or a notebook in your home")
    publish.add_argument("--course", default="", metavar="SLUG", help="needed if you teach several")
    publish.add_argument("--message", default="", metavar="TEXT", help="what is new")
    return parser


if __name__ == "__main__":
    sys.exit(main())
