"""Trees as senders send them: tars and zips, honest and not."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from hub.audit import By
from hub.enums import Source
from hub.materials import intake, tars, upload
from hub.materials.intake import Intake, Origin, Way
from hub.materials.members import Limits
from hub.materials.places import Place

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
END = bytes(2 * tarfile.BLOCKSIZE)
Files = dict[str, bytes]


def by(who: str = "tess", at: datetime = NOW) -> By:
    return By(who, at)


def tar(files: Files, extra: Iterable[tarfile.TarInfo] = (), mode: int = 0o644) -> bytes:
    """An honest tar, and entries without data before the files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info in extra:
            archive.addfile(info)
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(data), mode
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def special(path: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.type, info.linkname = kind, target
    return info


def header(path: str, size: int = 0, kind: bytes = tarfile.REGTYPE, **pax: str) -> bytes:
    """A header as such; what follows is the caller's."""
    info = tarfile.TarInfo(path)
    info.type, info.size = kind, size
    info.pax_headers = {key.replace("__", "."): value for key, value in pax.items()}
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % tarfile.BLOCKSIZE)


def reading(data: bytes) -> Callable[[int], bytes]:
    """As a network gives it: never as much as was asked for."""
    stream = io.BytesIO(data)
    return lambda most: stream.read(min(most, 70_000))


def take_tar(place: Place, data: bytes, limits: Limits | None = None, **origin: Any) -> Intake:
    limits = limits or Limits()
    return take_stream(place, reading(data), limits, **origin)


def take_stream(
    place: Place, read: Callable[[int], bytes], limits: Limits, **origin: Any
) -> Intake:
    how = Origin(**{"by": by(), "source": Source.SESSION, "detail": "labs", **origin})
    return intake.take(place, tars.members(read, limits), how, limits)


def take(place: Place, files: Files, **origin: Any) -> Intake:
    return take_tar(place, tar(files), **origin)


def take_upload(
    place: Place, data: bytes, name: str = "labs.zip", limits: Limits | None = None
) -> Intake:
    limits = limits or Limits()
    way = Way.REPLACE if name.endswith(".zip") else Way.ADD
    how = Origin(by(), Source.UPLOAD, name, way)
    return intake.take(place, upload.members(io.BytesIO(data), name, limits), how, limits)


def zipped(files: dict[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for path, data in files.items():
            archive.writestr(path, data, compress_type=method)
    return buffer.getvalue()


def files_of(place: Place, id_: str) -> Files:
    """What an intake holds."""
    mine = intake.of(place, id_)
    commit = intake.look(place, id_).commit
    return {path: mine.must("cat-file", "blob", f"{commit}:{path}") for path in mine.paths(commit)}


def cell(source: str, kind: str = "code", id_: str | None = None, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source}
    if kind == "code":
        body |= {"outputs": [], "execution_count": None}
    return body | ({"id": id_} if id_ else {}) | more


def notebook(*cells: dict[str, Any], **more: Any) -> bytes:
    body = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **more}
    return json.dumps(body, indent=1).encode()


def endless(first: bytes, again: bytes) -> Callable[[int], bytes]:
    """A sender that never stops."""

    def pieces() -> Iterator[bytes]:
        yield first
        while True:
            yield again

    held, more = b"", pieces()

    def read(most: int) -> bytes:
        nonlocal held
        while not held:
            held = next(more)
        given, held = held[:most], held[most:]
        return given

    return read
