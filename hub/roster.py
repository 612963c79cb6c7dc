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

from hub import roster_lines
from hub.accounts import clean_full_name
from hub.roster_lines import Cells, Headings
from spawner.errors import CarrelError, Code
from spawner.names import canonical

MOST_LINES = 5_000

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
    made_up: bool = False
    """Whether the user name was made of the person's name, which two may share."""


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
    mark = roster_lines.separator(lines)
    known: Headings | None = None
    entries: list[Entry] = []
    problems: list[Problem] = []
    first = True
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        cells = roster_lines.split(line, mark)
        if first and (known := roster_lines.headings(cells)):
            first = False
            continue
        first = False
        try:
            entries.append(_entry(number, roster_lines.picked(cells, known)))
        except CarrelError as error:
            problems.append(Problem(number, line.strip()[:80], str(error)))
    if not entries and not problems:
        raise CarrelError(
            Code.BAD_INPUT, "There is nobody on this list.", "Write one person on each line."
        )
    notes: tuple[str, ...] = ()
    if known and known.unknown:
        notes = (f"These columns are passed over: {', '.join(known.unknown)[:200]}.",)
    return _without_twins(entries, problems, notes)


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


def _entry(line: int, cells: Cells) -> Entry:
    raw, full_name = cells.user, clean_full_name(cells.full_name)
    if not raw:
        raise CarrelError(Code.BAD_INPUT, "There is no user name.", "Write it first on the line.")
    made_up = _is_persons_name(raw)
    if made_up:
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
    return Entry(line, canonical(raw), full_name, made_up)


def _is_persons_name(text: str) -> bool:
    """Several words, or letters beyond a-z: no user name, but what somebody may be called."""
    letters = all(c.isalpha() or unicodedata.combining(c) or c in " .'’-" for c in text)  # noqa: RUF001
    return (
        letters
        and any(c.isalpha() for c in text)
        and (not text.isascii() or any(c in " '" for c in text))
    )


def _without_twins(
    entries: Sequence[Entry], problems: Sequence[Problem], notes: tuple[str, ...]
) -> Roster:
    """A person twice is once; two people under one name are a problem of the second."""
    kept: dict[str, Entry] = {}
    found, twice = list(problems), 0
    for entry in entries:
        first = kept.setdefault(entry.name, entry)
        if first is entry:
            continue
        if first.full_name == entry.full_name and not entry.made_up:
            twice += 1
            continue
        who = f"{entry.name} ({entry.full_name})" if entry.full_name else entry.name
        found.append(
            Problem(
                entry.line,
                who,
                f"This is the user name {entry.name} of line {first.line} again. "
                "Two people need two user names; if it is one person, remove a line.",
            )
        )
    if twice:
        notes = (*notes, f"{twice} line(s) stand twice on the list and count once.")
    return Roster(tuple(kept.values()), tuple(sorted(found, key=lambda p: p.line)), notes)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell
