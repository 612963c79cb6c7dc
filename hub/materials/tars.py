"""Reads an untrusted tar stream, entry by entry, and believes nothing that it says of itself.

Python's own tarfile keeps a whole extended header in memory, however large it says it is, and
takes a stream that breaks off for one that ended. Here a stream ends with its end mark or is
refused. Understood are the plain, GNU and pax forms, and the sparse form that node's archives use.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hub.materials.members import Limits, Member, left_out, refused, shown, too_much
from spawner.errors import CarrelError, Code

BLOCK = tarfile.BLOCKSIZE
PIECE = 256 * 1024
MOST_HEADER_BYTES = 64 * 1024
"""Of one extended header: a path has at most a few thousand."""
MOST_SEGMENTS = 50_001
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_NONE = {
    tarfile.LNKTYPE: "it is a second name of another file",
    tarfile.SYMTYPE: "it is a link",
    tarfile.CHRTYPE: "it is a device",
    tarfile.BLKTYPE: "it is a device",
    tarfile.FIFOTYPE: "it is a pipe",
}
_OWN_HEADERS = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_RECORD = re.compile(rb"([1-9][0-9]{0,5}) ([^=\n]+)=")
_ZEROS = bytes(PIECE)

Read = Callable[[int], bytes]
"""At most so many bytes; none at the end."""


def members(read: Read, limits: Limits) -> Iterator[Member]:
    """Files, and what is no file, as they come. Raises CarrelError(BAD_INPUT)."""
    stream = _Stream(read, limits.stream_bytes)
    coming = _Coming()
    for _ in range(limits.entries):
        header = stream.exactly(BLOCK)
        if header == bytes(BLOCK):
            return
        kind, size = header[156:157], _number(header[124:136])
        if not _is_whole(header) or size is None:
            raise _broken("is no tar archive, or a broken one")
        if kind in (*_OWN_HEADERS, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME,
                    tarfile.GNUTYPE_LONGLINK):  # fmt: skip
            coming.add(kind, stream.header(size))
            continue
        yield from _entry(stream, header, coming, size)
        coming = _Coming()
    raise too_much(f"There are more than {limits.entries:,} entries in it.")


@dataclass
class _Coming:
    """What extended headers say of the next entry."""

    name: bytes | None = None
    said: dict[bytes, bytes] = field(default_factory=dict)

    def add(self, kind: bytes, data: bytes) -> None:
        if kind == tarfile.GNUTYPE_LONGNAME:
            self.name = data.rstrip(b"\0")
        elif kind in _OWN_HEADERS:
            self.said |= _records(data)
        elif kind == tarfile.XGLTYPE and _records(data).keys() & {b"path", b"size"}:
            raise _broken("gives one name or size to all its files")


class _Stream:
    """Counts what it reads."""

    def __init__(self, read: Read, most: int) -> None:
        self._read, self._left = read, most

    def pieces(self, size: int) -> Iterator[bytes]:
        """Exactly so many bytes."""
        while size:
            piece = self._read(min(size, PIECE))
            if not piece:
                raise _broken("breaks off before its end")
            self._left -= len(piece)
            if self._left < 0:
                raise too_much("What was sent is too large altogether.")
            size -= len(piece)
            yield piece

    def exactly(self, size: int) -> bytes:
        return b"".join(self.pieces(size))

    def header(self, size: int) -> bytes:
        if size > MOST_HEADER_BYTES:
            raise _broken("has a header that is too large")
        return self.exactly(_padded(size))[:size]


def _entry(stream: _Stream, header: bytes, coming: _Coming, size: int) -> Iterator[Member]:
    kind, said = header[156:157], coming.said
    raw = said.get(b"GNU.sparse.name") or said.get(b"path") or coming.name or _name(header)
    path = raw.decode("utf-8", "surrogateescape")
    if b"size" in said:
        size = _decimal(said[b"size"], path)
    if kind == tarfile.DIRTYPE or (kind == tarfile.AREGTYPE and path.endswith("/")):
        return
    if kind in _NONE:
        yield left_out(path, _NONE[kind])
        return
    data = _Data(stream, size, path)
    if kind not in _FILES:
        if kind == tarfile.GNUTYPE_SPARSE:
            raise refused(path, "is stored with holes in an old form", "Copy it anew.")
        yield left_out(path, "it is no file")
    elif any(key.startswith(b"GNU.sparse.") for key in said):
        if said.get(b"GNU.sparse.major") != b"1" or said.get(b"GNU.sparse.minor") != b"0":
            raise refused(path, "is stored with holes in an old form", "Copy it anew.")
        real = _decimal(said.get(b"GNU.sparse.realsize", b""), path)
        yield Member(path, _mode(header), real, lambda: _with_holes(data, real))
    else:
        yield Member(path, _mode(header), size, data.rest)
    for _ in data.rest():
        pass
    data.skip_filling()


class _Data:
    """What follows a header, up to the next."""

    def __init__(self, stream: _Stream, size: int, path: str) -> None:
        self._stream, self._size, self.left, self.path = stream, size, size, path

    def rest(self) -> Iterator[bytes]:
        """All that was not read yet."""
        return self.pieces(self.left)

    def pieces(self, size: int) -> Iterator[bytes]:
        if size > self.left:
            raise _lies(self.path)
        for piece in self._stream.pieces(size):
            self.left -= len(piece)
            yield piece

    def exactly(self, size: int) -> bytes:
        return b"".join(self.pieces(size))

    def skip_filling(self) -> None:
        self._stream.exactly(_padded(self._size) - self._size)


def _with_holes(data: _Data, real: int) -> Iterator[bytes]:
    """GNU's sparse form 1.0: a list of segments, then their data; between them, zeros."""
    at = 0
    for start, length in list(_segments(data)):
        if start < at or start + length > real:
            raise _lies(data.path)
        yield from _hole(start - at)
        yield from data.pieces(length)
        at = start + length
    if data.left:
        raise _lies(data.path)
    yield from _hole(real - at)


