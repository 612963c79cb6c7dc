"""A small client of JupyterHub's API, for programs that are no event loop.

Its token belongs to one of the hub's services in ``hub.scopes``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

from hub.enums import Reason
from hub.settings import Settings
from spawner.errors import CarrelError, Code

URL = "http://127.0.0.1:8081/hub/api"
TIMEOUT_S = 60
"""A request may take the hub's slow_spawn_timeout and slow_stop_timeout (10 s each)."""
STOP_MARGIN_S = 60
"""Beyond the grace that a server has to stop: saving, the engine, the hub's book-keeping."""
POLL_S = 0.5

# The environment's proxy is for the internet, not for the hub beside us.
_opener = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class WantedEnd:
    """A session that is to end, and what the record is to say of it."""

    user: str
    session: str
    reason: Reason
    detail: str = ""


_TOLD = {400, 403, 404, 409, 429, 503}
"""Statuses that come with a sentence for whoever asked."""


class HubApi:
    """The calls that Carrel makes of the hub's API. Names are canonical."""

    def __init__(self, token: str, url: str = URL) -> None:
        self._token = token
        self._url = url

    def knows(self, name: str) -> bool:
        """Whether there is a hub user of that name."""
        return bool(self._call("GET", _user(name), accept={404}).get("name"))

    def ensure_user(self, name: str) -> None:
        """Makes the hub know the user, before a first login."""
        if not self.knows(name):
            self._call("POST", _user(name), accept={409})  # 409: somebody was quicker

    def remove_user(self, name: str, timeout_s: float) -> None:
        """Stops the user's server, then deletes the hub's user: cookies and tokens die with it.

        Nothing of Carrel's is touched; the next login makes the hub's user anew.
        Raises CarrelError(FAILED) when the server has not stopped within ``timeout_s``.
        """
        self.stop_server(name, timeout_s)
        self._call("DELETE", _user(name), accept={404})

    def server(self, name: str) -> dict[str, Any] | None:
        """The hub's model of the user's server while it starts, runs or stops, else None."""
        model = self._call("GET", _user(name), accept={404})
        server = (model.get("servers") or {}).get("")
        return server if server and (server["ready"] or server["pending"]) else None

    def start_server(self, name: str, profile: str) -> bool:
        """Asks for a session; whether that was news to the hub.

        Raises CarrelError(REFUSED) with the hub's sentence when admission says no.
        """
        if self.server(name):
            return False
        self.ensure_user(name)
        self._call("POST", f"{_user(name)}/server", {"profile": profile})
        return True

    def resume_server(self, name: str, profile: str) -> None:
        """Asks for a session on behalf of a user whom the hub knows.

        Raises CarrelError(REFUSED) with the hub's sentence when it says no.
        """
        self._call("POST", f"{_user(name)}/server", {"profile": profile})

    def stop_server(self, name: str, timeout_s: float) -> bool:
        """Stops the user's server and waits for it; whether there was one.

        Raises CarrelError(FAILED) when it has not stopped within ``timeout_s``.
        """
        if self.server(name) is None:
            return False
        self._call("DELETE", f"{_user(name)}/server", accept={404})
        until = time.monotonic() + timeout_s
        while self.server(name):
            if time.monotonic() > until:
                raise _not_stopped(name, timeout_s)
            time.sleep(POLL_S)
        return True

    def end_session(
        self, ending: WantedEnd, timeout_s: float, known_within_s: float | None = None
    ) -> bool:
        """Ends that session and waits for it; False when it has ended already.

        It never ends one that its user started since. Raises CarrelError: FAILED when it has not
        ended after ``timeout_s``, UNAVAILABLE where the hub does not have it, because it has not
        gone on with it after a restart, for ``known_within_s`` (as long, unless it is said).
        """
        path = f"/carrel{_user(ending.user)}/sessions/{ending.session}"
        body = {"reason": ending.reason.value, "detail": ending.detail}
        until, found = time.monotonic() + timeout_s, False
        known_until = until if known_within_s is None else time.monotonic() + known_within_s
        while True:
            status = self._status("DELETE", path, body, accept={404, 409})
            if status == 404:
                return found
            # 409: this hub does not have it at the moment, and may have ended it.
            found = found or status != 409
            if status == 204:
                return True
            if status == 409 and time.monotonic() > known_until:
                raise _not_known(ending.user)
            if time.monotonic() > until:
                raise _not_stopped(ending.user, timeout_s)
            time.sleep(POLL_S)

    def sessions(self) -> frozenset[str]:
        """Ids of all sessions that the hub has, whether they start, run or stop."""
        told = self._call("GET", "/carrel/sessions")
        return frozenset(one["session"] for one in told["sessions"])

    def progress(self, name: str) -> Iterator[dict[str, Any]]:
        """The steps of a start as the hub tells them; the last is ``ready`` or ``failed``."""
        request = self._request("GET", f"{_user(name)}/server/progress")
        request.add_header("Accept", "text/event-stream")
        with closing(self._open(request, accept=set())) as answer:
            try:
                for line in answer:
                    if line.startswith(b"data:"):
                        yield json.loads(line.removeprefix(b"data:"))
            except (OSError, HTTPException) as error:
                raise _lost() from error

    def check_proxy(self) -> None:
        """Has the hub compare the proxy's routes with what runs, and put them right."""
        self._call("POST", "/proxy")

    def create_token(self, name: str, note: str, expires_in_s: int) -> str:
        """A new API token with all that the user may do."""
        self.ensure_user(name)
        wish = {"note": note, "expires_in": expires_in_s}
        return str(self._call("POST", f"{_user(name)}/tokens", wish)["token"])

    def seal(self, user: str, name: str, value: str) -> str:
        """The value of a person's secret, sealed by the hub for the database.

        Raises CarrelError with the hub's own sentence where its key is missing (UNAVAILABLE).
        """
        body = {"user": user, "name": name, "value": value}
        answer = self._call("POST", "/carrel/seal", body, accept={503})
        if "sealed" not in answer:
            raise CarrelError(Code.UNAVAILABLE, str(answer.get("message", "Nothing was sealed.")))
        return str(answer["sealed"])

    def drive(self, verb: str, **said: Any) -> dict[str, Any]:
        """What the hub answers about somebody's Drive (``hub.handlers.drive_pages_api``).

        Raises CarrelError with the hub's own sentence.
        """
        request = self._request("POST", f"/carrel/drive/{verb}", said)
        with closing(self._open(request, accept=_TOLD)) as answer:
            try:
                status, found = int(answer.status or 0), json.loads(answer.read())
            except (OSError, HTTPException, ValueError) as error:
                raise _lost() from error
        if status in _TOLD:
            raise CarrelError(Code(status), str(found["message"]))
        return dict(found)

    def _status(self, method: str, path: str, body: Any, accept: set[int]) -> int:
        with closing(self._open(self._request(method, path, body), accept)) as answer:
            return int(answer.status or 0)

    def _call(
        self, method: str, path: str, body: Any = None, accept: set[int] | None = None
    ) -> dict[str, Any]:
        request = self._request(method, path, body)
        with closing(self._open(request, accept or set())) as answer:
            try:
                text = answer.read()
            except (OSError, HTTPException) as error:
                raise _lost() from error
        return json.loads(text) if text.startswith(b"{") else {}

    def _request(self, method: str, path: str, body: Any = None) -> Request:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._url + path, data=data, method=method)  # noqa: S310  our own URL
        request.add_header("Authorization", f"token {self._token}")
        request.add_header("Content-Type", "application/json")
        return request

    def _open(self, request: Request, accept: set[int]) -> HTTPResponse | HTTPError:
        try:
            answer: HTTPResponse = _opener.open(request, timeout=TIMEOUT_S)
        except HTTPError as error:
            if error.code in accept:
                return error
            raise _converted(error) from error
        except (URLError, HTTPException, OSError) as error:
            raise _lost() from error
        return answer


