"""Reads a class list, pasted or uploaded, and decides whom of it to invite (pure).

One person a line: a user name, and if wanted what the person is called, apart by comma, semicolon
or tab. A line that holds only a person's name gets a user name proposed. A first line of headings
may name the columns; columns that are not known are passed over, so a list that we gave out can
come back.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hub.accounts import clean_full_name
from spawner.errors import CarrelError, Code
from spawner.names import canonical

MOST_LINES = 5_000
MOST_LINE_CHARACTERS = 1_000
SEPARATORS = "\t;,"

USER = {"user name", "username", "user", "login", "account", "email", "e-mail", "mail"}
FULL = {"full name", "fullname", "person", "student", "called"}
EITHER = {"name"}
"""Column headings, in lower case with spaces for `_`."""

# Letters that no Unicode decomposition takes apart.
_PLAIN = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th"}
)


@dataclass(frozen=True)
class Entry:
    """Somebody on the list."""

    line: int
    name: str
    """Canonical user name."""
    full_name: str


@dataclass(frozen=True)
class Problem:
    """What is wrong with a line, and what to do."""

    line: int
    text: str
    message: str


@dataclass(frozen=True)
class Roster:
    """A list as it was read; nothing is done with it while it has problems."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Whom to invite, and who is there already, with the reason."""

    new: tuple[Entry, ...]
    there: tuple[tuple[Entry, str], ...]


def decode(raw: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of an uploaded file, and what to tell about how it was read.

    Raises CarrelError(BAD_INPUT) for what is no text.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: Sequence[str] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        if encoding == "cp1252":
            return text, ("The file is not UTF-8; it was read as Windows text (cp1252). Check the "
                          "names with accents.",)  # fmt: skip
        return text, ()
    raise CarrelError(
        Code.BAD_INPUT,
        "This file is not text.",
        "Save the list as CSV (UTF-8) and upload that, or paste it.",
    )


def read(text: str) -> Roster:
    """The people of a list, and every line that cannot be used.

    Raises CarrelError(BAD_INPUT) when it holds more lines than one list may, or nobody.
    """
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        raise CarrelError(
            Code.BAD_INPUT,
            f"This list has {len(lines):,} lines; at most {MOST_LINES:,} are taken at a time.",
            "Split it and send the parts one after another.",
        )
    separator = _separator(lines)
    columns: dict[str, int] | None = None
    entries: list[Entry] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        cells = _cells(line, separator)
        if not entries and not problems and columns is None and (columns := _headings(cells)):
            continue
        try:
            entries.append(_entry(number, _picked(cells, columns)))
        except CarrelError as error:
            problems.append(Problem(number, line.strip()[:80], str(error)))
    if not entries and not problems:
        raise CarrelError(
            Code.BAD_INPUT, "There is nobody on this list.", "Write one person on each line."
        )
    return _without_twins(entries, problems)


def plan(roster: Roster, known: Mapping[str, str]) -> Plan:
    """Splits the list by ``known``: user name → why it needs no invitation."""
    return Plan(
        new=tuple(entry for entry in roster.entries if entry.name not in known),
        there=tuple((e, known[e.name]) for e in roster.entries if e.name in known),
    )


def as_csv(rows: Collection[tuple[Entry, str]]) -> str:
    """The list to hand out: name, link. Spreadsheets run cells that begin like a formula."""
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(("name", "full name", "link"))
    for entry, link in rows:
        writer.writerow((_harmless(entry.name), _harmless(entry.full_name), link))
    return sink.getvalue()


def proposed(full_name: str) -> str:
    """A user name for a person's name: ``Zoë Ångström`` → ``zoe.angstrom``.

    Empty where a letter has nothing like it in ASCII: half a name would be somebody else's.
    """
    text = unicodedata.normalize("NFKD", full_name.casefold().translate(_PLAIN))
    plain = "".join(c for c in text if not unicodedata.combining(c))
    if any(c.isalpha() and not c.isascii() for c in plain):
        return ""
    return re.sub(r"[^a-z0-9]+", ".", plain).strip(".")[:64].strip(".")


def _separator(lines: Sequence[str]) -> str:
    """The separator that most lines hold; a comma where none holds any."""
    counts = {mark: sum(mark in line for line in lines) for mark in SEPARATORS}
    best = max(SEPARATORS, key=lambda mark: counts[mark])
    return best if counts[best] else ","


def _cells(line: str, separator: str) -> list[str]:
    if len(line) > MOST_LINE_CHARACTERS:
        return [line]  # told as a name that is too long
    (row,) = csv.reader([line], delimiter=separator, skipinitialspace=True)
    return [cell.strip() for cell in row]


def _headings(cells: Sequence[str]) -> dict[str, int] | None:
    """Which column holds what, if this line says so."""
    words = [" ".join(cell.casefold().replace("_", " ").split()) for cell in cells]
    found: dict[str, int] = {}
    for index, word in enumerate(words):
        for kind, names in (("user", USER), ("full", FULL), ("either", EITHER)):
            if word in names:
                found.setdefault(kind, index)
    return found or None


def _picked(cells: Sequence[str], columns: dict[str, int] | None) -> tuple[str, str]:
    """User name (or a person's name in its place) and full name."""

    def cell(kind: str) -> str:
        index = columns.get(kind) if columns else None
        return cells[index] if index is not None and index < len(cells) else ""

    if columns:
        return cell("user") or cell("either") or cell("full"), cell("full")
    if len([c for c in cells if c]) > 2:
        raise CarrelError(
            Code.BAD_INPUT,
            "This line has more than two columns.",
            "Keep user name and name, or let the first line name the columns.",
        )
    return cells[0], cells[1] if len(cells) > 1 else ""


def _entry(line: int, picked: tuple[str, str]) -> Entry:
    raw, full_name = picked[0], clean_full_name(picked[1])
    if not raw:
        raise CarrelError(Code.BAD_INPUT, "There is no user name.", "Write it first on the line.")
    if _is_persons_name(raw):
        full_name = full_name or clean_full_name(raw)
        raw = proposed(raw)
        if not raw:
            raise CarrelError(
                Code.BAD_INPUT,
                "No user name can be made of this name.",
                "Write a user name (letters a-z, digits) before it.",
            )
    if "|" in raw:
        raise CarrelError(
            Code.BAD_INPUT, "Columns cannot be told apart.", "Separate them by comma or semicolon."
        )
    return Entry(line, canonical(raw), full_name)


def _is_persons_name(text: str) -> bool:
    """Several words, or letters beyond a-z: no user name, but what somebody may be called."""
    letters = all(c.isalpha() or unicodedata.combining(c) or c in " .'’-" for c in text)  # noqa: RUF001
    return letters and any(c.isalpha() for c in text) and (" " in text or not text.isascii())


def _without_twins(entries: Sequence[Entry], problems: Sequence[Problem]) -> Roster:
    """A person twice is once; two people under one name are a problem of the second."""
    kept: dict[str, Entry] = {}
    found, twice = list(problems), 0
    for entry in entries:
        first = kept.setdefault(entry.name, entry)
        if first is entry:
            continue
        if first.full_name == entry.full_name:
            twice += 1
            continue
        found.append(
            Problem(
                entry.line,
                entry.full_name or entry.name,
                f"This is the user name {entry.name} of line {first.line} again. "
                "Give one of the two another user name.",
            )
        )
    notes = (f"{twice} line(s) stand twice on the list and count once.",) if twice else ()
    return Roster(tuple(kept.values()), tuple(sorted(found, key=lambda p: p.line)), notes)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell
