"""What the hub's own process tells of an error: people get its sentence, the log what fits it."""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers.base import BaseHandler

from spawner.errors import CarrelError, Code


class TellsErrors(BaseHandler):
    """Raise CarrelError anywhere in it. Stands before the hub's own class among the bases."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A CarrelError with its own status, as the hub's error page or its JSON."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, CarrelError):
            status_code = error.code.value
            self.set_status(status_code)
            # JupyterHub shows this attribute of whatever was raised.
            vars(error)["jupyterhub_message"] = str(error)
        super().write_error(status_code, **kwargs)

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        if isinstance(value, CarrelError) and value.code is not Code.FAILED:
            self.log.warning("%s %s: %s", self.request.method, self.request.path, value)
        else:
            super().log_exception(typ, value, tb)
