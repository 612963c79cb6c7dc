"""What Carrel's routes in the hub's API share: an error is a sentence in JSON, with its status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyterhub.apihandlers.base import APIHandler

from hub.handlers.errors import TellsErrors
from spawner.errors import CarrelError, Code

if TYPE_CHECKING:
    from hub.authenticator import Accounts


class Api(TellsErrors, APIHandler):
    """Raise CarrelError anywhere in it."""

    authenticator: Accounts


class OfSession(Api):
    """For whoever holds the token of a session, or one of the person's own that may open it."""

    def owner(self) -> str:
        """Whose session it is. Raises CarrelError(REFUSED)."""
        user = self.current_user
        token = self.get_token()
        if token is None or user is None or user.kind != "user":
            raise CarrelError(Code.REFUSED, "This is for programs in a session.")
        if not self.has_scope(f"access:servers!server={user.name}/"):
            raise CarrelError(Code.REFUSED, "This token may not open the session.")
        return str(user.name)