def _segments(data: _Data) -> Iterator[tuple[int, int]]:
    numbers = _numbers(data)
    count = next(numbers)
    if count > MOST_SEGMENTS:
        raise refused(data.path, "has too many holes", "Copy it anew without them.")
    for _ in range(count):
        yield next(numbers), next(numbers)


def _numbers(data: _Data) -> Iterator[int]:
    """Decimal lines in whole blocks; only as many blocks are read as are asked for."""
    rest = b""
    while True:
        line, end, after = rest.partition(b"\n")
        if end:
            rest = after
            yield _decimal(line, data.path)
        elif len(rest) > 32:
            raise _lies(data.path)
        else:
            rest += data.exactly(BLOCK)


def _hole(size: int) -> Iterator[bytes]:
    while size:
        yield _ZEROS[: min(size, PIECE)]
        size -= min(size, PIECE)


def _records(data: bytes) -> dict[bytes, bytes]:
    """Of a pax header: ``length key=value`` lines."""
    found, at = {}, 0
    while at < len(data):
        match = _RECORD.match(data, at)
        if not match:
            raise _broken("has a header that cannot be read")
        end = at + int(match[1])
        if end <= match.end() or data[end - 1 : end] != b"\n":
            raise _broken("has a header that cannot be read")
        found[match[2]] = data[match.end() : end - 1]
        at = end
    return found


def _name(header: bytes) -> bytes:
    name = header[:100].split(b"\0")[0]
    prefix = header[345:500].split(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _mode(header: bytes) -> int:
    return (_number(header[100:108]) or 0) & 0o777


def _number(raw: bytes) -> int | None:
    """Octal, or GNU's binary form; None for what is neither, or negative, or absurd."""
    if raw[0] & 0x80:
        number = int.from_bytes(bytes([raw[0] & 0x7F]) + raw[1:], "big")
        return number if number < 2**50 else None
    text = raw.strip(b" \0")
    return (int(text, 8) if re.fullmatch(rb"[0-7]+", text) else None) if text else 0


def _decimal(raw: bytes, path: str) -> int:
    if not re.fullmatch(rb"[0-9]{1,16}", raw):
        raise _lies(path)
    return int(raw)


def _is_whole(header: bytes) -> bool:
    said = _number(header[148:156])
    return said == sum(header[:148]) + 8 * 0x20 + sum(header[156:])


def _padded(size: int) -> int:
    return size + -size % BLOCK


def _lies(path: str) -> CarrelError:
    return CarrelError(
        Code.BAD_INPUT, f"{shown(path)} is not as long as it says.", "Send it again."
    )


def _broken(what: str) -> CarrelError:
    return CarrelError(Code.BAD_INPUT, f"What was sent {what}.", "Send it again.")
