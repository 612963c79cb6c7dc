"""Ends a person's logins in JupyterHub, all but one."""

from __future__ import annotations

from jupyterhub import orm
from jupyterhub.handlers.base import BaseHandler

API_CLIENT = "jupyterhub"
"""The OAuth client of tokens that are no login: of servers, and those that people made for
programs. The others stand behind a browser that is logged in to a service or a session."""


def end_logins(handler: BaseHandler, name: str, *, but_here: bool) -> None:
    """Ends every login of that account, ``but_here``: not this browser's. The session goes on.

    Cookies of the hub name ``cookie_id``, so a new one ends them all; what this browser had is
    renewed by ``log_in``. Services and sessions believe an answer of the hub for as long as they
    cache it (``hub.web.auth``).
    """
    user = orm.User.find(handler.db, name)
    if user is None:
        return
    here = handler.get_session_cookie() if but_here else None
    tokens = handler.db.query(orm.APIToken).filter(
        orm.APIToken.user_id == user.id, orm.APIToken.client_id != API_CLIENT
    )
    codes = handler.db.query(orm.OAuthCode).filter(orm.OAuthCode.user_id == user.id)
    for login in (*tokens, *codes):  # a code is a token that has not been fetched yet
        if here is None or login.session_id != here:
            handler.db.delete(login)
    user.cookie_id = orm.new_token()
    handler.db.commit()
