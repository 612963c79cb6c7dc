"""The verb about Google Drive: the client secret."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli import client_secret, site
from hub.cli.output import note, verb
from hub.drive_knobs import CLIENT_SECRET

app = typer.Typer(help="Google Drive beside the notebook.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """A group, although there is one verb in it yet."""


@app.command(epilog="Example: ./carrel drive secret")
@verb
def secret(
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input.")] = False,
) -> None:
    """Store the client secret of your OAuth client at Google. It counts at the next connecting."""
    settings = site.settings()
    client_secret.put(settings, client_secret.asked(stdin=stdin), CLIENT_SECRET)
    note(f"The client secret is in {client_secret.path(settings, CLIENT_SECRET)}.")
