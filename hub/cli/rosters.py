"""The verb on class lists: a link for everybody on a list who is not there yet."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.database import by, opened
from hub.cli.inside import ensure_inside
from hub.cli.links import Days, RoleOption
from hub.cli.output import as_json, note, verb
from hub.cli.people import Json
from hub.enums import Role
from hub.settings import Settings
from spawner.errors import CarrelError, Code

if TYPE_CHECKING:
    from hub.rosters import Invited

MOST_BYTES = 4 * 2**20


@verb
def roster(
    role: RoleOption = Role.STUDENT,
    days: Days = None,
    check: Annotated[
        bool, typer.Option("--check", help="Say what it would do, do nothing.")
    ] = False,
    json_: Json = False,
) -> None:
    """Invite a class list from standard input; prints CSV: name, full name, link.

    One person a line: user name, and after a comma what they are called.
    Example: ./carrel user roster < class.csv > links.csv
    """
    settings = ensure_inside()
    from hub import invitations, roster, rosters

    days = settings.auth.invitation_days if days is None else days
    lifetime: timedelta = invitations.checked(role, days, 1).lifetime
    text, notes = roster.decode(_stdin())
    listed = roster.read(text)
    for line in (*notes, *listed.notes):
        note(line)
    for problem in listed.problems:
        note(f"Line {problem.line} ({problem.text}): {problem.message}")
    acted, terms = by(), rosters.Terms(role, lifetime)
    with opened(settings) as store:
        if check and not listed.problems:
            invited = rosters.Invited((), store.read(rosters.preview, listed, acted.at))
        else:
            # With a problem in it, it says so and invites nobody.
            invited = store.decide(rosters.invite, None, listed, terms, acted)
    plan = invited.plan
    for entry, why in plan.there:
        note(f"{entry.name} {why}.")
    done = "would be" if check else "were"
    note(f"{len(plan.new)} {done} invited as {role.value}, {len(plan.there)} are there already.")
    _print(invited, settings, json_=json_)


def _print(invited: Invited, settings: Settings, *, json_: bool) -> None:
    """The new ones with their links, which are None where nobody was invited."""
    from hub import invitations, roster

    rows = [(entry, invitations.url(settings.public_url, token)) for entry, token in invited.tokens]
    if json_:
        links = {entry.name: link for entry, link in rows}
        new = invited.plan.new
        as_json(
            [{"name": e.name, "full_name": e.full_name, "link": links.get(e.name)} for e in new]
        )
    elif rows:
        print(roster.as_csv(rows), end="")


def _stdin() -> bytes:
    if sys.stdin.isatty():
        raise CarrelError(
            Code.BAD_INPUT,
            "The list is read from standard input.",
            "./carrel user roster < class.csv",
        )
    raw = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise CarrelError(
            Code.BAD_INPUT, "This list is larger than 4 MiB.", "Split it and send the parts."
        )
    return raw
