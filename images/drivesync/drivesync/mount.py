"""Whether the folder on disk is the one that was synced, and Carrel's own folders in it.

Nothing is ever taken for deleted because a disk is not there: a random id lies beside MyDrive, and
the sidecar's own state remembers it.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path as FilePath
from threading import Lock

from drivesync.beneath import (
    Rename,
    faults,
    folder,
    open_at,
    read_small,
    rename,
    write_small,
)
from drivesync.births import see
from drivesync.faults import LocalGone, LocalRefused, Unmounted
from drivesync.incoming import TMP

CARREL = ".carrel"
TRASH = (CARREL, "trash")
_ID = (CARREL, "id")
_ID_BYTES = 64
_REMEMBERED = "mount.json"
_REMEMBERED_BYTES = 4096


class Mount:
    """``/drive``, held open; ``root`` is its file descriptor."""

    def __init__(self, drive: FilePath, state: FilePath) -> None:
        self._drive, self._state = drive, state
        self._lock = Lock()
        self._root = -1
        self._emptied = False

    @property
    def root(self) -> int:
        """Raises Unmounted."""
        with self._lock:
            if self._root < 0:
                self._root = self._open()
            return self._root

    def require(self) -> None:
        """Raises Unmounted; makes what is missing only when nothing was ever synced."""
        root = self.root
        fd = self._open()
        try:
            if os.fstat(fd)[1:3] != os.fstat(root)[1:3]:
                raise Unmounted("Another disk is at the folder of Drive than at the start.")
        finally:
            os.close(fd)
        try:
            with faults(f"{CARREL}, Carrel's folder beside MyDrive"):
                self._require_known(root)
                self._prepare(root)
        except LocalGone as error:
            raise Unmounted(str(error)) from error

    def _open(self) -> int:
        try:
            return os.open(self._drive, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise Unmounted(f"The folder of Drive is not there: {error.strerror}.") from error

    def _require_known(self, root: int) -> None:
        remembered = self._remembered()
        found = read_small(root, _ID, _ID_BYTES)
        if remembered is None:
            self._begin(root, found)
            return
        try:
            folders, empty = _look(root)
        except OSError as error:
            raise Unmounted("MyDrive is not there. Put it back; Drive keeps all it has.") from error
        if not found and folders == remembered[1]:
            # Somebody has removed .carrel, or a power cut has emptied the file; what is beside it
            # is still the same.
            _make(root, CARREL)
            write_small(root, _ID, remembered[0].encode())
        elif found is None or found.decode(errors="replace") != remembered[0]:
            raise Unmounted("The folder of Drive is not the one that was synced (.carrel/id).")
        elif folders[1] != remembered[1][1]:
            # A backup that was restored has made all anew, and is not empty.
            if folders[0] == remembered[1][0] or empty:
                raise Unmounted("MyDrive is another folder than the one that was synced.")
            self._remember(remembered[0], folders)

    def _begin(self, root: int, found: bytes | None) -> None:
        _make(root, CARREL)
        _make(root, "MyDrive")
        if not found:
            found = secrets.token_hex(16).encode()
            write_small(root, _ID, found)
        self._remember(found.decode(errors="replace"), _look(root)[0])

    def _remember(self, id_: str, folders: list[list[int]]) -> None:
        said = {"id": id_, "folders": folders}
        fd = os.open(self._state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            write_small(fd, (_REMEMBERED,), json.dumps(said).encode(), 0o600)
            os.fsync(fd)
        finally:
            os.close(fd)

    def _remembered(self) -> tuple[str, list[list[int]]] | None:
        try:
            with (self._state / _REMEMBERED).open("rb") as file:
                said = json.loads(file.read(_REMEMBERED_BYTES))
            return str(said["id"]), [[int(one) for one in two] for two in said["folders"]]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def _prepare(self, root: int) -> None:
        """Carrel's folders, and an empty ``tmp``: what is in there is half a download of a run that
        was killed, never a user's file."""
        with folder(root, (CARREL,)) as carrel:
            _make(carrel, TRASH[-1])
            _make(carrel, TMP[-1])
        if self._emptied:
            return
        with folder(root, TMP) as tmp:
            _require_exchange(tmp)
            _empty(tmp)
        self._emptied = True


def _look(root: int) -> tuple[list[list[int]], bool]:
    """Inode and birth of the root and of MyDrive; whether nothing is in MyDrive. Raises OSError."""
    with folder(root, ("MyDrive",)) as top, os.scandir(top) as entries:
        both = [[seen.st_ino, seen.st_birthtime_ns] for seen in (see(root), see(top))]
        return both, next(entries, None) is None


def _empty(tmp: int) -> None:
    with os.scandir(tmp) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                with suppress(FileNotFoundError):
                    os.unlink(entry.name, dir_fd=tmp)


def _require_exchange(tmp: int) -> None:
    """Raises LocalRefused where the file system cannot do what no byte is lost by."""
    names = secrets.token_hex(8), secrets.token_hex(8)
    for name in names:
        os.close(open_at(tmp, name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        rename((tmp, names[0]), (tmp, names[1]), Rename.EXCHANGE)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise LocalRefused(
            "The disk under the data directory cannot exchange two files in one step."
            " ext4, xfs, btrfs and tmpfs can; NFS cannot."
        ) from error


def _make(parent: int, name: str) -> None:
    """A folder; raises LocalRefused when something else is there, which is left alone."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=parent)
    try:
        os.close(open_at(parent, name))
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.EXDEV):
            raise LocalRefused(f"{name} is not a folder. Move it away; it is made anew.") from error
        raise
