"""The verbs on people: their accounts and tokens."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from hub import moments
from hub.cli.database import by, opened
from hub.cli.inside import ensure_inside
from hub.cli.new_password import Generate, Stdin, new_password
from hub.cli.output import as_json, note, table, verb
from hub.enums import Reason, Role
from hub.settings import Settings
from spawner.confinement import HOMES
from spawner.errors import CarrelError, Code
from spawner.names import canonical, escape

if TYPE_CHECKING:
    from hub.store import Store

MAX_NOTE = 200
"""Longest note on a token, in characters."""

# What scripts read of an account.
_SHOWN = ["name", "full_name", "role", "enabled", "invited_by"]
_SHOWN += ["created_at", "disabled_at", "last_login_at"]

app = typer.Typer(help="Add, list, change and remove accounts.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="User name: letters, digits and . _ - @ +")]
FullName = Annotated[str, typer.Option(help="What they are called.", show_default=False)]
RoleOption = Annotated[Role, typer.Option(help="What they may do.")]
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]


@app.command(epilog="Example: ./carrel user add mia --role teacher --generate")
@verb
def add(
    name: Name,
    role: RoleOption = Role.STUDENT,
    full_name: FullName = "",
    password_stdin: Stdin = False,
    generate: Generate = False,
) -> None:
    """Add an account. Where it is there already with that role, nothing changes."""
    settings = ensure_inside()
    from hub import accounts, passwords

    name, full_name = canonical(name), accounts.clean_full_name(full_name)
    with opened(settings) as store:
        if _is_there(store, name, role):
            return
        password = hashed = None
        if settings.has_passwords:
            password = new_password(settings, name, stdin=password_stdin, generate=generate)
            hashed = passwords.hash_password(password)
        elif password_stdin or generate:
            settings.require_passwords()
        try:
            new = accounts.NewAccount(name, role, hashed, full_name)
            store.decide(accounts.create, new, by())
        except CarrelError as error:
            # Somebody added it while the password was typed: theirs stands.
            if error.code is not Code.CONFLICT or not _is_there(store, name, role):
                raise
            return
    note(f"Added {name} ({role.value}).")
    if not settings.has_passwords:
        note(f'Who that is at the provider: ./carrel user identity {name} "<issuer> <sub>"')
    if generate:
        print(password)


@app.command("list", epilog="Example: ./carrel user list --json")
@verb
def list_(json_: Json = False) -> None:
    """List all accounts."""
    settings = ensure_inside()
    from hub import accounts

    with opened(settings) as store:
        everyone = store.read(accounts.everyone)
    if json_:
        as_json([{key: getattr(account, key) for key in _SHOWN} for account in everyone])
        return
    status = {True: "active", False: "disabled"}
    rows = [
        (a.name, a.full_name, a.role, status[a.enabled], a.created_at, a.last_login_at)
        for a in everyone
    ]
    empty = "No accounts yet. ./carrel admin-link makes a link for the first admin."
    table(("NAME", "FULL NAME", "ROLE", "STATUS", "CREATED", "LAST LOGIN"), rows, empty)


@app.command(epilog="Example: ./carrel user role mia teacher")
@verb
def role(name: Name, role: Annotated[Role, typer.Argument(help="What they may do.")]) -> None:
    """Give an account another role."""
    settings = ensure_inside()
    from hub import accounts

    name = canonical(name)
    with opened(settings) as store:
        changed = store.decide(accounts.set_role, name, role, by())
        _warn_of_no_admin(store)
    note(f"{name} is {role.value} now." if changed else f"{name} is {role.value}; nothing changed.")


@app.command(epilog="Example: ./carrel user password mia --generate")
@verb
def password(name: Name, password_stdin: Stdin = False, generate: Generate = False) -> None:
    """Set a new password and end all logins and the session under the old one."""
    settings = ensure_inside()
    settings.require_passwords()
    from hub import accounts, passwords

    with opened(settings) as store:
        name = store.read(accounts.require, name).name
        new = new_password(settings, name, stdin=password_stdin, generate=generate)
        hashed = passwords.hash_password(new)
        store.decide(accounts.set_password, name, hashed, by())
    note(f"The password of {name} is set.")
    if generate:
        print(new)
    _put_out(settings, name, "The password is set")


@app.command(epilog="Example: ./carrel user disable mia")
@verb
def disable(name: Name) -> None:
    """Let nobody in under that name: ends logins, tokens and the session at once."""
    settings = ensure_inside()
    from hub import accounts

    name = canonical(name)
    with opened(settings) as store:
        changed = store.decide(accounts.disable, name, by())
        _warn_of_no_admin(store)
    # Also when it is disabled already: the hub may not have answered the first time.
    _put_out(settings, name, f"{name} is disabled")
    note(f"{name} is disabled." if changed else f"{name} is disabled already; nothing changed.")


@app.command(epilog="Example: ./carrel user enable mia")
@verb
def enable(name: Name) -> None:
    """Let a disabled account in again."""
    settings = ensure_inside()
    from hub import accounts

    name = canonical(name)
    with opened(settings) as store:
        changed = store.decide(accounts.enable, name, by())
    note(f"{name} is enabled." if changed else f"{name} is enabled already; nothing changed.")


@app.command(epilog="Example: ./carrel user delete mia --yes")
@verb
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    keep_days: Annotated[
        int | None,
        typer.Option(
            min=0, max=3650, show_default="auth.home_kept_days", help="How long the home is kept."
        ),
    ] = None,
) -> None:
    """Delete an account; its home is kept for a while and then removed."""
    settings = ensure_inside()
    from hub import accounts

    with opened(settings) as store:
        name = store.read(accounts.require, name).name
        home = settings.data_dir / HOMES / escape(name)
        days = settings.auth.home_kept_days if keep_days is None else keep_days
        if not yes:
            kept = f"is kept for {days} days and then removed" if days else "is removed"
            _confirm(f"Delete the account {name}? The home in {home} {kept}.")
        # Disabled first, so that no login comes in between the two ends.
        store.decide(accounts.disable, name, by())
        _put_out(settings, name, f"{name} is disabled, not deleted")
        acted = by()
        remove_at = acted.at + timedelta(days=days)
        store.decide(accounts.remove, name, acted, remove_at)
        _warn_of_no_admin(store)
    if days == 0:
        note(f"Deleted {name}. The home in {home} is removed within minutes.")
        return
    note(f"Deleted {name}. The home in {home} is removed after {moments.spelled(remove_at)}.")
    note(f"Until then ./carrel user restore {name} undoes it.")


@verb
def token(
    name: Name,
    note_: Annotated[str, typer.Option("--note", help="What it is for.")] = "",
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it lives.")] = 30,
) -> None:
    """Print a new API token of somebody: it may do all that they may do.

    Example: ./carrel token mia --note "grading script" --days 7
    """
    settings = ensure_inside()
    from hub import accounts, audit, hub_api

    if len(note_) > MAX_NOTE or not note_.isprintable():
        raise CarrelError(
            Code.BAD_INPUT, "The note is too long or not one line.", f"Use {MAX_NOTE} characters."
        )
    with opened(settings) as store:
        name = store.read(accounts.require_enabled, name).name
        seconds = int(timedelta(days=days).total_seconds())
        made = hub_api.of(settings).create_token(name, note_ or "./carrel token", seconds)
        store.decide(audit.record, by(), audit.Action.TOKEN_MADE, name, note_)
    note(f"An API token of {name} for {days} days. It is shown this once:")
    print(made)


def _warn_of_no_admin(store: Store) -> None:
    """Whoever may run this may lock all admins out, and should know it."""
    from hub import accounts

    if store.read(accounts.count_enabled_admins) == 0:
        note("No administrator can log in now. ./carrel admin-link makes a link for a new one.")


def _is_there(store: Store, name: str, role: Role) -> bool:
    """Whether the account is there with that role; says so. With another role: CONFLICT."""
    from hub import accounts

    account = store.read(accounts.find, name)
    if account is None:
        if until := store.read(accounts.departed, name):
            raise CarrelError(
                Code.CONFLICT,
                f"{name} was deleted, and the home is kept until {moments.spelled(until)}.",
                f"./carrel user restore {name} brings both back; or choose another name.",
            )
        return False
    if account.role is not role:
        raise CarrelError(
            Code.CONFLICT,
            f"{name} is there already, as {account.role.value}.",
            f"./carrel user role {name} {role.value} changes that.",
        )
    note(f"{name} ({role.value}) is already there, nothing changed.")
    return True


def _put_out(settings: Settings, name: str, done: str) -> None:
    """Ends cookies, tokens and session; ``done`` says what stands when that fails."""
    from hub import hub_api, sessions

    with opened(settings) as store:
        session = store.read(sessions.active_of, name)
    api, limit_s = hub_api.of(settings), hub_api.stop_timeout_s(settings)
    try:
        if session is not None:
            why = f"{done}."
            api.end_session(hub_api.WantedEnd(name, session.id, Reason.ADMIN, why), limit_s)
        api.remove_user(name, limit_s)
    except CarrelError as error:
        raise CarrelError(
            Code.FAILED,
            f"{done}, but logins and the session of {name} may go on: {error.message}",
            f"{error.hint} Then run the same again.".strip(),
        ) from error


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise CarrelError(Code.BAD_INPUT, "There is no terminal to ask.", "Use --yes.")
    if not typer.confirm(question):
        raise CarrelError(Code.REFUSED, "Nothing was deleted.")


def demo_people() -> None:
    """Makes the demo's people and their course. Raises CarrelError(REFUSED) anywhere else."""
    settings = ensure_inside()
    from hub import demo, demo_materials
    from hub.audit import By
    from hub.materials import places

    if not settings.demo:
        raise CarrelError(Code.REFUSED, "This Carrel is no demo.", "./carrel demo brings one up.")
    with opened(settings) as store:
        made = store.decide(demo.populate, By(demo.DEMO, by().at))
        place = places.of(settings.data_dir, demo.COURSE)
        demo_materials.publish(store, place, By(demo.TEACHER.name, by().at))
    note(f"{made} people of the demo were made." if made else "The demo's people are there.")
