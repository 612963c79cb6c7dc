"""What Carrel's routes in the hub's API share: an error is a sentence in JSON, with its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyterhub.apihandlers.base import APIHandler

from spawner.errors import CarrelError, Code

if TYPE_CHECKING:
    from hub.authenticator import Accounts


class Api(APIHandler):
    """Raise CarrelError anywhere in it."""

    authenticator: Accounts

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A CarrelError as JSON, with its own status."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, CarrelError):
            status_code = error.code.value
            self.set_status(status_code)
            vars(error)["jupyterhub_message"] = str(error)
        super().write_error(status_code, **kwargs)

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        if isinstance(value, CarrelError) and value.code is not Code.FAILED:
            self.log.warning("%s %s: %s", self.request.method, self.request.path, value)
        else:
            super().log_exception(typ, value, tb)
