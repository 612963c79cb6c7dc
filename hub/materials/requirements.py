"""The list of packages that a course wants: ``requirements.txt`` at the top of its materials."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from hub.materials.repository import MAIN, Repository
from spawner.confinement import MOST_REQUIREMENTS_BYTES

NAME = "requirements.txt"


@dataclass(frozen=True)
class Requirements:
    """A list that wants something, as pip gets it; ``problem`` says why pip never does."""

    text: str
    problem: str = ""

    def key(self, image: str) -> str:
        """Equal for lists that want the same of the same image, however they are laid out."""
        wanted = "\n".join((image, *_wanting(self.text), self.problem))
        return hashlib.sha256(wanted.encode()).hexdigest()


def find(course: Repository) -> Requirements | None:
    """What the newest version wants; None: nothing. Raises CarrelError(FAILED)."""
    main = course.commit_at(MAIN)
    if main is None:
        return None
    listed = course.must("ls-tree", "-l", "--full-tree", main, "--", NAME).decode(errors="replace")
    kind, object_, size = ([*listed.split()[1:4], "", "", ""])[:3]
    if kind != "blob":
        return None
    if int(size) > MOST_REQUIREMENTS_BYTES:
        return _unfit(f"has more than {MOST_REQUIREMENTS_BYTES // 1024} KiB")
    return read(course.must("cat-file", "blob", object_))


def read(raw: bytes) -> Requirements | None:
    """What a file wants; None: nothing."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _unfit("is not UTF-8")
    if "\0" in text:
        return _unfit("is no text")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Requirements(text) if _wanting(text) else None


def _wanting(text: str) -> list[str]:
    """Its lines without comments of their own and empty ones."""
    lines = (line.strip() for line in text.split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def _unfit(why: str) -> Requirements:
    return Requirements("", f"{NAME} {why}.")
