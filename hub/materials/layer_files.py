"""The layers of a course on disk: read from an install's output, put in use, cleared away.

``packages/<id>`` is a layer, whole or absent; ``packages/current`` names the one in use, which a
kernel that begins in the course puts before all else (carrel_session.packages).
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from hub.materials import folder, tars
from hub.materials.folder import PART, NewFolder, Written
from hub.materials.members import Limits, Member
from hub.materials.places import Place
from hub.materials.tars import Read
from spawner.confinement import CURRENT
from spawner.errors import CarrelError, Code

LIMITS = Limits(
    files=200_000, file_bytes=4 * 2**30, all_bytes=4 * 2**30, entries=300_000,
    stream_bytes=6 * 2**30, depth=64, time_s=2400,
)  # fmt: skip
MOST_RESULT_BYTES = 2**20
MOST_PACKAGES = 2000
YOUNG_S = 3600
"""What changed so lately is not cleared away: somebody may be at it."""
_TOPS = ("lib", "bin")
_PACKAGE = re.compile(r"[A-Za-z0-9._-]{1,120}==[!-~]{1,120}", re.ASCII)

Hear = Callable[[bytes], None]


@dataclass(frozen=True)
class Taken:
    """A layer that lies on disk."""

    packages: tuple[str, ...]
    written: Written


def take(place: Place, id_: str, read: Read, hear: Hear) -> Taken:
    """Reads what an install prints (spawner.node.install); ``hear`` is called with its log.

    Raises CarrelError: REFUSED with what the install says when it did not work, BAD_INPUT for an
    output that is none. Then nothing is left of it.
    """
    until = time.monotonic() + LIMITS.time_s
    packages: tuple[str, ...] | None = None
    with NewFolder(place.packages / id_, LIMITS) as new:
        for member in tars.members(read, LIMITS):
            kind, _, path = member.path.partition("/")
            if time.monotonic() > until:
                raise CarrelError(Code.REFUSED, "It took too long.")
            if kind == "log":
                hear(b"")  # it may be empty, a sign of life
                for piece in member.read():
                    hear(piece)
            elif member.path == "result" and packages is None:
                packages = _packages(_small(member))
            elif kind == "layer" and packages is not None:
                if path.split("/")[0] not in _TOPS or member.why:
                    raise _odd()
                new.add(path, member)
            else:
                raise _odd()
        if packages is None:
            raise _odd()
        return Taken(packages, new.finish())


def is_there(place: Place, id_: str) -> bool:
    """Whether the layer can be used."""
    return (place.packages / id_).is_dir()


def use(place: Place, id_: str | None) -> None:
    """From now on kernels get that layer, or none. A second call changes nothing."""
    path = place.packages / CURRENT
    wanted = f"{id_}\n" if id_ else None
    try:
        found = path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        found = None
    if found == wanted:
        return
    if wanted is None:
        path.unlink(missing_ok=True)
    else:
        new = path.with_name(f"{CURRENT}{PART}")
        with new.open("w", encoding="ascii") as file:
            file.write(wanted)
            os.fchmod(file.fileno(), 0o644)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    folder.sync(path.parent)


def tidy(place: Place, keep: Collection[str]) -> None:
    """Clears away all but those layers, and what somebody may be writing just now."""
    kept = {CURRENT, *keep, *(f"{id_}{PART}" for id_ in keep)}
    young = time.time() - YOUNG_S
    for path in place.packages.glob("*"):
        if path.name not in kept and path.lstat().st_mtime < young:
            folder.remove(path)


def _small(member: Member) -> bytes:
    if member.size > MOST_RESULT_BYTES:
        raise _odd()
    return b"".join(member.read())


def _packages(raw: bytes) -> tuple[str, ...]:
    """Of a result that is a success. Raises CarrelError(REFUSED) with the problem of another."""
    try:
        told: Any = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _odd() from error
    if not isinstance(told, dict):
        raise _odd()
    if problem := told.get("problem"):
        text = "".join(c for c in str(problem)[:500] if c.isprintable())
        raise CarrelError(Code.REFUSED, text or "It did not work.")
    listed = told.get("packages")
    if not isinstance(listed, list):
        raise _odd()
    fit = (one for one in listed if isinstance(one, str) and _PACKAGE.fullmatch(one))
    return tuple(sorted(fit, key=str.lower)[:MOST_PACKAGES])


def _odd() -> CarrelError:
    return CarrelError(
        Code.BAD_INPUT,
        "What the build sent cannot be understood.",
        "A package that meddles with its own installation does that; leave it out.",
    )
