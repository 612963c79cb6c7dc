"""Ends a person's logins in JupyterHub, all but one."""

from __future__ import annotations

from jupyterhub import orm
from jupyterhub.handlers.base import BaseHandler

API_CLIENT = "jupyterhub"
"""The OAuth client of tokens that are no login: of servers, and those that people made for
programs. The others stand behind a browser that is logged in to a service or a session."""


def end_other_logins(handler: BaseHandler, name: str) -> None:
    """Ends every login of that account but this browser's; the session goes on.

    Cookies of the hub name ``cookie_id``, so a new one ends them all; what this browser had is
    renewed by ``log_in``.
    """
    user = orm.User.find(handler.db, name)
    if user is None:
        return
    here = handler.get_session_cookie()
    tokens = handler.db.query(orm.APIToken).filter(
        orm.APIToken.user_id == user.id, orm.APIToken.client_id != API_CLIENT
    )
    for token in tokens:
        if here is None or token.session_id != here:
            handler.db.delete(token)
    user.cookie_id = orm.new_token()
    handler.db.commit()
