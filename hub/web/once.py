"""Forms that make something are taken once: a reload of their answer sends them again."""

from __future__ import annotations

import secrets
from collections import OrderedDict

from spawner.errors import CarrelError, Code

MOST = 10_000
"""Keys remembered; the oldest are forgotten first."""


class Once:
    """Which forms were taken, in this process; after a restart a reload may make one more."""

    def __init__(self) -> None:
        self._taken: OrderedDict[str, None] = OrderedDict()

    def key(self) -> str:
        """For a form's hidden field ``once``."""
        return secrets.token_urlsafe(12)

    def take(self, key: str) -> None:
        """Raises CarrelError(CONFLICT) for a form that was taken; without a key all are."""
        if not key:
            return
        if key in self._taken:
            raise CarrelError(
                Code.CONFLICT,
                "This form was taken already, and nothing was done again.",
                "Links are shown only once. Where one is lost, withdraw it on the page "
                "Invitations and make another.",
            )
        self._taken[key[:64]] = None
        while len(self._taken) > MOST:
            self._taken.popitem(last=False)
