"""Picks the way in that the settings name: Carrel's own passwords, or a provider's."""

from __future__ import annotations

from collections.abc import Callable

from hub import drive_knobs, sign_on_knobs
from hub.authenticator import Accounts, for_installation
from hub.drive_tokens import DriveTokens
from hub.enums import Provider
from hub.settings import Settings
from hub.sign_on_authenticator import for_provider
from hub.store import Store


def way_in(settings: Settings, store: Store, secret: Callable[[str], str]) -> type[Accounts]:
    """The authenticator class. ``secret`` reads a secret by its name."""
    if settings.sign_on.provider is Provider.LOCAL:
        kind: type[Accounts] = for_installation(settings, store)
    else:
        kind = for_provider(settings, store, lambda: secret(sign_on_knobs.CLIENT_SECRET))
    kind.drive = DriveTokens(settings, store, lambda: secret(drive_knobs.CLIENT_SECRET))
    return kind
