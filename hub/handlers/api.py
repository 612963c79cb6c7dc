"""What Carrel's routes in the hub's API share: an error is a sentence in JSON, with its status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyterhub.apihandlers.base import APIHandler

from hub.handlers.errors import TellsErrors

if TYPE_CHECKING:
    from hub.authenticator import Accounts


class Api(TellsErrors, APIHandler):
    """Raise CarrelError anywhere in it."""

    authenticator: Accounts
