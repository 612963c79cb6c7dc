"""Takes a new password from a terminal, from standard input, or makes one up."""

from __future__ import annotations

import getpass
import secrets
import sys
from typing import Annotated

import typer

from hub.settings import Settings
from spawner.errors import CarrelError, Code

GENERATED_BYTES = 15
"""Random bytes in a password that is made up: 20 characters."""

Stdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password up and print it.")]


def new_password(settings: Settings, name: str, *, stdin: bool, generate: bool) -> str:
    """A new password, from where the options say. Raises CarrelError(BAD_INPUT)."""
    from hub import passwords

    least = settings.auth.password_min_length
    if stdin and generate:
        raise CarrelError(
            Code.BAD_INPUT, "--password-stdin and --generate exclude each other.", "Give one."
        )
    if generate:
        return secrets.token_urlsafe(max(GENERATED_BYTES, least))
    if stdin:
        new = _read_stdin()
    elif sys.stdin.isatty():
        new = getpass.getpass("Password: ")
        if new != getpass.getpass("Once more: "):
            raise CarrelError(Code.BAD_INPUT, "The two passwords differ.", "Try again.")
    else:
        raise CarrelError(
            Code.BAD_INPUT,
            "There is no terminal to ask for a password.",
            "Use --password-stdin or --generate.",
        )
    passwords.ensure_acceptable(new, name, least)
    return new


def _read_stdin() -> str:
    """One password: the input without the newline at its end."""
    from hub.passwords import MAX_BYTES

    raw = sys.stdin.buffer.read(MAX_BYTES + len(b"\r\n") + 1)
    if len(raw) > MAX_BYTES + len(b"\r\n"):
        raise CarrelError(
            Code.BAD_INPUT, "This password is too long.", f"Use at most {MAX_BYTES} bytes."
        )
    try:
        return raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise CarrelError(
            Code.BAD_INPUT, "The password is not valid UTF-8.", "Send it as UTF-8 text."
        ) from error
