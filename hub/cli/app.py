"""The verbs of ./carrel, by name; each calls one function and prints what it answers."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from typing import Annotated

import typer

from hub.cli import (
    client_secret,
    courses,
    departures,
    drive,
    identity,
    inside,
    links,
    people,
    rosters,
    session,
)
from hub.cli.output import verb

app = typer.Typer(
    help="Carrel: a notebook server in a container of its own for everyone who logs in.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
links.add_to(people.app)
people.app.command()(rosters.roster)
people.app.command("identity", epilog=identity.EXAMPLE)(identity.identity)
for verb_ in (departures.export, departures.restore, departures.departed):
    people.app.command()(verb_)
app.add_typer(people.app, name="user")
app.add_typer(session.app, name="session")
app.add_typer(courses.app, name="course")
app.add_typer(client_secret.app, name="sign-on")
app.add_typer(drive.app, name="drive")
app.command("token")(people.token)
app.command("admin-link")(links.admin_link)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


@app.command()
@verb
def up(
    no_install: Annotated[
        bool, typer.Option("--no-install", help="Install nothing on this machine.")
    ] = False,
    lan: Annotated[
        bool | None,
        typer.Option(
            "--lan/--no-lan",
            help="Listen on all addresses, over plain HTTP; kept until --no-lan.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Bring Carrel up: look, build, start, and say where to log in.

    Run again, it changes only what differs. Example: ./carrel up --lan
    """
    from hub.cli import up as module

    module.up(module.Options(install=not no_install, lan=lan))


@app.command()
@verb
def down() -> None:
    """End all processes and sessions; homes, databases and images stay.

    Example: ./carrel down
    """
    from hub.cli import host

    host.down()


@app.command()
@verb
def status(as_json: Json = False) -> None:
    """Show what runs. Exit code 1 when Carrel is not up.

    Example: ./carrel status --json
    """
    from hub.cli import host

    found = host.status()
    host.print_status(found, as_json=as_json)
    raise typer.Exit(0 if found["up"] else 1)


@app.command()
@verb
def logs(
    process: Annotated[str, typer.Argument(help="node, proxy, hub, web or postgres.")] = "hub",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    lines: Annotated[int, typer.Option(min=1, help="How many lines back.")] = 200,
) -> None:
    """Print the log of one of Carrel's processes.

    Example: ./carrel logs hub --follow
    """
    from hub.cli import host

    raise typer.Exit(host.logs(process, follow=follow, lines=lines))


@app.command()
@verb
def doctor(
    as_json: Json = False,
    of_drive: Annotated[
        bool, typer.Option("--drive", help="Look at each step of the way to Google Drive.")
    ] = False,
) -> None:
    """Look for what is wrong and say what to do. Exit code 1 when something is.

    Example: ./carrel doctor
    """
    from hub.cli.progress import results

    if of_drive:
        settings = inside.ensure_inside()
        from hub.cli import drive_doctor

        findings = drive_doctor.doctor(settings)
    else:
        from hub.cli import host

        findings = host.doctor()
    if as_json:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=1))
    else:
        marks = {"ok": "[green]ok[/green]     ", "warning": "[yellow]warning[/yellow]"}
        for f in findings:
            mark = marks.get(f.state, "[red]bad[/red]    ")
            text = f"{f.subject:<9} {f.says} {f.remedy}".replace("[", r"\[")
            results.print(f"  {mark} {text}", soft_wrap=True)
    raise typer.Exit(1 if any(finding.state == "bad" for finding in findings) else 0)


@app.command()
@verb
def demo(
    reset: Annotated[
        bool, typer.Option("--reset", help="Throw its data away and begin anew.")
    ] = False,
    down: Annotated[bool, typer.Option("--down", help="End it; its data stays.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of its web address.")] = 8100,
    no_install: Annotated[
        bool, typer.Option("--no-install", help="Install nothing on this machine.")
    ] = False,
) -> None:
    """Show Carrel in ten minutes: a second one, with people to log in as by one click.

    It has a data directory and a port of its own and touches no Carrel that runs already.
    Example: ./carrel demo
    """
    from hub.cli import demo as module

    module.demo(module.Options(reset=reset, down=down, port=port, install=not no_install))


@app.command("demo-people", hidden=True)
@verb
def demo_people() -> None:
    """Make the demo's people (called by ./carrel demo, in the hub container)."""
    people.demo_people()


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def test(context: typer.Context) -> None:
    """Run the tests, with an engine of their own (--quick: without; --all: the soaks too).

    Example: ./carrel test -k names
    """
    from hub.cli import site

    script = str(site.ROOT / "tests" / "run.py")
    os.execv(sys.executable, [sys.executable, script, *context.args])  # noqa: S606


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def bench(context: typer.Context) -> None:
    """Measure and print numbers (--help lists what can be measured; --json for scripts).

    Example: ./carrel bench people
    """
    from hub.cli import site

    script = str(site.ROOT / "tests" / "bench" / "run.py")
    os.execv(sys.executable, [sys.executable, script, *context.args])  # noqa: S606


@app.command()
def screenshots() -> None:
    """Make the pictures in docs/images anew, from the running demo.

    Example: ./carrel demo --reset && ./carrel screenshots
    """
    from hub.cli import site

    script = str(site.ROOT / "tests" / "screenshots.py")
    os.execv(sys.executable, [sys.executable, script])  # noqa: S606
