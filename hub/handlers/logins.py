"""Ends what a person's old password had opened in JupyterHub: logins, and tokens for programs."""

from __future__ import annotations

from jupyterhub import orm
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.utils import url_path_join

API_CLIENT = "jupyterhub"
"""The OAuth client of tokens that are no login: of servers, and those that people made for
programs. The others stand behind a browser that is logged in to a service or a session."""


def end_logins(handler: BaseHandler, name: str, *, but_here: bool) -> None:
    """Ends every login of that account, ``but_here``: not this browser's; and tokens for programs.

    Whoever had the password may have made one. The session goes on, with its own token.

    Cookies of the hub name ``cookie_id``, so a new one ends them all; what this browser had is
    renewed by ``log_in``. Services and sessions believe an answer of the hub for as long as they
    cache it (``hub.web.auth``).
    """
    user = orm.User.find(handler.db, name)
    if user is None:
        return
    here = handler.get_session_cookie() if but_here else None
    session = _session_token(handler, user)
    for token in list(user.api_tokens):
        in_this_browser = token.client_id != API_CLIENT and here and token.session_id == here
        if token is not session and not in_this_browser:
            handler.db.delete(token)
    codes = handler.db.query(orm.OAuthCode).filter(orm.OAuthCode.user_id == user.id)
    for code in codes:  # a token that has not been fetched yet
        if here is None or code.session_id != here:
            handler.db.delete(code)
    user.cookie_id = orm.new_token()
    handler.db.commit()


def _session_token(handler: BaseHandler, user: orm.User) -> orm.APIToken | None:
    """What the session that runs, or is about to, asks the hub with.

    Its note alone tells nothing: people may give theirs any. JupyterHub keeps the token in memory;
    after a restart of the hub it is the last that was made with that note before the start
    (User.spawn in jupyterhub/user.py).
    """
    mine = handler._user_from_orm(user)
    if "" not in mine.spawners or not mine.spawners[""].active:
        return None
    spawner = mine.spawners[""]
    if spawner.api_token:
        return orm.APIToken.find(handler.db, spawner.api_token)
    started, note = spawner.orm_spawner.started, f"Server at {url_path_join(mine.base_url, '/')}"
    made = [
        token
        for token in user.api_tokens
        if token.note == note and token.client_id == API_CLIENT and token.created <= started
    ]
    return max(made, key=lambda token: token.created, default=None)
