"""Small files in ``.carrel``, where whoever owns the session may put anything in their place.

Each step opens one name beneath a folder that is held open, and follows no symlink; so nothing
outside of the drive is ever read or written, whatever is swapped in meanwhile.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

FOLDER = ".carrel"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO must not hold us up
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def _folder(root: Path) -> Iterator[int]:
    drive = os.open(root, _FOLDER)
    try:
        folder = os.open(FOLDER, _FOLDER, dir_fd=drive)
    finally:
        os.close(drive)
    try:
        yield folder
    finally:
        os.close(folder)


def read(root: Path, name: str, most_bytes: int) -> bytes | None:
    """What the regular file ``name`` holds; None: no such file, a larger one, or something else."""
    try:
        with _folder(root) as folder:
            file = os.open(name, _READ, dir_fd=folder)
            try:
                known = os.fstat(file)
                if not stat.S_ISREG(known.st_mode) or known.st_size > most_bytes:
                    return None
                return _bounded(file, most_bytes)
            finally:
                os.close(file)
    except OSError:
        return None


def _bounded(file: int, most_bytes: int) -> bytes | None:
    read: list[bytes] = []
    left = most_bytes + 1  # it may grow while it is read
    while left > 0 and (part := os.read(file, min(left, 1 << 16))):
        read.append(part)
        left -= len(part)
    return b"".join(read) if left > 0 else None


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
    temporary = f"{name}.{secrets.token_hex(6)}"
    try:
        with _folder(root) as folder:
            try:
                file = os.open(temporary, _WRITE, 0o644, dir_fd=folder)
                with open(file, "wb", closefd=True) as into:  # noqa: PTH123  an open descriptor
                    into.write(data)
                _replace(folder, temporary, name)
            except OSError:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=folder)
                raise
    except OSError:
        return False
    return True


def _replace(folder: int, temporary: str, name: str) -> None:
    at = {"src_dir_fd": folder, "dst_dir_fd": folder}
    try:
        os.rename(temporary, name, **at)  # noqa: PTH104  beneath a descriptor
    except IsADirectoryError:
        os.rename(name, f"{name}.folder.{secrets.token_hex(6)}", **at)  # noqa: PTH104
        os.rename(temporary, name, **at)  # noqa: PTH104
