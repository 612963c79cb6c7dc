"""Writes an untrusted tree as plain files into a new folder, which is there whole or not at all.

Nothing but folders and regular files is ever made in it, each anew and relative to its own folder:
there is no link to follow, and nothing that is replaced.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from hub.materials.members import Limits, Member, refused
from spawner.errors import CarrelError, Code

PART = ".part"
"""Of a folder that is not whole yet."""
FREE_BYTES = 1024 * 2**20
"""What stays free on the disk, which homes and databases may share."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK_EVERY = 64 * 2**20
_SEGMENT_BYTES = 255


@dataclass(frozen=True)
class Written:
    """What is in it; bytes as the files' lengths say."""

    files: int
    size_bytes: int


class NewFolder:
    """``with NewFolder(path, limits) as new``: ``add`` files, then ``finish``.

    Without that, nothing stays. Raises CarrelError: BAD_INPUT for what may not be written, FAILED
    for the disk.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path, self._limits = path, limits
        self._part = path.with_name(path.name + PART)
        self._files = self._folders = self._size = self._looked = 0
        # Only the way to the last file is kept open.
        self._way: list[tuple[str, int]] = []
        self._root = -1

    def __enter__(self) -> NewFolder:
        remove(self._part)  # of somebody who was killed
        for folder in (self._part.parent, self._part):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)  # whatever the umask is: sessions read it
        self._root = os.open(self._part, _OPEN)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave(0)
        os.close(self._root)
        remove(self._part)  # renamed, if it is whole

    def add(self, path: str, member: Member) -> None:
        """Writes one file, at ``path`` below the folder."""
        parts = _parts(path, self._limits)
        self._files += 1
        if self._files > self._limits.files:
            raise _too_much(f"{self._limits.files:,} files")
        try:
            self._write(parts, member)
        except FileExistsError as error:
            raise refused(path, "comes twice") from error
        except NotADirectoryError as error:
            raise refused(path, "is both a file and a folder") from error
        except OSError as error:
            raise CarrelError(
                Code.FAILED, f"The disk took no more: {error.strerror}.",
                "Ask your administrator to look at it.",
            ) from error  # fmt: skip

    def finish(self) -> Written:
        """It is there from now on."""
        self._leave(0)
        # One flush of all disks instead of one for each of a hundred thousand files.
        os.sync()
        remove(self._path)  # of somebody who was killed before it was on record
        self._part.rename(self._path)
        sync(self._path.parent)
        return Written(self._files, self._size)

    def _write(self, parts: tuple[str, ...], member: Member) -> None:
        fd = os.open(parts[-1], _NEW, 0o644, dir_fd=self._enter(parts[:-1]))
        with os.fdopen(fd, "wb") as file:
            for piece in member.read():
                self._count(len(piece))
                file.write(piece)
            os.fchmod(file.fileno(), 0o755 if member.mode & 0o100 else 0o644)

    def _count(self, more: int) -> None:
        self._size += more
        if self._size > self._limits.all_bytes:
            raise _too_much(f"{self._limits.all_bytes / 2**30:.1f} GiB")
        if self._size - self._looked >= _LOOK_EVERY or not self._looked:
            self._looked = self._size
            if shutil.disk_usage(self._part).free < FREE_BYTES:
                raise CarrelError(
                    Code.FAILED, "The disk for materials is nearly full.",
                    "Nothing was taken. Ask your administrator to make room.",
                )  # fmt: skip

    def _enter(self, parts: tuple[str, ...]) -> int:
        """The folder of a file, made where it is missing."""
        common = 0
        for (name, _), wanted in zip(self._way, parts, strict=False):
            if name != wanted:
                break
            common += 1
        self._leave(common)
        for name in parts[common:]:
            above = self._way[-1][1] if self._way else self._root
            try:
                os.mkdir(name, 0o755, dir_fd=above)
            except FileExistsError:
                fd = os.open(name, _OPEN, dir_fd=above)
            else:
                fd = os.open(name, _OPEN, dir_fd=above)
                os.fchmod(fd, 0o755)
                self._folders += 1
                if self._folders > self._limits.files:
                    os.close(fd)
                    raise _too_much(f"{self._limits.files:,} folders")
            self._way.append((name, fd))
        return self._way[-1][1] if self._way else self._root

    def _leave(self, depth: int) -> None:
        while len(self._way) > depth:
            os.close(self._way.pop()[1])


def remove(path: Path) -> None:
    """A folder or file of ours, if it is there; a link itself and not where it leads."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


def sync(folder: Path) -> None:
    """What was renamed in it is so after a power cut too."""
    fd = os.open(folder, _OPEN)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _parts(path: str, limits: Limits) -> tuple[str, ...]:
    try:
        size = len(path.encode())
    except UnicodeEncodeError as error:
        raise refused(path, "has a name that is not UTF-8") from error
    parts = tuple(path.split("/"))
    if size > limits.path_bytes or len(parts) > limits.depth:
        raise refused(path, "has a path that is too long")
    for part in parts:
        if part in ("", ".", "..") or "\0" in part or len(part.encode()) > _SEGMENT_BYTES:
            raise refused(path, "is no path of a file within the folder")
    return parts


def _too_much(what: str) -> CarrelError:
    return CarrelError(Code.BAD_INPUT, f"There are more than {what} in it.")
