"""The verbs on courses: listed, made, changed, archived, restored, and who is in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.database import by, opened
from hub.cli.inside import ensure_inside
from hub.cli.links import command_line
from hub.cli.output import as_json, note, table, verb
from hub.cli.people import Json
from hub.enums import Joining

if TYPE_CHECKING:
    from hub.courses import Course
    from hub.settings import Settings

app = typer.Typer(help="List, make, change and archive courses.", no_args_is_help=True)

Proposed = Annotated[
    str | None, typer.Option(help="Slug of the profile its link proposes; empty: the site's.")
]
Slug = Annotated[str, typer.Argument(help="Short name: letters a-z, digits and hyphens.")]


@app.command("list", epilog="Example: ./carrel course list --json")
@verb
def list_(json_: Json = False) -> None:
    """List all courses; those that go on first."""
    settings = ensure_inside()
    from hub import course_people, courses

    with opened(settings) as store:
        found = store.read(courses.listed, command_line())
        teachers = {
            one.course.slug: store.read(course_people.teachers, one.course.slug) for one in found
        }
    if json_:
        as_json(
            [
                _shown(one.course)
                | {"teachers": teachers[one.course.slug], "students": one.students,
                   "version": one.version}
                for one in found
            ]
        )  # fmt: skip
        return
    rows = [
        (
            one.course.slug,
            one.course.title,
            ", ".join(teachers[one.course.slug]),
            one.students,
            one.version,
            one.course.default_profile,
            "archived" if one.course.archived else one.course.joining,
        )
        for one in found
    ]
    empty = "No courses yet. ./carrel course add makes one, and so does the page Courses."
    heads = ("COURSE", "TITLE", "TEACHERS", "STUDENTS", "VERSION", "PROFILE", "JOINING")
    table(heads, rows, empty)


@app.command(epilog='Example: ./carrel course add data-26 "Data Science" --teacher tess')
@verb
def add(
    slug: Slug,
    title: Annotated[str, typer.Argument(help="What it is called.")],
    teacher: Annotated[
        list[str] | None, typer.Option(help="User name of a teacher; more than once for several.")
    ] = None,
    joining: Annotated[Joining, typer.Option(help="Who can join.")] = Joining.OPEN,
    json_: Json = False,
) -> None:
    """Make a course; its page takes a description. A slug that is taken is refused."""
    settings = ensure_inside()
    from hub import courses, members

    acted, names = by(), list(teacher or ())
    wish = courses.Wish(title, "", joining)
    with opened(settings) as store, store.deciding() as tx:
        # With a teacher who cannot be one, there is no course either.
        course = courses.make(tx, command_line(), slug, wish, acted)
        for name in names:
            members.add_teacher(tx, command_line(), course.slug, name, acted)
    link = f"{settings.public_url}/c/{course.slug}"
    if json_:
        as_json(_shown(course) | {"link": link, "code": course.code})
        return
    note(f"Made the course {course.slug}.")
    if not names:
        note("It has no teacher yet: an administrator adds one on its page.")
    print(link)


@app.command(epilog="Example: ./carrel course change data-26 --profile datascience")
@verb
def change(
    slug: Slug,
    title: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    description: Annotated[str | None, typer.Option(help="Some lines about it.")] = None,
    joining: Annotated[Joining | None, typer.Option(help="Who can join.")] = None,
    profile: Proposed = None,
) -> None:
    """Change what is said of a course; what is not named stays as it is."""
    settings = ensure_inside()
    from hub import courses

    proposed = _profile(profile, settings)
    with opened(settings) as store, store.deciding() as tx:
        course = courses.require(tx, slug)
        wish = courses.Wish(
            course.title if title is None else title,
            course.description if description is None else description,
            joining or course.joining,
            proposed,
        )
        changed = courses.change(tx, command_line(), slug, wish, by())
    note(f"{slug} is changed." if changed else f"{slug} is so already; nothing changed.")


@app.command(epilog="Example: ./carrel course archive data-25")
@verb
def archive(slug: Slug) -> None:
    """Let nobody join and nothing change any more; nothing is deleted."""
    settings = ensure_inside()
    from hub import courses

    with opened(settings) as store:
        changed = store.decide(courses.archive, command_line(), slug, by())
    note(f"{slug} is archived." if changed else f"{slug} is archived already; nothing changed.")


@app.command(epilog="Example: ./carrel course restore data-25")
@verb
def restore(slug: Slug) -> None:
    """Let an archived course go on."""
    settings = ensure_inside()
    from hub import courses

    with opened(settings) as store:
        changed = store.decide(courses.restore, command_line(), slug, by())
    note(f"{slug} goes on." if changed else f"{slug} is not archived; nothing changed.")


@app.command(epilog="Example: ./carrel course members data-26 --json")
@verb
def members(slug: Slug, json_: Json = False) -> None:
    """List who is in a course, and how far each copy of the materials is."""
    settings = ensure_inside()
    from hub import course_people, courses

    with opened(settings) as store:
        course = store.read(courses.require, slug)
        people = store.read(course_people.of_course, course.slug)
    if json_:
        keys = ["name", "full_name", "role", "enabled", "since", "last_seen_at", "last_ended_at"]
        keys += ["running", "version", "up_to_date", "kept", "came"]
        as_json([{key: getattr(one, key) for key in keys} for one in people])
        return
    rows = [
        (one.name, one.full_name, one.role, one.since, one.last_seen_at, one.version, one.kept)
        for one in people
    ]
    empty = "Nobody is in this course. Its page adds people, and its link lets them join."
    table(("NAME", "FULL NAME", "ROLE", "SINCE", "LAST SEEN", "VERSION", "OWN FILES"), rows, empty)


def _shown(course: Course) -> dict[str, Any]:
    keys = ("slug", "title", "description", "joining", "default_profile", "created_by",
            "created_at", "archived_at")  # fmt: skip
    return {key: getattr(course, key) for key in keys}


def _profile(raw: str | None, settings: Settings) -> str | None:
    """Raises CarrelError(BAD_INPUT) for a profile that the site does not offer."""
    from hub import course_profiles

    if raw is None:
        return None
    return course_profiles.checked(raw, [one.slug for one in settings.profiles])
