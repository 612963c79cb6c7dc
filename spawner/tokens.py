"""Ends a session's token with its session, also where this hub was never told that token."""

from __future__ import annotations

from typing import Any

from jupyterhub.utils import url_escape_path, url_path_join


def revoke(spawner: Any) -> None:
    """Deletes the tokens that JupyterHub gave to this server of the user, whenever that was.

    JupyterHub deletes the one that it has in memory, and knows none after it was restarted. What
    it has of them then is the note that it made them with (User.spawn in jupyterhub/user.py).
    """
    user = spawner.orm_spawner.user
    if user is None:
        return  # it has been deleted meanwhile, with all its tokens
    path = url_path_join(spawner.user.base_url, url_escape_path(spawner.name), "/")
    for token in list(user.api_tokens):
        if token.note == f"Server at {path}":
            spawner.db.delete(token)
    spawner.db.commit()
