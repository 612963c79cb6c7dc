"""Consents that people are away at Google for: each comes back once, to the browser that went.

In this process's memory: after a restart of web, people press Connect once more.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from spawner.errors import CarrelError, Code

MOST = 10_000
"""Under way, and things that are to be told; the oldest are forgotten first."""
LASTS = timedelta(minutes=10)


@dataclass(frozen=True)
class Away:
    """One that is under way."""

    user: str
    browser: str = field(repr=False)
    """What its cookie holds."""
    verifier: str = field(repr=False)
    """PKCE's: what is exchanged with the code."""
    began_at: datetime


class Consents:
    """Of this process."""

    def __init__(self) -> None:
        self._away: OrderedDict[str, Away] = OrderedDict()
        self._told: OrderedDict[str, CarrelError] = OrderedDict()

    def begin(self, user: str, now: datetime) -> tuple[str, Away]:
        """A state for the address, and what is kept here; one that the person began before is
        forgotten."""
        for state in [state for state, one in self._away.items() if one.user == user]:
            del self._away[state]
        state = secrets.token_urlsafe(32)
        away = Away(user, secrets.token_urlsafe(32), secrets.token_urlsafe(48), now)
        self._away[state] = away
        _bounded(self._away)
        return state, away

    def take(self, state: str, user: str, browser: str, now: datetime) -> Away:
        """What belongs to a state, once, whoever brings it. Raises CarrelError."""
        away = self._away.pop(state, None)
        if away is None:
            raise CarrelError(
                Code.CONFLICT,
                "This answer of Google's was used already, or nobody here asked for it.",
                "Press Connect again.",
            )
        same = hmac.compare_digest(away.browser.encode(), browser.encode(errors="replace"))
        if away.user != user or not same:
            raise CarrelError(
                Code.REFUSED,
                "This was begun by somebody else, or in another browser; nothing was connected.",
                "Press Connect here, and come back in the same browser.",
            )
        if now - away.began_at > LASTS:
            raise CarrelError(
                Code.CONFLICT, "Google's page was open for too long.", "Press Connect again."
            )
        return away

    def keep(self, user: str, problem: CarrelError) -> None:
        """Something that the person's next page is to say."""
        self._told.pop(user, None)
        self._told[user] = problem
        _bounded(self._told)

    def tell(self, user: str) -> CarrelError | None:
        """It, once."""
        return self._told.pop(user, None)


def _bounded(table: OrderedDict[str, Away] | OrderedDict[str, CarrelError]) -> None:
    while len(table) > MOST:
        table.popitem(last=False)
