"""The verbs on sessions: start, stop, list."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.inside import ensure_inside
from hub.cli.output import as_json, note, table, verb
from hub.enums import Reason
from hub.settings import Settings
from spawner.errors import CarrelError, Code
from spawner.names import canonical

if TYPE_CHECKING:
    from hub.hub_api import HubApi

app = typer.Typer(help="Start, stop and list sessions.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="User name.")]


@app.command(epilog="Example: ./carrel session start mia --profile small --wait")
@verb
def start(
    name: Name,
    profile: Annotated[
        str | None, typer.Option(help="Slug of the profile; the default one if not given.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return when it is ready.")] = False,
) -> None:
    """Start a session for somebody."""
    settings = ensure_inside()
    from hub import accounts, hub_api
    from hub.cli.database import opened

    slug = _profile(settings, profile)
    with opened(settings) as store:
        user = store.read(accounts.require_enabled, name).name
    api = hub_api.of(settings)
    if api.start_server(user, slug):
        note(f"The session of {user} is starting (profile {slug}).")
    else:
        note(f"{user} has a session already; nothing changed.")
    if wait:
        _follow(api, user)


@app.command(epilog="Example: ./carrel session stop mia")
@verb
def stop(name: Name) -> None:
    """Stop somebody's session; their files stay."""
    settings = ensure_inside()
    from hub import hub_api, sessions
    from hub.cli.database import opened

    user = canonical(name)
    with opened(settings) as store:
        session = store.read(sessions.active_of, user)
    api, limit_s = hub_api.of(settings), hub_api.stop_timeout_s(settings)
    if session is not None:
        ending = hub_api.WantedEnd(user, session.id, Reason.ADMIN, "Stopped at the command line.")
        stopped = api.end_session(ending, limit_s)
    else:
        # One that is on no record would be the reconciler's, but nobody has to wait for it.
        stopped = api.stop_server(user, limit_s)
    if stopped:
        note(f"The session of {user} has stopped.")
    else:
        note(f"{user} has no session; nothing changed.")


@app.command("list", epilog="Example: ./carrel session list --json")
@verb
def list_(
    name: Annotated[
        str | None, typer.Argument(help="Show this user's sessions, past ones too.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """List the sessions that have not ended, or all of one user."""
    settings = ensure_inside()
    from hub import accounts, reach, sessions
    from hub.cli.database import opened

    with opened(settings) as store, store.reading() as tx:
        if name is None:
            found = sessions.active(tx)
        else:
            found = sessions.of_user(tx, canonical(name))
            if not found:
                accounts.require(tx, name)
        places, seen, now = sessions.places(tx), reach.last(tx), datetime.now(UTC)
    unknown = {s.id: why for s in found if (why := reach.unknown(s, seen, now))}
    if json_:
        as_json(
            [
                dataclasses.asdict(s) | {"place": places.get(s.id), "unknown": unknown.get(s.id)}
                for s in found
            ]
        )
        return
    headers = ("SESSION", "USER", "PROFILE", "STATE", "PLACE", "REQUESTED", "ENDED", "REASON")
    rows = [
        (
            s.id, s.user, s.profile, "unknown" if s.id in unknown else s.state, places.get(s.id),
            s.requested_at, s.ended_at, s.reason,
        )
        for s in found
    ]  # fmt: skip
    table(headers, rows, empty="No sessions.")
    for why in sorted(set(unknown.values()), key=lambda why: why.value):
        note(f"Unknown: {reach.SAYS[why]}")


def _profile(settings: Settings, slug: str | None) -> str:
    if slug is None:
        return settings.default_profile.slug
    known = [profile.slug for profile in settings.profiles]
    if slug not in known:
        raise CarrelError(
            Code.BAD_INPUT, f"There is no profile {slug!r}.", f"There are: {', '.join(known)}."
        )
    return slug


def _follow(api: HubApi, user: str) -> None:
    """Prints the steps of a start until it is ready."""
    shown = None
    for event in api.progress(user):
        if event.get("failed"):
            raise CarrelError(
                Code.FAILED,
                f"The session of {user} did not start: {event['message']}",
                f"./carrel session list {user} shows the reason.",
            )
        if event.get("ready"):
            note(f"The session of {user} is ready.")
            print(event["url"])
            return
        if event.get("message") != shown:
            shown = event.get("message")
            note(f"  {shown}")
    raise CarrelError(
        Code.FAILED,
        f"The hub ended its report before the session of {user} was ready.",
        f"./carrel session list {user} shows where it is.",
    )
