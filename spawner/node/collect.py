"""``python -m spawner.node.collect HOME PATH``: a part of a home as a tar on standard output.

Runs in a container of its own, with the home mounted read-only and nothing else (node.jobs). The
tree of the tar is called ``home``, whatever PATH is; what could not be read is listed beside it.
"""

from __future__ import annotations

import os
import stat
import sys
import tarfile
from pathlib import PurePosixPath
from typing import BinaryIO

from spawner.confinement import ARCHIVE_ROOT
from spawner.node.archive import archive
from spawner.node.homes import open_beneath
from spawner.node.trees import Pace

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def collect(home: str, path: str, out: BinaryIO) -> None:
    """Raises OSError: no such file, a symlink on the way, a way out."""
    home_fd = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    if not path:
        _folder(home_fd, out)
        return
    parts = PurePosixPath(path)
    parent_fd = open_beneath(home_fd, str(parts.parent))
    found = os.stat(parts.name, dir_fd=parent_fd, follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode):
        _folder(open_beneath(parent_fd, parts.name), out)
    elif stat.S_ISREG(found.st_mode):
        _file(os.open(parts.name, _OPEN, dir_fd=parent_fd), parts.name, out)
    else:
        raise OSError(0, "is neither a file nor a folder")


def _folder(folder_fd: int, out: BinaryIO) -> None:
    for piece in archive(folder_fd, Pace()):
        out.write(piece)
    out.write(bytes(2 * tarfile.BLOCKSIZE))


def _file(fd: int, name: str, out: BinaryIO) -> None:
    with os.fdopen(fd, "rb") as file, tarfile.open(fileobj=out, mode="w|") as tar:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(0, "was changed while it was read")
        info = tarfile.TarInfo(f"{ARCHIVE_ROOT}/{name}")
        info.size, info.mtime, info.mode = found.st_size, int(found.st_mtime), found.st_mode & 0o777
        tar.addfile(info, file)


def main(arguments: list[str]) -> int:
    home, path = arguments
    try:
        collect(home, path, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except FileNotFoundError:
        print(f"There is no {path!a} in the home.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{path!a} cannot be published: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
