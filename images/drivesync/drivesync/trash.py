"""The local trash: a place in ``.carrel/trash`` for what leaves MyDrive, and its end after days."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from drivesync.beneath import ABSENT, Rename, folder, open_at, rename
from drivesync.beside import numbered, tries
from drivesync.model import Path
from drivesync.mount import TRASH

_MOST_STEPS = 1_000_000
_EARLIEST = "2026-01-01"


@contextmanager
def slot_folder(root: int, path: Path, now: datetime) -> Iterator[tuple[int, Path]]:
    """A folder of the trash for what is at ``path`` of MyDrive: its file descriptor, and its path
    below the trash. Raises OSError."""
    way: list[str] = []
    with folder(root, TRASH) as trash:
        fd = open_at(trash, ".")
    try:
        for name in (f"{now:%Y-%m-%d}", *path[:-1]):
            below, taken = _ensure(fd, name)
            os.close(fd)
            fd = below
            way.append(taken)
        yield fd, tuple(way)
    finally:
        os.close(fd)


def free_names(name: str) -> Iterator[str]:
    """Names to try in a folder of the trash."""
    return (numbered(name, again) for again in tries())


def purge(root: int, keep_days: int, now: datetime) -> None:
    """Removes the days of the trash that are older. Raises OSError.

    A day before there was a Carrel was told by a clock that was wrong: what is in it counts from
    now on.
    """
    first = f"{now - timedelta(days=max(0, keep_days)):%Y-%m-%d}"
    with folder(root, TRASH) as trash:
        with os.scandir(trash) as entries:
            days = [entry.name for entry in entries]
        for name in days:
            if _is_day(name) and name < first:
                try:
                    if name < _EARLIEST:
                        _count_from_now(root, trash, name, now)
                    else:
                        _remove(trash, name)
                except OSError as error:
                    # No folder, or somebody writes in there: the next time, then.
                    if error.errno not in (*ABSENT, errno.ENOTEMPTY):
                        raise


def _count_from_now(root: int, trash: int, name: str, now: datetime) -> None:
    with slot_folder(root, (name,), now) as (today, _):
        for slot in free_names(name):
            with suppress(FileExistsError):
                rename((trash, name), (today, slot), Rename.NOREPLACE)
                return


def _ensure(parent: int, name: str) -> tuple[int, str]:
    """A folder of this name, or one beside it where something else has the name."""
    for taken in free_names(name):
        try:
            os.mkdir(taken, 0o755, dir_fd=parent)
            os.fsync(parent)
        except FileExistsError:
            pass
        try:
            return open_at(parent, taken), taken
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP, errno.ENOENT, errno.EXDEV):
                raise
    raise FileExistsError(errno.EEXIST, "too many files of one name", name)


def _is_day(name: str) -> bool:
    with suppress(ValueError):
        return f"{datetime.strptime(name, '%Y-%m-%d'):%Y-%m-%d}" == name
    return False


def _remove(parent: int, name: str) -> None:
    """Folders are brought up to ``name`` and emptied there: whatever the depth, two are open."""
    with folder(parent, (name,)) as top:
        for _ in range(_MOST_STEPS):
            with os.scandir(top) as entries:
                entry = next(entries, None)
            if entry is None:
                break
            if entry.is_dir(follow_symlinks=False):
                _flatten(top, entry.name)
            else:
                with suppress(FileNotFoundError):
                    os.unlink(entry.name, dir_fd=top)
    os.rmdir(name, dir_fd=parent)


def _flatten(top: int, name: str) -> None:
    with folder(top, (name,)) as fd:
        with os.scandir(fd) as entries:
            inside = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for below, is_folder in inside:
            with suppress(FileNotFoundError):
                if is_folder:
                    rename((fd, below), (top, secrets.token_hex(8)), Rename.NOREPLACE)
                else:
                    os.unlink(below, dir_fd=fd)
    os.rmdir(name, dir_fd=top)
