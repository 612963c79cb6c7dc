"""Puts a client secret (single sign-on's, Drive's) where the hub alone reads it.

It stands in no setting: those are read by everybody on the host, and printed.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from hub.cli import site
from hub.cli.output import note, verb
from hub.settings import Settings
from hub.sign_on_knobs import CLIENT_SECRET
from spawner.errors import CarrelError, Code

MOST_BYTES = 2048

app = typer.Typer(
    help="Log in at a provider instead of with passwords of Carrel's own.", no_args_is_help=True
)


@app.callback()
def group() -> None:
    """A group, although there is one verb in it yet."""


@app.command(epilog="Example: ./carrel sign-on secret")
@verb
def secret(
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input.")] = False,
) -> None:
    """Store the client secret that the provider gave you. It counts at the next login."""
    settings = site.settings()
    put(settings, asked(stdin=stdin))
    note(f"The client secret is in {path(settings)}.")


def path(settings: Settings, name: str = CLIENT_SECRET) -> Path:
    return settings.data_dir / "secrets" / name


def is_there(settings: Settings, name: str = CLIENT_SECRET) -> bool:
    """Whether a secret was put there; nobody but the hub can read it."""
    try:
        return path(settings, name).is_file()
    except OSError:
        return False


def put(settings: Settings, value: str, name: str = CLIENT_SECRET) -> None:
    """Writes it whole or not at all. Raises CarrelError(REFUSED) for whoever may not."""
    where = path(settings, name)
    try:
        # As node makes them, which also mends them at its start.
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        for folder in (where.parent.parent, where.parent):
            folder.mkdir(mode=0o711, exist_ok=True)
        _write(where, value, _hub_uid(settings))
    except PermissionError as error:
        raise CarrelError(
            Code.REFUSED,
            f"{where} cannot be written.",
            "Its folder belongs to root: run the same as root (sudo).",
        ) from error
    except OSError as error:
        raise CarrelError(
            Code.FAILED, f"{where} cannot be written: {error.strerror}.", "Mend that, try again."
        ) from error


def _write(where: Path, value: str, uid: int | None) -> None:
    fresh = where.with_name(f".{where.name}.{secrets.token_hex(4)}")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o400)
    try:
        os.write(fd, value.encode())
        if uid is not None:
            os.fchown(fd, uid, -1)
        os.fsync(fd)
        fresh.replace(where)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)


def _hub_uid(settings: Settings) -> int | None:
    """Whose the hub's secrets are, as the last ``up`` told node; None before the first: node
    mends the owner at its start."""
    node = settings.data_dir / "etc" / "node.json"
    if os.geteuid() != 0 or not node.exists():
        return None
    return int(json.loads(node.read_text(encoding="utf-8"))["hub_uid"])


def asked(*, stdin: bool) -> str:
    """A secret from the terminal, unseen, or from standard input. Raises CarrelError(BAD_INPUT)."""
    if stdin:
        raw = sys.stdin.buffer.read(MOST_BYTES + 1)
        value = raw.decode(errors="replace").strip()
    elif sys.stdin.isatty():
        value = getpass.getpass("Client secret: ").strip()
    else:
        raise CarrelError(
            Code.BAD_INPUT, "There is no terminal to ask for the secret.", "Use --stdin."
        )
    # RFC 6749, A.2: printable ASCII.
    if not (len(value) <= MOST_BYTES and re.fullmatch(r"[ -~]+", value)):
        raise CarrelError(
            Code.BAD_INPUT,
            "This is no client secret: it is empty, too long, or not one line of plain text.",
            "Copy it from the page where the provider shows it.",
        )
    return value
