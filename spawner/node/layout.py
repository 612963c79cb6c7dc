"""The folders and secrets of the data directory: made once, owned and closed as they must be.

Secrets are never overwritten: sessions, cookies and everything encrypted hang on them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from spawner.confinement import COURSES, DRIVE, DRIVE_STATE, HOMES
from spawner.errors import CarrelError, Code
from spawner.node.config import NodeConfig
from spawner.node.handover import hand_over


class Owner(Enum):
    """Whose a folder is: node's own root, or the account that hub, web and proxy run as."""

    ROOT = "root"
    HUB = "hub"


@dataclass(frozen=True)
class Folder:
    path: str
    owner: Owner
    mode: int


PASSED = 0o711  # may be walked through by whoever knows the name, not listed
CLOSED = 0o700

FOLDERS = (
    Folder(HOMES, Owner.ROOT, PASSED),
    Folder(COURSES, Owner.ROOT, PASSED),
    Folder(DRIVE, Owner.ROOT, PASSED),
    Folder(DRIVE_STATE, Owner.ROOT, PASSED),
    Folder("runs", Owner.ROOT, PASSED),
    Folder("backups", Owner.ROOT, CLOSED),
    Folder("run", Owner.ROOT, PASSED),
    Folder("node", Owner.ROOT, CLOSED),
    Folder("db", Owner.HUB, CLOSED),
    Folder("hub-db", Owner.HUB, CLOSED),
    Folder("secrets", Owner.ROOT, PASSED),
    Folder("secrets/hub", Owner.ROOT, PASSED),
    Folder("secrets/postgres", Owner.ROOT, PASSED),
    Folder("secrets/proxy", Owner.ROOT, PASSED),
    Folder("secrets/web", Owner.ROOT, PASSED),
)

OF_SESSIONS = (HOMES, DRIVE, DRIVE_STATE, "runs")
"""The root of sessions writes inside these."""

SECRETS = (
    "secrets/hub/cli_token",
    "secrets/hub/cookie",
    "secrets/hub/crypt_key",
    "secrets/hub/drive_key",
    "secrets/hub/user_secrets_key",
    "secrets/postgres/password",
    "secrets/proxy/token",
    "secrets/web/token",
)
"""Each holds 32 random bytes in hex, mode 0400, readable by the hub's account alone."""

ADOPTED = ("secrets/hub/drive_client_secret", "secrets/hub/sign_on_client_secret")
"""Put there by whoever runs Carrel, if at all: owned and closed like the others, never made up."""


def ensure_layout(config: NodeConfig) -> None:
    """Makes what is missing and mends owner and mode. A second call changes nothing.

    Raises CarrelError(UNAVAILABLE) naming the path that could not be made.
    """
    for folder in FOLDERS:
        with _named(config.data_dir / folder.path):
            uid, mode = _uid(folder.owner, config), _mode(folder, config)
            _ensure_folder(config.data_dir / folder.path, uid, mode)
    for secret in SECRETS:
        with _named(config.data_dir / secret):
            _ensure_secret(config.data_dir / secret, config.hub_uid)
    for secret in ADOPTED:
        with _named(config.data_dir / secret):
            _adopt(config.data_dir / secret, config.hub_uid)


def _mode(folder: Folder, config: NodeConfig) -> int:
    # Without user remapping a session's root is the host's: a setuid file in a home must be out
    # of reach of the host's other accounts. With it, the engine itself enters as the remapped root.
    return CLOSED if folder.path in OF_SESSIONS and config.session_uid == 0 else folder.mode


def _uid(owner: Owner, config: NodeConfig) -> int:
    return config.hub_uid if owner is Owner.HUB else os.geteuid()


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CarrelError(
            Code.UNAVAILABLE,
            f"{path} cannot be made ready: {error.strerror}.",
            "It must be a folder (or file) of its own on a disk that root can write.",
        ) from error


def _ensure_folder(path: Path, uid: int, mode: int) -> None:
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=CLOSED)
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _own(fd, uid, mode)
    finally:
        os.close(fd)


def _own(fd: int, uid: int, mode: int) -> None:
    found = os.fstat(fd)
    if found.st_uid != uid:
        if stat.S_ISDIR(found.st_mode) and found.st_uid != os.geteuid():
            # The engine's user remapping was switched: what is in it moves along.
            hand_over(fd, found.st_uid, uid)
        os.fchown(fd, uid, -1)
    if os.fstat(fd).st_mode & 0o7777 != mode:
        os.fchmod(fd, mode)


def _ensure_secret(path: Path, uid: int) -> None:
    if _adopt(path, uid):
        return
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o400)
    try:
        os.write(fd, secrets.token_hex(32).encode())
        _own(fd, uid, 0o400)
        os.fsync(fd)
    finally:
        os.close(fd)
    # link, not rename: whoever was first has made the secret.
    with contextlib.suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()
    _sync_folder(path.parent)


def _adopt(path: Path, uid: int) -> bool:
    """Closes a secret that is there already; whether it was."""
    if not path.exists():
        return False
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _own(fd, uid, 0o400)
    finally:
        os.close(fd)
    return True


def _sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
