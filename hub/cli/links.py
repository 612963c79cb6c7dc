"""The verbs on links that let people in: setup links, invitations and password resets."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from hub import moments
from hub.cli.database import by, opened
from hub.cli.inside import ensure_inside
from hub.cli.output import as_json, note, table, verb
from hub.cli.people import Json, Name
from hub.enums import LinkState, Role
from spawner.errors import CarrelError, Code

if TYPE_CHECKING:
    from hub.powers import Actor

# What scripts read of an invitation, beside its state.
_SHOWN = ["id", "role", "name", "full_name", "created_by", "created_at", "expires_at"]
_SHOWN += ["uses", "most_uses"]

RoleOption = Annotated[Role, typer.Option(help="What the invited may do.")]
Uses = Annotated[int, typer.Option(help="How many people the link is for.")]
Days = Annotated[
    int | None,
    typer.Option(help="How long it lives; without it, auth.invitation_days.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Adds these verbs to those on people."""
    for name, function, example in (
        ("invite", invite, "invite --role student --uses 30 --days 7"),
        ("reset", reset, "reset mia"),
        ("invitations", list_invitations, "invitations --json"),
        ("withdraw", withdraw, "withdraw 12"),
    ):
        app.command(name, epilog=f"Example: ./carrel user {example}")(function)


@verb
def invite(
    role: RoleOption = Role.STUDENT, uses: Uses = 1, days: Days = None, json_: Json = False
) -> None:
    """Print a link: whoever holds it makes an account of their own."""
    settings = ensure_inside()
    from hub import invitations

    wanted = invitations.checked(
        role, settings.auth.invitation_days if days is None else days, uses
    )
    acted = by()
    with opened(settings) as store:
        number, token = store.decide(invitations.create, wanted, acted)
    link = invitations.url(settings.public_url, token)
    until = acted.at + wanted.lifetime
    if json_:
        as_json({"id": number, "link": link, "role": role, "uses": uses, "expires_at": until})
        return
    people = "one person" if uses == 1 else f"{uses} people"
    note(f"Invitation {number}, for {people} ({role.value}), until {moments.spelled(until)}.")
    note(f"It is shown this once. ./carrel user withdraw {number} takes it back.")
    print(link)


@verb
def admin_link(
    if_no_admin: Annotated[
        bool, typer.Option("--if-no-admin", help="Print nothing when there is an admin.")
    ] = False,
) -> None:
    """Print a link that makes one admin account: works once, for a limited time.

    Example: ./carrel admin-link
    """
    settings = ensure_inside()
    from hub import accounts, invitations

    hours = settings.auth.setup_link_hours
    with opened(settings) as store:
        if if_no_admin and store.read(accounts.count_enabled_admins):
            return
        setup = invitations.Invitation(Role.ADMIN, timedelta(hours=hours))
        _, token = store.decide(invitations.create, setup, by())
    note(f"Open this link within {hours} hours to make an admin account. It works once.")
    print(invitations.url(settings.public_url, token))


@verb
def reset(name: Name, json_: Json = False) -> None:
    """Print a link that sets a new password of an account, once; the one before it ends."""
    settings = ensure_inside()
    settings.require_passwords()
    from hub import accounts, resets

    acted, lifetime = by(), timedelta(hours=settings.auth.reset_link_hours)
    with opened(settings) as store:
        name = store.read(accounts.require, name).name
        token = store.decide(resets.create, name, lifetime, acted)
    link, until = resets.url(settings.public_url, token), acted.at + lifetime
    if json_:
        as_json({"name": name, "link": link, "expires_at": until})
        return
    note(f"Whoever opens this link sets a new password of {name}, once.")
    note(f"It lives until {moments.spelled(until)} and is shown this once.")
    print(link)


@verb
def list_invitations(json_: Json = False) -> None:
    """List invitations, newest first; what they open is shown to nobody again."""
    settings = ensure_inside()
    from hub import invitations

    now = by().at
    with opened(settings) as store:
        shown = store.read(invitations.of_actor, command_line(), None)
        orphaned = store.read(invitations.orphaned, shown, now)
    if json_:
        as_json(
            [
                {key: getattr(link, key) for key in _SHOWN}
                | {"state": link.state(now), "maker_may_invite": link.id not in orphaned}
                for link in shown
            ]
        )
        return
    rows = [
        (
            link.id,
            link.state(now),
            link.role,
            f"{link.uses}/{link.most_uses}",
            link.name,
            link.created_by + (" (may not invite any more)" if link.id in orphaned else ""),
            link.expires_at,
        )
        for link in shown
    ]
    empty = "No invitations yet. ./carrel user invite makes one."
    table(("ID", "STATE", "ROLE", "USES", "FOR", "MADE BY", "EXPIRES"), rows, empty)


@verb
def withdraw(
    number: Annotated[int, typer.Argument(metavar="ID", help="Of the invitation.")],
) -> None:
    """Make an invitation unusable; accounts that were made with it stay."""
    settings = ensure_inside()
    from hub import invitations

    acted = by()
    with opened(settings) as store:
        found = [
            link
            for link in store.read(invitations.of_actor, command_line(), None)
            if link.id == number
        ]
        if not found:
            raise CarrelError(
                Code.NOT_FOUND,
                f"There is no invitation {number}.",
                "./carrel user invitations lists them.",
            )
        changed = store.decide(invitations.withdraw, command_line(), number, acted)
    if changed:
        note(f"Invitation {number} is withdrawn.")
        return
    why = {LinkState.USED: "used up", LinkState.EXPIRED: "expired"}
    state = why.get(found[0].state(acted.at), "withdrawn already")
    note(f"Invitation {number} is {state}; nothing changed.")


def command_line() -> Actor:
    """The command line, which may do what an admin may."""
    from hub import audit
    from hub.powers import Actor

    return Actor(audit.COMMAND_LINE, Role.ADMIN)
