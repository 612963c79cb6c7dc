"""The access token of the moment, one for all threads; in memory alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from drivesync.faults import Fault
from drivesync.hub import Access
from drivesync.settings import Settings

EARLY_S = 300
"""As long before its end a token is not used any more."""
AGAIN_S = 2
"""So soon after a failure the others are told the same, and the hub is not asked."""


@dataclass(frozen=True)
class Token:
    """``expires_at`` is seconds since 1970."""

    value: str = field(repr=False)
    expires_at: float
    account: str = ""
    """Id of My Drive: whose token it is."""


class Tokens:
    """``ask`` is the hub's; ``tell`` is given the settings that come with every answer."""

    def __init__(self, ask: Callable[[], Access], tell: Callable[[Settings], None]) -> None:
        self._ask = ask
        self._tell = tell
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._until = 0.0  # on the monotonic clock: clocks are set while we run
        self.fault: Fault | None = None
        """Why there was none the last time; None after one came."""
        self._fault_at = 0.0

    def get(self, refused: str = "") -> Token:
        """One that holds. ``refused`` is a token that Google did not take: not that one again.
        Raises what ``Hub.access`` raises."""
        with self._lock:
            now = time.monotonic()
            if self._token and now < self._until and self._token.value != refused:
                return self._token
            if self.fault and now < self._fault_at + AGAIN_S:
                raise self.fault.with_traceback(None)
            try:
                access = self._ask()
            except Fault as fault:
                self._token, self.fault, self._fault_at = None, fault, time.monotonic()
                raise
            left = access.expires_at - time.time()
            self._token = Token(access.token, access.expires_at, access.settings.account)
            self._until = time.monotonic() + max(left - EARLY_S, left / 2)
            self.fault = None
        self._tell(access.settings)
        return self._token

    def forget(self) -> None:
        """The user withdrew their consent, or gave another: what is held is not used again."""
        with self._lock:
            self._token, self.fault = None, None
