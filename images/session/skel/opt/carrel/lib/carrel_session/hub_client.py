"""Asks the hub with the session's own token, and tells it things."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from carrel_session.errors import Code, SessionError
from carrel_session.settings import Settings

PATIENCE_S = 10.0
MOST_ANSWER = 1_000_000
_CODES = {code.value: code for code in Code}


def ask(
    settings: Settings, path: str, body: Any = None, patience_s: float = PATIENCE_S
) -> dict[str, Any]:
    """GETs ``path`` below the hub's API, or POSTs ``body`` there; its answer.

    Blocks: call it in a thread. Errors of the hub are JSON with ``message`` and perhaps ``hint``;
    they, and no answer at all, are raised as SessionError.
    """
    if not settings.hub_url or not settings.hub_token:
        raise SessionError(
            Code.UNAVAILABLE, "This is no session of Carrel: there is no hub to ask."
        )
    request = urllib.request.Request(  # noqa: S310 - the hub's own address, http inside the network
        f"{settings.hub_url}/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"token {settings.hub_token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        },
    )
    # The hub is beside the session: a proxy for the outside would not reach it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())
    try:
        with opener.open(request, timeout=patience_s) as answer:
            return _read(answer.read(MOST_ANSWER))
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error.code, _read(error.read(MOST_ANSWER))) from None
    except OSError:
        raise SessionError(
            Code.UNAVAILABLE, "The hub does not answer.", "Try again in a minute."
        ) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token goes to the hub alone."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _read(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(status: int, said: dict[str, Any]) -> SessionError:
    message, hint = str(said.get("message") or ""), str(said.get("hint") or "")
    if not message:
        message = f"The hub said no ({status})."
    return SessionError(_CODES.get(status, Code.FAILED), message, hint)
