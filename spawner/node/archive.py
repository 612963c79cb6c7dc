"""A home as a tar, piece by piece, however its owner changes it meanwhile.

A file is announced with a size and then sent with that size: what grew is cut, what shrank is
filled with zeros. Holes stay holes (GNU's sparse format 1.0 in pax headers), so a sparse file of a
terabyte takes what it holds. A file of several names is sent once; the others are links to it.
There is no end-of-archive mark: whoever asks joins it to more.
"""

from __future__ import annotations

import errno
import os
import stat
import tarfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from spawner.confinement import ARCHIVE_LEFT_OUT, ARCHIVE_ROOT, MY_DRIVE
from spawner.node.trees import Found, Pace, Step, Why, walk

PIECE_BYTES = 256 * 1024
MOST_PATH_BYTES = 4096
"""PATH_MAX of Linux: a longer path can be unpacked by nobody."""
MOST_SEGMENTS = 50_000
"""Pieces of data between holes."""
MOST_LINKED_BYTES = 32 * 2**20
"""Of paths kept in mind, of files that have more names still to come."""
MOST_LINES = 1000
_BLOCK = tarfile.BLOCKSIZE
# Non-blocking: a file swapped for a FIFO must not hold the archive up.
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_TOO_LONG = "its path is too long"
_KIND = "it is no file, folder or link"
_HOLES = "it has too many holes"
_NAMES = "too many files have several names"
_BROKE = "it could not be read to its end, the rest is zeros"


@dataclass(frozen=True)
class Tree:
    """What all of it is in, and the name of the list of what is left out."""

    root: str
    left_out: str


HOME_TREE = Tree(ARCHIVE_ROOT, ARCHIVE_LEFT_OUT)
DRIVE_TREE = Tree(f"{ARCHIVE_ROOT}/drive/{MY_DRIVE}", "drive-left-out.txt")


@dataclass(frozen=True)
class _Segment:
    """Data of a file between two holes, in bytes."""

    start: int
    length: int


@dataclass
class _Left:
    """Bounded notes of what is left out."""

    lines: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, path: str, why: str) -> None:
        if len(self.lines) < MOST_LINES:
            self.lines.append(f"{path[:MOST_PATH_BYTES]!a}: {why}\n")
        else:
            self.more += 1

    def text(self) -> bytes:
        more = f"and {self.more} more\n" if self.more else ""
        return "".join((*self.lines, more)).encode()


@dataclass
class _Linked:
    """Where in the archive files are that have more names, by device and inode; bounded."""

    first: dict[tuple[int, int], str] = field(default_factory=dict)
    to_come: dict[tuple[int, int], int] = field(default_factory=dict)
    kept_bytes: int = 0

    def earlier(self, found: os.stat_result) -> str | None:
        """The path of the name that was sent, if one was."""
        key = (found.st_dev, found.st_ino)
        path = self.first.get(key)
        if path is None:
            return None
        self.to_come[key] -= 1
        if self.to_come[key] <= 0:  # all names are through: the next of that inode is another file
            del self.first[key], self.to_come[key]
            self.kept_bytes -= len(path)
        return path

    def keep(self, found: os.stat_result, path: str) -> bool:
        """Whether there is room to remember this one."""
        if self.kept_bytes + len(path) > MOST_LINKED_BYTES:
            return False
        key = (found.st_dev, found.st_ino)
        self.first[key], self.to_come[key] = path, found.st_nlink - 1
        self.kept_bytes += len(path)
        return True


