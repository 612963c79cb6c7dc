"""What a Drive sidecar shows who it is with: made, and known again, with a key of the hub's alone.

On record is a mark of it, over whose it is and of which session. Whoever writes into the database
(web does) can make none: a row that was made up or given to another person opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from hub import drive_sealing
from hub.settings import Settings

BYTES = 32
_PURPOSE = b"bearers of Drive sidecars"


@dataclass(frozen=True)
class Bearers:
    """With the keys of the moment: the first one marks, each of them knows its marks again."""

    keys: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def of(cls, keys: Sequence[bytes]) -> Bearers:
        """``keys``: those that seal people's tokens, at least one; each purpose has its own."""
        return cls(tuple(hmac.digest(key, _PURPOSE, "sha256") for key in keys))

    def new(self, user: str, session: str) -> tuple[str, str]:
        """One, and its mark for the database."""
        bearer = f"{session}.{secrets.token_urlsafe(BYTES)}"
        return bearer, _mark(self.keys[0], user, session, bearer)

    def knows(self, mark: str, user: str, session: str, bearer: str) -> bool:
        """Whether the mark is that of this one, for that person and session."""
        made = [_mark(key, user, session, bearer) for key in self.keys]
        return any(hmac.compare_digest(one.encode(), mark.encode()) for one in made)


def session_of(bearer: str) -> str:
    """Of which session it says that it is."""
    return bearer.partition(".")[0]


def bearers(settings: Settings) -> Bearers:
    """Blocks. Raises CarrelError(UNAVAILABLE) where there is no key."""
    return Bearers.of(drive_sealing.raw_keys(settings))


def _mark(key: bytes, user: str, session: str, bearer: str) -> str:
    said = json.dumps([user, session, bearer]).encode("ascii")
    return hmac.new(key, said, hashlib.sha256).hexdigest()
