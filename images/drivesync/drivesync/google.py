"""pydrive2 as the shell around Drive: its auth, its service, a connection for each request.

Access tokens come from the hub, through a callable; there is no refresh token, no client and no
flow here. The service is made of the description of API v2 that google-api-python-client brings
along, cut down to what is asked for.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from drivesync import faults, lean
from drivesync.wire import Http

with lean.imports():
    import googleapiclient
    from google.auth import _helpers
    from google.oauth2.credentials import Credentials
    from google_auth_httplib2 import AuthorizedHttp
    from googleapiclient.discovery import build_from_document
    from pydrive2.auth import GoogleAuth
    from pydrive2.drive import GoogleDrive

Access = Callable[[], tuple[str, datetime]]
"""A new access token from the hub, and when it ends (aware). Raises DeadGrant, or Lost where the
hub does not answer."""

IDLE_S = 60.0
MARGIN = timedelta(seconds=30)
USED = {
    "about": {"get"},
    "changes": {"getStartPageToken", "list"},
    "files": {"export", "generateIds", "get", "insert", "list", "patch", "update"},
}
DESCRIPTION = Path(googleapiclient.__file__).parent / "discovery_cache/documents/drive.v2.json"


class _Tokens:
    """What google-auth asks for tokens; threads that ask at once share one answer."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = threading.Lock()
        self._last: tuple[str, datetime] | None = None

    def __call__(self, _request: object, scopes: object = None) -> tuple[str, datetime]:
        before = self._last
        with self._lock:
            if self._last is before:
                token, expires_at = self._access()
                self._last = token, _as_google_auth_counts(expires_at)
            assert self._last
            return self._last


def _as_google_auth_counts(expires_at: datetime) -> datetime:
    # It calls a token dead minutes before its end, and refuses to take such a one at all. The hub
    # decides how long its tokens last: one that ends too early is answered with 401, and renewed.
    end = max(expires_at.astimezone(UTC) - MARGIN, datetime.now(UTC) + MARGIN)
    return (end + _helpers.REFRESH_THRESHOLD).replace(tzinfo=None)


class Auth(GoogleAuth):
    """pydrive2's, with google-auth's credentials in it and no flow ever."""

    def __init__(self, api_url: str, access: Access, timeout_s: float) -> None:
        super().__init__(settings_file=None, http_timeout=timeout_s)
        # Least lately used first; its own methods are safe among threads.
        self._idle: deque[tuple[AuthorizedHttp, float]] = deque()
        self.credentials = Credentials(token=None, refresh_handler=_Tokens(access))
        self.service = build_from_document(_description(api_url), http=self.Get_Http_Object())

    @property
    def access_token_expired(self) -> bool:
        """Never, as far as pydrive2 is concerned: every request looks by itself."""
        return False

    def Authorize(self) -> None:  # noqa: N802  pydrive2's
        raise faults.DeadGrant("There is no consent to be had here.")

    def _build_http(self) -> Http:
        return Http(self.http_timeout)

    def Get_Http_Object(self) -> AuthorizedHttp:  # noqa: N802  pydrive2's
        return AuthorizedHttp(self.credentials, self._build_http())

    @contextmanager
    def borrowed(self) -> Iterator[AuthorizedHttp]:
        """A connection for this thread alone: httplib2 serves one at a time.

        The last one used is the first one lent: those that a busy hour left behind are not lent
        any more, and closed.
        """
        try:
            http, _ = self._idle.pop()
        except IndexError:
            http = self.Get_Http_Object()
        # Where pydrive2 itself looks for it.
        self.thread_local.http = http
        try:
            yield http
        finally:
            self.thread_local.http = None
            self._idle.append((http, time.monotonic()))
            self._close_until(time.monotonic() - IDLE_S)

    def close(self) -> None:
        """All connections that nobody uses."""
        self._close_until(time.monotonic())

    def _close_until(self, before: float) -> None:
        with suppress(IndexError):
            while True:
                http, used_at = self._idle.popleft()
                if used_at > before:
                    self._idle.appendleft((http, used_at))
                    return
                http.close()


def connect(api_url: str, access: Access, timeout_s: float) -> GoogleDrive:
    """Drive at ``api_url``, which ends with a slash. Asks nothing yet."""
    return GoogleDrive(Auth(api_url, access, timeout_s))


def _description(api_url: str) -> dict[str, Any]:
    # All of it would be megabytes of classes and help texts, of which hardly any is used.
    whole = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    whole["rootUrl"], whole["baseUrl"] = api_url, api_url + whole["servicePath"]
    whole.pop("mtlsRootUrl", None)
    whole["resources"] = {
        name: {"methods": {m: whole["resources"][name]["methods"][m] for m in sorted(methods)}}
        for name, methods in USED.items()
    }
    whole["schemas"] = {
        name: {"id": name, "type": "object", "properties": {}} for name in whole["schemas"]
    }
    return whole
