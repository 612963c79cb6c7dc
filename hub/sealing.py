"""Seals what people enter as secrets, and opens it again: with a key that the hub alone can read.

What is sealed says whose it is and what it is called, so that a row that was moved opens nothing.
The key is a file, read at every use: one that was put back counts at once.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from hub.settings import Settings
from spawner.errors import CarrelError, Code

KEY = "secrets/hub/user_secrets_key"
"""In the data directory, made by node: 32 bytes in hex. The container of web has no such file.

Several, one a line, open what any of them sealed; the first one seals.
"""
KEY_BYTES = 32


@dataclass(frozen=True)
class Label:
    """What a sealed value belongs to."""

    user: str
    name: str


class Sealer:
    """Holds the key while something is sealed or opened."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._fernet = MultiFernet([Fernet(urlsafe_b64encode(key)) for key in keys])

    def seal(self, label: Label, value: str) -> str:
        """The value as it may stand in the database; other bytes each time."""
        inside = {"user": label.user, "name": label.name, "value": value}
        return self._fernet.encrypt(json.dumps(inside).encode("ascii")).decode("ascii")

    def open(self, label: Label, sealed: str) -> str:
        """The value. Raises CarrelError(UNAVAILABLE) for what was sealed with another key, or for
        another user or name."""
        try:
            inside = json.loads(self._fernet.decrypt(sealed))
        except (InvalidToken, ValueError):
            raise _opens_nothing() from None
        if (inside["user"], inside["name"]) != (label.user, label.name):
            raise _opens_nothing()
        return str(inside["value"])


def sealer(settings: Settings) -> Sealer:
    """With the installation's key; blocks. Raises CarrelError(UNAVAILABLE) where there is none."""
    keys = read_keys(settings.data_dir / KEY)
    if not keys:
        raise _no_key()
    return Sealer(keys)


def read_keys(path: Path) -> list[bytes]:
    """The keys in a file, one a line; none where it is missing or damaged. Blocks."""
    try:
        keys = [bytes.fromhex(line) for line in path.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []
    return keys if all(len(key) == KEY_BYTES for key in keys) else []


def _opens_nothing() -> CarrelError:
    return CarrelError(
        Code.UNAVAILABLE,
        "This secret cannot be opened any more: Carrel's key for secrets is not the one that it "
        "was saved with.",
        "Enter its value again on the page Secrets, or have your administrator put the old key "
        f"back ({KEY} in the data directory).",
    )


def _no_key() -> CarrelError:
    return CarrelError(
        Code.UNAVAILABLE,
        "Secrets can neither be read nor saved: Carrel's key for them is missing or damaged.",
        f"Tell your administrator: {KEY} in the data directory comes back from a backup; without "
        "one, remove what is there and run ./carrel up, and people enter their secrets again.",
    )
