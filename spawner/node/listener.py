"""The unix socket that node listens on, and whose process is at its other end."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from pathlib import Path

from spawner.errors import CarrelError, Code

_BACKLOG = 256
_LONGEST_PATH = 107  # sun_path without its NUL (unix(7))
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


def listen(path: Path, uid: int) -> socket.socket:
    """A listening socket at ``path``, mode 0600, owned by ``uid``.

    It is made beside its place and renamed into it: at no moment can another account connect,
    and what an earlier node left behind is replaced. Raises CarrelError(UNAVAILABLE).
    """
    fresh = path.with_name(f".{os.getpid()}.sock")
    if len(os.fsencode(max(path, fresh, key=lambda one: len(str(one))))) > _LONGEST_PATH:
        raise CarrelError(
            Code.UNAVAILABLE,
            f"The path {path} is longer than a socket's may be.",
            "Choose a shorter data_dir.",
        )
    fresh.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    listening.bind(str(fresh))
    fresh.chmod(0o600)
    os.chown(fresh, uid, -1)
    listening.listen(_BACKLOG)
    fresh.replace(path)
    return listening


def forget(path: Path, made: os.stat_result) -> None:
    """Removes the socket file, unless a later node has put its own there."""
    with contextlib.suppress(FileNotFoundError):
        if os.path.samestat(path.lstat(), made):
            path.unlink()


def peer_uid(connection: socket.socket) -> int:
    """The host's uid of the process that connected, as the kernel noted it then."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(raw)[1]
    return uid
