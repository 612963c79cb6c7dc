"""Drive's titles as names on disk, and names as titles; docs/drive.md tells the rules."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Container

from drivesync.model import Kind

MOST_BYTES = 255
SLASH = "\N{FRACTION SLASH}"
"""Stands for a title's ``/`` on disk; it stays what it looks like when renamed on disk."""

_KEPT_DOTS = {".": "\N{FULLWIDTH FULL STOP}", "..": "\N{FULLWIDTH FULL STOP}" * 2}
_UNSEEN = {
    *range(0x80, 0xA0),
    0x061C,
    0x200E,
    0x200F,
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
}
"""More control characters: C1, ends of lines, and those that turn the direction of a text, with
which a name looks like another one."""
_LINKS = {
    "application/vnd.google-apps.document": ".gdoc",
    "application/vnd.google-apps.spreadsheet": ".gsheet",
    "application/vnd.google-apps.presentation": ".gslides",
    "application/vnd.google-apps.form": ".gform",
    "application/vnd.google-apps.drawing": ".gdraw",
    "application/vnd.google-apps.map": ".gmap",
    "application/vnd.google-apps.site": ".gsite",
    "application/vnd.google-apps.jam": ".gjam",
    "application/vnd.google-apps.script": ".gscript",
}


def link_ending(kind: Kind, mime: str) -> str:
    """What a link's name ends in; empty for what has bytes of its own."""
    if kind is Kind.SHORTCUT:
        return ".gshortcut"
    if kind is Kind.DOCUMENT:
        return _LINKS.get(mime, ".glink")
    return ""


def name_of(title: str, id_: str, ending: str = "") -> str:
    """The name that a title asks for: the same title always asks for the same one. Its Unicode form
    is kept, so that a title in NFD is that file and no other."""
    safe = "".join(_safe(letter) for letter in title)
    name = _KEPT_DOTS.get(safe, safe) or "Untitled"
    return _fitted(name + ending, _mark(id_))


def title_of(name: str, ending: str = "") -> str:
    """The title of a name that was given on disk: in NFC, as Google's own programs do."""
    if ending and name.endswith(ending) and name != ending:
        name = name[: -len(ending)]
    return unicodedata.normalize("NFC", name)


def renders(name: str, asked: str) -> bool:
    """Whether a name on disk is one of those that ``free_name`` gives for what was asked for, in
    whatever Unicode form."""
    ours, theirs = (unicodedata.normalize("NFC", "".join(map(_safe, one))) for one in (name, asked))
    if ours == theirs:
        return True
    stem, ending = split(theirs)
    number = ours.removeprefix(f"{stem} (").removesuffix(f"){ending}")
    return ours == f"{stem} ({number}){ending}" and number.isascii() and number.isdigit()


def free_name(asked: str, taken: Container[str]) -> str:
    """``asked``, or the first of ``asked (2)``, ``asked (3)`` … that is not taken."""
    name, number = asked, 1
    while name in taken:
        number += 1
        stem, ending = split(asked)
        name = _fitted_stem(stem, f" ({number}){ending}")
    return name


def split(name: str) -> tuple[str, str]:
    """Into what is before the ending, and the ending with its dot; ``.tar.gz`` is one ending."""
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem or len(ending.encode()) > 16 or " " in ending:
        return name, ""
    if stem.endswith(".tar") and len(stem) > 4:
        return stem[:-4], f".tar.{ending}"
    return stem, f".{ending}"


def beside(name: str, words: str, taken: Container[str]) -> str:
    """A name for a copy of ``name``: ``name (words).ending``, and numbered where that is taken."""
    stem, ending = split(name)
    number = 1
    while True:
        more = f" ({words})" if number == 1 else f" ({words}) ({number})"
        copy = _fitted_stem(stem, more + ending)
        if copy not in taken:
            return copy
        number += 1


def _safe(letter: str) -> str:
    code = ord(letter)
    if letter == "/":
        return SLASH
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    if code in _UNSEEN:
        return f"\N{MATHEMATICAL LEFT ANGLE BRACKET}{code:04X}\N{MATHEMATICAL RIGHT ANGLE BRACKET}"
    return "\N{REPLACEMENT CHARACTER}" if 0xD800 <= code < 0xE000 else letter


def _mark(id_: str) -> str:
    return hashlib.sha256(id_.encode()).hexdigest()[:8]


def _fitted(name: str, mark: str) -> str:
    if len(name.encode()) <= MOST_BYTES:
        return name
    stem, ending = split(name)
    return _fitted_stem(stem, f"…{mark}{ending}")


def _fitted_stem(stem: str, rest: str) -> str:
    room = max(MOST_BYTES - len(rest.encode()), 0)
    return stem.encode()[:room].decode(errors="ignore") + rest
