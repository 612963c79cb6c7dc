"""Carries an invitation to the provider and back, in a signed cookie of the browser that opened it.

The token is a secret that this person holds anyway. No script reads the cookie, no session gets it
(its path is the hub's, or the host is), and nothing on the way to the provider does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from jupyterhub.handlers.base import BaseHandler

from hub.sign_on import Carried

COOKIE = "carrel-invitation"
HOST = "__Host-"
MINUTES = 30
"""How long somebody may take at the provider."""


@dataclass(frozen=True)
class Opened:
    """An invitation that was opened here, and what was wrong with the user name the last time."""

    carried: Carried
    problem: str = ""


def named(handler: BaseHandler, cookie: str) -> str:
    """What a cookie of ours is called: as the hub's own, so that no session can set it.

    JupyterHub gives cookies of that name the path `/`.
    """
    return f"{HOST}{cookie}" if handler.settings.get("cookie_host_prefix_enabled") else cookie


def carry(handler: BaseHandler, opened: Opened) -> None:
    """Gives the browser the invitation to keep."""
    values = (opened.carried.token, opened.carried.user_name, opened.problem)
    handler._set_cookie(
        named(handler, COOKIE),
        json.dumps(values),
        expires_days=MINUTES / 1440,
        path=handler.hub.base_url,
        samesite="Lax",
    )


def opened(handler: BaseHandler) -> Opened | None:
    """What this browser opened within the last half hour."""
    raw = handler.get_signed_cookie(named(handler, COOKIE), max_age_days=MINUTES / 1440)
    if not raw:
        return None
    token, user_name, problem = json.loads(raw)
    return Opened(Carried(token, user_name), problem)


def drop(handler: BaseHandler) -> None:
    """Takes the invitation back: it is used, or cannot be."""
    handler.clear_cookie(named(handler, COOKIE), path=handler.hub.base_url)
