"""Which documents are open is known only from a fresh note that makes sense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from drivesync.open_documents import MOST_BYTES, OpenDocuments

NOW = 1_795_000_000.0


def paths(drive: Path, note: object) -> frozenset[tuple[str, ...]] | None:
    (drive / ".carrel" / "open").write_text(note if isinstance(note, str) else json.dumps(note))
    return OpenDocuments(drive, lambda: NOW).paths()


def test_open_documents_are_those_below_my_drive(drive: Path) -> None:
    note = {"at": NOW - 3, "paths": ["MyDrive/a/b.ipynb", "MyDrive/ü.txt", "elsewhere/c"]}
    assert paths(drive, note) == {("a", "b.ipynb"), ("ü.txt",)}


def test_none_open_is_known_too(drive: Path) -> None:
    assert paths(drive, {"at": NOW, "paths": []}) == frozenset()


@pytest.mark.parametrize("at", [NOW - 20, NOW + 3, "now", None, True, float("nan"), 1e308])
def test_a_note_of_another_time_is_not_believed(drive: Path, at: object) -> None:
    assert paths(drive, {"at": at, "paths": []}) is None


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        "MyDrive/a",
        [1],
        ["MyDrive/../MyDrive/a"],
        ["/MyDrive/a"],
        ["MyDrive//a"],
        ["MyDrive/"],
        ["MyDrive/a\0b"],
        ["MyDrive/a", None],
    ],
)
def test_a_list_that_makes_no_sense_is_not_believed(drive: Path, told: object) -> None:
    assert paths(drive, {"at": NOW, "paths": told}) is None


def test_a_note_that_is_too_large_is_not_believed(drive: Path) -> None:
    assert paths(drive, json.dumps({"at": NOW, "paths": []}) + " " * MOST_BYTES) is None


def test_no_note_is_not_known(drive: Path) -> None:
    assert OpenDocuments(drive, lambda: NOW).paths() is None
