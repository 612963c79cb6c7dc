"""The container's healthcheck: asks node over its own socket whether all is well."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path

from spawner.errors import CarrelError, Code

_TIMEOUT_S = 5.0


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("node", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(str(self._path))


def ask(path: Path) -> tuple[bool, str]:
    """Whether sessions can be started, and what node says about it.

    Raises CarrelError(UNAVAILABLE) if nobody answers at ``path``.
    """
    connection = _UnixConnection(path)
    try:
        connection.request("GET", "/carrel/health")
        said = json.loads(connection.getresponse().read())
        return bool(said["engine"] and said["firewall"]), str(said["detail"])
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise CarrelError(
            Code.UNAVAILABLE, f"node does not answer on {path}.", "Look at its log."
        ) from error
    finally:
        connection.close()
