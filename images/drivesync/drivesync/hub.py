"""The two calls to the hub: for an access token, and with a report.

The hub is reached directly, whatever proxies the site has: ``http.client`` knows of none, and
follows no redirect.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from drivesync import settings
from drivesync.faults import DeadGrant, Lost
from drivesync.settings import Settings

TIMEOUT_S = 10
MOST_ANSWER_BYTES = 1 << 20
MOST_BEARER_BYTES = 4096
MOST_REPORT_BYTES = 64 * 1024


class HubAway(Lost):
    """The hub, or Google's token endpoint behind it, does not answer, or not as it should."""


class NoFolders(DeadGrant):
    """The user has not chosen any folder."""


class Ended(DeadGrant):
    """The hub does not know this sidecar (any more): its session is over, or another one began."""


@dataclass(frozen=True)
class Access:
    """An access token of Google's; it is never shown."""

    token: str = field(repr=False)
    expires_at: float
    """Seconds since 1970."""
    settings: Settings


class Hub:
    """``url`` ends before ``/access``; the bearer is read anew for each call. Threads may share
    one: every call has a connection of its own."""

    def __init__(self, url: str, bearer: Path) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the hub's address must begin with http:// or https://")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._path = parts.path.rstrip("/")
        self._bearer = bearer

    def access(self) -> Access:
        """Raises HubAway, DeadGrant, NoFolders, Ended."""
        told = self._call("access", b"{}", TIMEOUT_S)
        token, expires_at = told.get("access_token"), told.get("expires_at")
        if not isinstance(token, str) or not token or not isinstance(expires_at, int | float):
            raise HubAway("The hub's answer has no access token.")
        return Access(token, float(expires_at), _settings(told))

    def report(self, body: bytes, timeout_s: float = TIMEOUT_S) -> Settings:
        """Raises HubAway, DeadGrant, NoFolders, Ended."""
        return _settings(self._call("report", body, timeout_s))

    def _call(self, name: str, body: bytes, timeout_s: float) -> dict[str, Any]:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=timeout_s)
        try:
            headers = {
                "Authorization": f"Carrel {self._read_bearer()}",
                "Content-Type": "application/json",
            }
            connection.request("POST", f"{self._path}/{name}", body, headers)
            answer = connection.getresponse()
            data = answer.read(MOST_ANSWER_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise HubAway(f"The hub does not answer ({type(error).__name__}).") from None
        finally:
            connection.close()
        return _judge(answer.status, data)

    def _read_bearer(self) -> str:
        with self._bearer.open("rb") as file:
            told = file.read(MOST_BEARER_BYTES).strip()
        if not told or not all(33 <= byte < 127 for byte in told):
            raise HubAway("The bearer cannot be read.")
        return told.decode("ascii")


def _judge(status: int, data: bytes) -> dict[str, Any]:
    told = _object(data)
    if status == http.HTTPStatus.OK and told is not None:
        return told
    if status == http.HTTPStatus.UNAUTHORIZED:
        raise Ended("The hub does not know this sidecar any more.")
    if status == http.HTTPStatus.FORBIDDEN and told is not None:
        said = told.get("message")
        message = said if isinstance(said, str) else ""
        if told.get("state") == "no folders":
            raise NoFolders(message)
        if told.get("state") in ("reconnect", "disconnected"):
            raise DeadGrant(message)
    raise HubAway(f"The hub answers {status}.")


def _object(data: bytes) -> dict[str, Any] | None:
    if len(data) > MOST_ANSWER_BYTES:
        return None
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _settings(told: dict[str, Any]) -> Settings:
    try:
        return settings.read(told.get("settings"))
    except settings.Unreadable as error:
        raise HubAway(f"The hub's settings make no sense: {error}") from None
