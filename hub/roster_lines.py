"""Takes the lines of a class list apart: separators, headings, columns (pure)."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from spawner.errors import CarrelError, Code

SEPARATORS = "\t;,"
MOST_CHARACTERS = 1_000
"""In a line that is taken apart."""


class Column(Enum):
    """What a column may hold; the words are headings in lower case, with spaces for ``_``."""

    USER = ("user name", "username", "user", "login", "account", "benutzername")
    MAIL = ("email", "e-mail", "mail", "email address", "e-mail address", "e-mail-adresse")
    FULL = ("full name", "fullname", "person", "student", "called")
    FIRST = ("first name", "firstname", "given name", "forename", "vorname")
    LAST = ("last name", "lastname", "surname", "family name", "nachname")
    NAME = ("name",)
    """A user name, or what a person is called."""
    LINK = ("link",)
    """Of a list that Carrel gave out: it may come back."""


@dataclass(frozen=True)
class Headings:
    """Which column holds what, and the headings that say nothing to us."""

    columns: dict[Column, int]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Cells:
    """What a line says of a person: a user name or what stands for one, and a full name."""

    user: str
    full_name: str


def separator(lines: Sequence[str]) -> str:
    """The separator that most lines hold; a comma where none holds any."""
    counts = {mark: sum(mark in line for line in lines) for mark in SEPARATORS}
    best = max(SEPARATORS, key=lambda mark: counts[mark])
    return best if counts[best] else ","


def split(line: str, mark: str) -> list[str]:
    """The line's cells, quotes taken off."""
    if len(line) > MOST_CHARACTERS:
        return [line]  # told as a name that is too long
    (row,) = csv.reader([line], delimiter=mark, skipinitialspace=True)
    return [cell.strip() for cell in row]


def headings(cells: Sequence[str]) -> Headings | None:
    """What the first line says, if it is one of headings."""
    words = [" ".join(cell.casefold().replace("_", " ").split()) for cell in cells]
    found: dict[Column, int] = {}
    unknown = []
    for index, word in enumerate(words):
        column = next((column for column in Column if word in column.value), None)
        if column is not None:
            found.setdefault(column, index)
        elif word:
            unknown.append(cells[index])
    return Headings(found, tuple(unknown)) if found else None


def picked(cells: Sequence[str], known: Headings | None) -> Cells:
    """What a line says. Raises CarrelError(BAD_INPUT) when that cannot be told."""
    if known is None:
        return _by_place(cells)

    def cell(column: Column) -> str:
        index = known.columns.get(column)
        return cells[index] if index is not None and index < len(cells) else ""

    full = cell(Column.FULL) or f"{cell(Column.FIRST)} {cell(Column.LAST)}".strip()
    user = cell(Column.USER) or cell(Column.MAIL) or cell(Column.NAME) or full
    return Cells(user, full)


def _by_place(cells: Sequence[str]) -> Cells:
    if len([cell for cell in cells if cell]) > 2:
        raise CarrelError(
            Code.BAD_INPUT,
            "This line has more than two columns.",
            "Keep user name and name, or let the first line name the columns.",
        )
    first, second = cells[0], cells[1] if len(cells) > 1 else ""
    # As mail programs write it: Mia Example <mia@example.org>
    if not second and (mail := re.fullmatch(r"(.*?)\s*<([^<>\s]+@[^<>\s]+)>", first)):
        return Cells(mail[2], mail[1].strip('"'))
    return Cells(first, second)
