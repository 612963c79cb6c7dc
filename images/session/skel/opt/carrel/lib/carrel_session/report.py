"""Decides what became of each file when a copy of a course was taken or updated (pure).

The words are for students: *kept* is their version, *updated* the teacher's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

MOST_FILES = 500
"""In what is told to the hub; the counts are of all."""
Hashes = Mapping[str, str]
"""Name → hash of the content."""


class Fate(StrEnum):
    """What became of one file."""

    UP_TO_DATE = "up_to_date"  # the version's, before and after
    UPDATED = "updated"  # not edited here: now the version's
    NEW = "new"  # came with this version
    RESTORED = "restored"  # deleted here, came back
    EDITED = "edited"  # edited here; the teacher has not changed it since
    MERGED = "merged"  # edited here and changed by the teacher: both are in it
    KEPT = "kept"  # edited here and changed by the teacher: yours stayed as it was
    SET_ASIDE = "set_aside"  # yours had the name of a new one: yours was renamed
    REMOVED = "removed"  # deleted by the teacher, not edited here: gone
    REMOVED_KEPT = "removed_kept"  # deleted by the teacher, edited here: yours stayed
    MISSING = "missing"  # of the version, but not there: something went wrong


CURRENT = frozenset({Fate.UP_TO_DATE, Fate.UPDATED, Fate.NEW, Fate.RESTORED, Fate.SET_ASIDE})
"""The student's file is the version's."""
NEWS = frozenset({Fate.MERGED, Fate.KEPT, Fate.SET_ASIDE, Fate.REMOVED_KEPT, Fate.MISSING})
"""Worth stopping for on the way to a notebook."""


@dataclass(frozen=True)
class Trees:
    """The four states that a fate is read from, each name → hash.

    ``base`` is the version that the copy stood on, ``before`` and ``after`` are the student's
    files, ``version`` is what was published last. ``set_aside`` is name → new name of what had to
    make room.
    """

    base: Hashes
    before: Hashes
    version: Hashes
    after: Hashes
    set_aside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FileReport:
    """What became of one file; ``saved_as`` is where the student's own went."""

    name: str
    fate: Fate
    saved_as: str = ""


@dataclass(frozen=True)
class Report:
    """What became of a copy. ``first`` is true when it was taken, not updated."""

    commit: str
    at: datetime
    first: bool
    files: tuple[FileReport, ...]

    @property
    def news(self) -> tuple[FileReport, ...]:
        return tuple(file for file in self.files if file.fate in NEWS)

    @property
    def counts(self) -> Mapping[str, int]:
        return dict(Counter(file.fate.value for file in self.files))

    def told(self) -> dict[str, Any]:
        """The body of ``POST {JUPYTERHUB_API_URL}/carrel/courses/<slug>/copy``.

        ::

            {"version": "<40 hex digits of the commit>", "at": "2026-10-05T09:00:00+00:00",
             "first": false, "counts": {"up_to_date": 26, "kept": 2},
             "current": 26, "own": 2,
             "files": [{"name": "lab3.ipynb", "fate": "kept"},
                       {"name": "notes.ipynb", "fate": "set_aside",
                        "saved_as": "notes__20261005090000.ipynb"}],
             "left_out": 0}

        ``current`` files are the version's, ``own`` ones are there with the student's edits.
        ``files`` holds at most 500, those that differ from the version first; the rest is counted
        in ``left_out``. The session's token says whose it is. It comes from a program that the
        student could have changed: a claim, to be shown as such, and with its sizes checked.
        """
        ranked = sorted(self.files, key=lambda file: (file.fate is Fate.UP_TO_DATE, file.name))
        gone = (Fate.REMOVED, Fate.MISSING)
        current = sum(file.fate in CURRENT for file in self.files)
        return {
            "version": self.commit,
            "at": self.at.isoformat(timespec="seconds"),
            "first": self.first,
            "counts": self.counts,
            "current": current,
            "own": len(self.files) - current - sum(file.fate in gone for file in self.files),
            "files": [_line(file) for file in ranked[:MOST_FILES]],
            "left_out": max(0, len(ranked) - MOST_FILES),
        }


def _line(file: FileReport) -> dict[str, str]:
    line = {"name": file.name, "fate": file.fate.value}
    return {**line, "saved_as": file.saved_as} if file.saved_as else line


def decide(trees: Trees) -> tuple[FileReport, ...]:
    """The fate of every file of the version, and of those that it no longer has."""
    names = sorted({*trees.version, *trees.base})
    found = ((name, _fate(name, trees)) for name in names)
    return tuple(
        FileReport(name, fate, trees.set_aside.get(name, ""))
        for name, fate in found
        if fate is not None
    )


def _fate(name: str, trees: Trees) -> Fate | None:
    base, before = trees.base.get(name), trees.before.get(name)
    version, after = trees.version.get(name), trees.after.get(name)
    if version is None:
        if after is not None:
            return Fate.REMOVED_KEPT
        return Fate.REMOVED if before is not None else None
    if after is None:
        return Fate.MISSING
    if name in trees.set_aside:
        return Fate.SET_ASIDE
    if after == version:
        return _fate_of_theirs(base, before, version)
    if base == version:
        return Fate.EDITED
    return Fate.KEPT if before == after else Fate.MERGED


def _fate_of_theirs(base: str | None, before: str | None, version: str) -> Fate:
    """Of a file that is the version's now."""
    if before is None:
        return Fate.NEW if base is None else Fate.RESTORED
    if before == version:
        return Fate.UP_TO_DATE
    # Edits that are gone although nothing may be eaten were the teacher's changes, too.
    return Fate.UPDATED if before == base else Fate.MERGED
