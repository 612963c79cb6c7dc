"""Seals Google's refresh tokens, and opens them again: with a key that the hub alone can read.

The key is a file of its own, read at every use. Several, one a line, open what any of them sealed;
the first one seals, and what an older one sealed is sealed anew when it is used.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.sealing import Label, Sealer, read_keys
from hub.settings import Settings
from spawner.errors import CarrelError, Code

KEY = "secrets/hub/drive_key"
"""In the data directory, made by node. The container of web has no such file."""
NAME = "drive"
"""What a token is called inside its seal, so that nothing else of the user opens as one."""


@dataclass(frozen=True)
class Keys:
    """All that open, and the one that seals."""

    every: Sealer
    first: Sealer


@dataclass(frozen=True)
class Opened:
    """A refresh token; ``fresh`` is it under the first key, where another one had sealed it."""

    token: str
    fresh: str | None


def keys(settings: Settings) -> Keys:
    """Blocks. Raises CarrelError(UNAVAILABLE) where there is none."""
    found = raw_keys(settings)
    return Keys(Sealer(found), Sealer(found[:1]))


def raw_keys(settings: Settings) -> list[bytes]:
    """All of them, the one that seals first. Blocks. Raises as ``keys``."""
    found = read_keys(settings.data_dir / KEY)
    if not found:
        raise CarrelError(
            Code.UNAVAILABLE,
            "Drives can neither be connected nor reached: Carrel's key for them is missing or "
            "damaged.",
            f"Tell your administrator: {KEY} in the data directory comes back from a backup; "
            "without one, remove what is there and run ./carrel up, and people connect anew.",
        )
    return found


def seal(keys_: Keys, user: str, token: str) -> str:
    return keys_.first.seal(Label(user, NAME), token)


def open_(keys_: Keys, user: str, sealed: str) -> Opened | None:
    """None: no key of today opens it, or it was another's."""
    label = Label(user, NAME)
    try:
        return Opened(keys_.first.open(label, sealed), None)
    except CarrelError:
        pass
    try:
        token = keys_.every.open(label, sealed)
    except CarrelError:
        return None
    return Opened(token, keys_.first.seal(label, token))