def archive(home_fd: int, pace: Pace, tree: Tree = HOME_TREE) -> Generator[bytes, None, None]:
    """Pieces of about PIECE_BYTES, whole tar members all together. Raises OSError."""
    held = bytearray()
    for part in _members(home_fd, pace, tree):
        held += part
        if len(held) >= PIECE_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _members(home_fd: int, pace: Pace, tree: Tree) -> Iterator[bytes]:
    left, linked = _Left(), _Linked()
    way: list[str] = [tree.root]
    yield _header(_info(f"{tree.root}/", os.fstat(home_fd), tarfile.DIRTYPE))
    for found in walk(home_fd, pace, MOST_PATH_BYTES // 2):
        if found.step in (Step.LEAVE, Step.LOST):
            way.pop()
            if found.step is Step.LOST:
                left.add(f"{way[-1]}/{found.name}", Why.CHANGED.value)
            continue
        path = f"{way[-1]}/{found.name}"
        too_long = len(os.fsencode(path)) > MOST_PATH_BYTES
        if found.step is Step.ENTER:
            # A path that is too long once stays so below: it need not be kept whole.
            way.append(path[: MOST_PATH_BYTES * 2] if too_long else path)
        if too_long or found.step is Step.PASSED:
            left.add(path, _TOO_LONG if too_long or found.why is None else found.why.value)
        elif found.step is Step.ENTER and found.stat:
            yield _header(_info(f"{path}/", found.stat, tarfile.DIRTYPE))
        else:
            yield from _entry(found, path, left, linked, pace)
    if text := left.text():
        info = tarfile.TarInfo(tree.left_out)
        info.size, info.mtime = len(text), int(os.fstat(home_fd).st_mtime)
        yield _header(info) + text + _filling(len(text))


def _entry(found: Found, path: str, left: _Left, linked: _Linked, pace: Pace) -> Iterator[bytes]:
    mode = found.stat.st_mode if found.stat else 0
    try:
        if stat.S_ISLNK(mode) and found.stat:
            info = _info(path, found.stat, tarfile.SYMTYPE)
            info.linkname = os.readlink(found.name, dir_fd=found.folder_fd)
            yield _header(info)
        elif stat.S_ISREG(mode):
            fd = os.open(found.name, _OPEN, dir_fd=found.folder_fd)
            try:
                yield from _file(fd, path, left, linked, pace)
            finally:
                os.close(fd)
        else:
            left.add(path, _KIND)
    except FileNotFoundError:
        pass
    except OSError as error:
        # EAGAIN: a session holds a lease on the file (F_SETLEASE), which is not waited for.
        if error.errno not in (
            errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.EACCES, errno.EPERM, errno.EAGAIN,
        ):  # fmt: skip
            raise
        left.add(path, Why.CHANGED.value)


def _file(fd: int, path: str, left: _Left, linked: _Linked, pace: Pace) -> Iterator[bytes]:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        left.add(path, Why.CHANGED.value)
        return
    if found.st_nlink > 1 and (earlier := linked.earlier(found)):
        link = _info(path, found, tarfile.LNKTYPE)
        link.linkname = earlier
        yield _header(link)
        return
    info = _info(path, found, tarfile.REGTYPE)
    segments = [_Segment(0, found.st_size)]
    map_ = b""
    if found.st_blocks * 512 < found.st_size:
        segments = _segments(fd, found.st_size)
        if len(segments) > MOST_SEGMENTS:
            left.add(path, _HOLES)
            return
        map_ = _sparse_map(segments)
        info.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": path,
            "GNU.sparse.realsize": str(found.st_size),
        }
    if found.st_nlink > 1 and not linked.keep(found, path):
        left.add(path, _NAMES)
        return
    info.size = len(map_) + sum(segment.length for segment in segments)
    yield _header(info) + map_
    for segment in segments:
        yield from _data(fd, segment, path, left, pace)
    yield _filling(info.size)


def _data(fd: int, segment: _Segment, path: str, left: _Left, pace: Pace) -> Iterator[bytes]:
    """Exactly as many bytes as were announced."""
    at, end, broke = segment.start, segment.start + segment.length, False
    while at < end:
        pace()
        wanted = min(PIECE_BYTES, end - at)
        try:
            piece = b"" if broke else os.pread(fd, wanted, at)
        except OSError:
            piece, broke = b"", True
            left.add(path, _BROKE)
        piece = piece or bytes(wanted)
        yield piece
        at += len(piece)


def _segments(fd: int, size: int) -> list[_Segment]:
    """Where the file holds data; stops one beyond MOST_SEGMENTS."""
    found: list[_Segment] = []
    at = 0
    while at < size and len(found) <= MOST_SEGMENTS:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
            end = os.lseek(fd, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno != errno.ENXIO:  # ENXIO: nothing but a hole from here on
                raise
            break
        if start >= size:
            break
        found.append(_Segment(start, min(end, size) - start))
        at = end
    # GNU tar writes the same: it says where the file ends.
    return [*found, _Segment(size, 0)]


def _sparse_map(segments: list[_Segment]) -> bytes:
    numbers = [len(segments), *(n for one in segments for n in (one.start, one.length))]
    text = "".join(f"{number}\n" for number in numbers).encode()
    return text + _filling(len(text))


def _info(path: str, found: os.stat_result, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.type, info.mtime = kind, int(found.st_mtime)
    # Whoever unpacks it owns it; a setuid program of a session is one nowhere else.
    info.mode = found.st_mode & 0o777
    return info


def _header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _filling(size: int) -> bytes:
    return bytes(-size % _BLOCK)
