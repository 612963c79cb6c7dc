"""What programs leave behind is not synced, and nothing else is left out."""

from __future__ import annotations

import pytest
from drivesync.ignores import IGNORES, ignored


@pytest.mark.parametrize(
    "name",
    [
        ".carrel", ".ipynb_checkpoints", "__pycache__", ".Trash-1000", ".~notes.ipynb",
        ".~lock.table.ods#", "~$thesis.docx", "notes.txt~", ".notes.txt.swp", ".#notes",
        "upload.tmp", "UPLOAD.TMP", "film.mp4.crdownload", "film.mp4.part", ".nfs000000012",
        ".fuse_hidden0001", ".DS_Store", "._photo.jpg", "Thumbs.db", "Desktop.ini",
    ],
)  # fmt: skip
def test_what_programs_leave_behind_is_ignored(name: str) -> None:
    assert ignored(name)


@pytest.mark.parametrize(
    "name",
    [
        "notes.ipynb", ".env", ".gitignore", ".git", "a~b", "tmp", "tmp.txt", "part", "a.parts",
        "carrel", ".carrel2", "pycache", ".swp.txt", "Thumbs.dbx", "#notes#", "$a", "...",
    ],
)  # fmt: skip
def test_a_users_own_files_are_not(name: str) -> None:
    assert not ignored(name)


def test_each_rule_says_what_it_is_for_and_stands_once() -> None:
    assert all(rule.what for rule in IGNORES)
    assert len({rule.pattern.casefold() for rule in IGNORES}) == len(IGNORES)
