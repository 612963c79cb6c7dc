"""Small files in ``.carrel``, where whoever owns the session may put anything in their place."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drivesync.beneath import folder, read_small, write_small

FOLDER = ".carrel"
_ROOT = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def _opened(root: Path) -> Iterator[int]:
    drive = os.open(root, _ROOT)
    try:
        yield drive
    finally:
        os.close(drive)


def read(root: Path, name: str, most_bytes: int) -> bytes | None:
    """What the regular file ``name`` holds; None: no such file, a larger one, or something else."""
    try:
        with _opened(root) as drive:
            return read_small(drive, (FOLDER, name), most_bytes)
    except OSError:
        return None


def read_json(root: Path, name: str, most_bytes: int) -> dict[str, Any] | None:
    """The JSON object in it; None where there is no such thing."""
    data = read(root, name, most_bytes)
    try:
        told = json.loads((data or b"").decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def write(root: Path, name: str, data: bytes) -> bool:
    """Puts a file there in one step; what is there is replaced, or moved aside if it is a folder.
    False: the disk says no (it is full, or ``.carrel`` is no folder)."""
    try:
        with _opened(root) as drive:
            try:
                write_small(drive, (FOLDER, name), data)
            except IsADirectoryError:
                _move_aside(drive, name)
                write_small(drive, (FOLDER, name), data)
    except OSError:
        return False
    return True


def _move_aside(drive: int, name: str) -> None:
    aside = f"{name}.folder.{secrets.token_hex(6)}"
    with folder(drive, (FOLDER,)) as carrel:
        os.rename(name, aside, src_dir_fd=carrel, dst_dir_fd=carrel)
