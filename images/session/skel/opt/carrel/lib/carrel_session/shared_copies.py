"""Keeps one's copies of notebooks from public repositories: what is edited is never replaced."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from pathlib import Path

from carrel_session.addresses import Shared
from carrel_session.errors import Code, SessionError, is_full, no_room

RECORD = ".carrel.json"
"""Beside the owners' folders: for each copy the hash of what was fetched."""


class Step(Enum):
    """What to do with a notebook that was fetched."""

    WRITE = auto()  # there is no copy, or one that nobody touched and that is older
    OPEN = auto()  # the copy is what the host has, or the host has nothing new
    ASK = auto()  # both changed


@dataclass(frozen=True)
class Copy:
    """The hashes of a copy as it is and as it was fetched; empty where there is none."""

    content: str = ""
    fetched: str = ""


def decide(copy: Copy, offered: str) -> Step:
    """``offered`` is the hash of what the host has now (pure)."""
    if not copy.content:
        return Step.WRITE
    if offered in (copy.content, copy.fetched):
        return Step.OPEN
    return Step.WRITE if copy.content == copy.fetched else Step.ASK


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def look(home: Path, wanted: Shared) -> Copy:
    """What is there. Raises SessionError where something else stands in its place."""
    target = _target(home, wanted)
    if not target.exists():
        return Copy()
    if not target.is_file():
        raise SessionError(
            Code.CONFLICT, f"{wanted.place} is no file.", "Rename it, then open the link again."
        )
    return Copy(digest(target.read_bytes()), _records(home).get(wanted.place, ""))


def bring(home: Path, wanted: Shared, content: bytes) -> Step:
    """Puts what was fetched in its place if nothing edited is there; what was decided."""
    step = decide(look(home, wanted), digest(content))
    if step is Step.WRITE:
        _put(_target(home, wanted), content)
        _record(home, wanted.place, digest(content))
    return step


def write_beside(home: Path, wanted: Shared, content: bytes, now: datetime) -> str:
    """Puts it under a name that is free, as clashes in a course are named; its place.

    From then on the copy counts as being of this version: the same one is not offered again.
    """
    target = _target(home, wanted)
    stamp, number = now.strftime("__%Y%m%d%H%M%S"), 1
    while True:
        more = stamp if number == 1 else f"{stamp}_{number}"
        beside = target.with_name(f"{target.stem}{more}{target.suffix}")
        if not (beside.exists() or beside.is_symlink()):
            break
        number += 1
    _put(beside, content)
    _record(home, wanted.place, digest(content))
    return str(beside.relative_to(home))


def _target(home: Path, wanted: Shared) -> Path:
    target = home / wanted.place
    if not target.resolve().is_relative_to(home.resolve()):
        raise SessionError(
            Code.CONFLICT,
            "A link in your home leads this notebook's folder out of it.",
            "Rename the link, then try again.",
        )
    return target


def _put(target: Path, content: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=".carrel-", suffix=".tmp", delete=False
        ) as file:
            half = Path(file.name)
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                half.chmod(0o644)
                half.replace(target)
            finally:
                half.unlink(missing_ok=True)
    except OSError as problem:
        if is_full(problem):
            raise no_room() from problem
        raise SessionError(
            Code.CONFLICT,
            f"{target.name} cannot be written: {problem.strerror}.",
            "Look at its folder in the file browser.",
        ) from problem


def _records(home: Path) -> dict[str, str]:
    """A list that cannot be read counts as empty: then every copy counts as edited."""
    try:
        found = json.loads((home / "github" / RECORD).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _record(home: Path, place: str, content: str) -> None:
    """After the effect: what is not recorded counts as edited, which loses nothing."""
    records = {**_records(home), place: content}
    _put(home / "github" / RECORD, json.dumps(records, indent=0, sort_keys=True).encode())
