"""One entry of an untrusted tree, whichever way it comes, and how much of it is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from spawner.errors import CarrelError, Code

MIB = 2**20
_SHOWN = 120


@dataclass(frozen=True)
class Limits:
    """The most that is taken of a tree. All are refused beyond, never cut."""

    files: int = 20_000
    file_bytes: int = 100 * MIB
    all_bytes: int = 1024 * MIB
    entries: int = 200_000
    """With folders and what is left out; a teacher's own .git folder has many."""
    stream_bytes: int = 4096 * MIB
    """Of what comes in, with headers and what is left out."""
    path_bytes: int = 1000
    depth: int = 32
    time_s: float = 900


@dataclass(frozen=True)
class Member:
    """A file, or something that is none (``why`` says what it is, and it is left out).

    ``path`` is as the sender wrote it, undecodable bytes as surrogates. ``size`` is what the
    sender claims, holes counted in full. ``read`` gives exactly that many bytes in pieces, once,
    before the next member is asked for; it raises CarrelError where they are not there.
    """

    path: str
    mode: int
    size: int
    read: Callable[[], Iterator[bytes]]
    why: str = ""


def nothing() -> Iterator[bytes]:
    """What is in something that is no file."""
    return iter(())


def left_out(path: str, why: str) -> Member:
    """An entry that is no file."""
    return Member(path, 0, 0, nothing, why)


def shown(path: str, most: int = _SHOWN) -> str:
    """A path in a sentence: on one line, printable, not endless."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in path[: most + 1])
    return text[:most] + "…" if len(text) > most else text


def refused(path: str, what: str, hint: str = "") -> CarrelError:
    """``path`` is named, ``what`` is the rest of the sentence."""
    return CarrelError(Code.BAD_INPUT, f"{shown(path)} {what}.", hint)


def too_much(what: str, hint: str = "") -> CarrelError:
    """A limit of the whole."""
    default = (
        "Leave out what students do not need. Ask your administrator to put large files into the "
        "course's data folder."
    )
    return CarrelError(Code.BAD_INPUT, what, hint or default)
