"""Reads what somebody uploads, a notebook or a zip, as the entries of a tree.

The list at a zip's end is measured before anybody reads it, and nothing in it is believed: each
file is unpacked in pieces and has to come out exactly as long as the list says.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from hub.materials.members import MIB, Limits, Member, left_out, nothing, refused, too_much
from spawner.errors import CarrelError

MOST_LIST_BYTES = 8 * MIB
"""Of the list at a zip's end: 20,000 files with long names."""
MOST_ENTRIES = 50_000
RATIO, RATIO_FREE_BYTES = 100, 32 * MIB
"""How many times larger than what was sent all may come out, beyond a free start."""
_PIECE = 256 * 1024
_END = struct.Struct("<4s4H2LH")
_END_MARK, _END64_MARK = b"PK\5\6", b"PK\6\7"
_END64_BYTES = 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_LOCAL_BYTES = 30


def members(file: BinaryIO, name: str, limits: Limits) -> Iterator[Member]:
    """What is in an uploaded file of that name. ``file`` can be sought in.

    Raises CarrelError(BAD_INPUT).
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    plain = name.replace("\\", "/").rsplit("/", 1)[-1]  # some browsers send a whole path
    if plain.casefold().endswith(".ipynb"):
        if not file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            raise refused(plain, "is no notebook", "Open it in a session and save it again.")
        yield Member(plain, 0o644, size, partial(_plain, file, plain, size))
        return
    if not plain.casefold().endswith(".zip"):
        raise refused(plain, "is neither a notebook (.ipynb) nor a zip", "Pack it into a zip.")
    yield from _entries(file, plain, size, limits)


def _plain(file: BinaryIO, name: str, size: int) -> Iterator[bytes]:
    file.seek(0)
    left = size
    while piece := file.read(min(_PIECE, left)):
        left -= len(piece)
        yield piece
    if left:
        raise _lies(name)


def _entries(file: BinaryIO, name: str, size: int, limits: Limits) -> Iterator[Member]:
    if size > limits.stream_bytes:
        raise too_much(f"The zip has more than {limits.stream_bytes // MIB:,} MB.")
    _check_end(file, name, size)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, EOFError) as error:
        raise refused(name, "is no zip, or a broken one", "Pack it again.") from error
    with archive:
        listed = archive.infolist()
        if len(listed) > MOST_ENTRIES:
            raise too_much(f"There are more than {MOST_ENTRIES:,} entries in it.")
        _check_overlap(listed, archive.start_dir)
        if sum(i.file_size for i in listed) > RATIO * size + RATIO_FREE_BYTES:
            raise too_much(
                "What the zip says it holds is far larger than what was sent.",
                "Pack it again, without files that are nearly empty.",
            )
        for info in listed:
            yield from _entry(archive, info)


def _check_end(file: BinaryIO, name: str, size: int) -> None:
    """Refuses a list that is too long to be read, before Python's zipfile reads it whole.

    It finds the end as zipfile does, so that both look at the same one.
    """
    broken = refused(name, "is no zip, or a broken one", "Pack it again.")
    tail_start = file.seek(max(0, size - _END.size - 0xFFFF))
    tail = file.read()
    at = len(tail) - _END.size
    if not (at >= 0 and tail[at:].startswith(_END_MARK) and tail.endswith(b"\0\0")):
        at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) < at + _END.size:
        raise broken
    *_, entries, list_bytes, _start, _comment = _END.unpack_from(tail, at)
    where = tail_start + at
    if where >= _END64_BYTES:
        file.seek(where - _END64_BYTES)
        if file.read(4) == _END64_MARK:
            raise too_much("The zip has more entries or bytes than are taken.")
    if entries > MOST_ENTRIES or list_bytes > MOST_LIST_BYTES:
        raise too_much(f"There are more than {MOST_ENTRIES:,} entries in it.")
    file.seek(0)


def _check_overlap(listed: list[zipfile.ZipInfo], end: int) -> None:
    """No two entries share bytes: that is how a small zip becomes an endless tree."""
    ordered = sorted(listed, key=lambda info: info.header_offset)
    ends = [*(info.header_offset for info in ordered), end][1:]
    for info, most in zip(ordered, ends, strict=True):
        needs = _LOCAL_BYTES + len(info.orig_filename.encode("utf-8", "replace")) // 3
        if info.header_offset < 0 or info.header_offset + needs + info.compress_size > most:
            raise refused(
                info.orig_filename, "shares its bytes with another file", "Pack it again."
            )


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[Member]:
    # Not ``filename``: that one ends at a NUL.
    path, mode = info.orig_filename, info.external_attr >> 16
    if path.endswith("/"):
        return
    if "\\" in path:
        raise refused(path, "is a name with a backslash", "Pack it again with another program.")
    if info.flag_bits & _ENCRYPTED:
        raise refused(path, "is locked with a password", "Pack it again without one.")
    kind = stat.S_IFMT(mode)
    if kind not in (0, stat.S_IFREG):
        yield left_out(path, "it is a link" if kind == stat.S_IFLNK else "it is no file")
    elif info.compress_type not in _METHODS:
        raise refused(path, "is packed in a way that few programs know", "Pack it again.")
    elif info.file_size == 0 and info.compress_size == 0:
        yield Member(path, mode & 0o777, 0, nothing)
    else:
        yield Member(path, mode & 0o777, info.file_size, partial(_unpacked, archive, info))


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    left = info.file_size
    try:
        with archive.open(info) as file:
            while piece := file.read(_PIECE):
                left -= len(piece)
                if left < 0:
                    break
                yield piece
    except (
        zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError,
        struct.error,
    ) as error:  # fmt: skip
        raise _lies(info.orig_filename) from error
    if left:
        raise _lies(info.orig_filename)


def _lies(path: str) -> CarrelError:
    return refused(path, "is broken, or not as long as the list says", "Pack it again.")
