"""The verb that joins an account to somebody at a single sign-on provider."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli.database import by, opened
from hub.cli.inside import ensure_inside
from hub.cli.output import note, verb
from hub.cli.people import Name
from spawner.errors import CarrelError, Code
from spawner.names import canonical

EXAMPLE = 'Example: ./carrel user identity mia "https://idp.example.org 248289761001"'


@verb
def identity(
    name: Name,
    joined: Annotated[
        str | None,
        typer.Argument(metavar="[IDENTITY]", help="The provider's address, a space, its `sub`."),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Part them again.")] = False,
) -> None:
    """Say who somebody is at the provider, for an account that was there before it.

    The hub's log shows the identity of whoever was not let in: ./carrel logs hub
    """
    settings = ensure_inside()
    from hub import accounts, providers

    name = canonical(name)
    if remove == bool(joined):
        raise CarrelError(Code.BAD_INPUT, "Give an identity, or --remove.", EXAMPLE)
    wanted = None
    if joined:
        issuer, _, subject = joined.partition(" ")
        try:
            wanted = providers.identity(issuer, subject)
        except CarrelError:
            wanted = None
        if wanted is None or not issuer.startswith(("https://", "http://")):
            raise CarrelError(Code.BAD_INPUT, f"{joined!r} is no identity.", EXAMPLE)
    with opened(settings) as store:
        changed = store.decide(accounts.set_identity, name, wanted, by())
    done = f"{name} is {wanted} now." if wanted else f"{name} is nobody at a provider now."
    note(done if changed else "Nothing changed.")