def _not_stopped(name: str, timeout_s: float) -> CarrelError:
    return CarrelError(
        Code.FAILED,
        f"The session of {name} has not stopped within {timeout_s:.0f} s.",
        "Run the same again; ./carrel logs hub says why it takes so long.",
    )


def _not_known(name: str) -> CarrelError:
    return CarrelError(
        Code.UNAVAILABLE,
        f"The hub does not have the session of {name} at the moment.",
        "Run the same again in a minute; ./carrel logs hub may say more.",
    )


def _lost() -> CarrelError:
    return CarrelError(
        Code.UNAVAILABLE,
        "The hub does not answer.",
        "Is it up? ./carrel status says so, ./carrel logs hub says why not.",
    )


def of(settings: Settings) -> HubApi:
    """The client with this installation's token. Raises CarrelError(UNAVAILABLE) without one."""
    path = settings.data_dir / "secrets" / "hub" / "cli_token"
    try:
        return HubApi(path.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise CarrelError(
            Code.UNAVAILABLE,
            f"The hub's token cannot be read ({path}).",
            "Run ./carrel up; it makes the missing secrets.",
        ) from error


def stop_timeout_s(settings: Settings) -> float:
    """How long a session may take to stop before that is a failure, in seconds."""
    return settings.sessions.stop_grace_s + STOP_MARGIN_S


def _user(name: str) -> str:
    return f"/users/{quote(name, safe='')}"


def _converted(error: HTTPError) -> CarrelError:
    """What the hub says, as a refusal (4xx) or as a failure."""
    with closing(error):
        try:
            message = str(json.loads(error.read())["message"])
        except (ValueError, KeyError, TypeError):
            message = error.reason
    if error.code in {401, 403}:
        return CarrelError(
            Code.FAILED,
            f"The hub did not allow it: {message}",
            "If this stays so, run ./carrel up: the hub may hold another token.",
        )
    code = Code.REFUSED if 400 <= error.code < 500 else Code.FAILED
    return CarrelError(code, f"The hub says: {message}", "./carrel logs hub may say more.")
