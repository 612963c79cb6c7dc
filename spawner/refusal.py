"""Tells JupyterHub about a CarrelError in its own words."""

from __future__ import annotations

from jupyterhub.spawner import SpawnException

from spawner.errors import CarrelError


def as_spawn_exception(error: CarrelError) -> SpawnException:
    """The exception that makes a start fail with a sentence and without a traceback."""
    exception = SpawnException(
        str(error), reason=error.code.name.lower(), status_code=error.code.value
    )
    # Some pages show str(exception) otherwise, with class name and status in front.
    exception.jupyterhub_message = str(error)
    return exception
