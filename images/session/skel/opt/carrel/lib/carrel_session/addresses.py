"""What a link asks for, and where in the session it leads (pure)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote, unquote_to_bytes

from carrel_session.errors import Code, SessionError

SLUG = re.compile(r"[a-z][a-z0-9-]{1,39}")
OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")
REPOSITORY = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
MOST_PATH = 1024
"""In characters."""
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})


class Interface(StrEnum):
    """What a file opens in: Notebook 7's single-document view, or JupyterLab."""

    NOTEBOOK = "notebook"
    LAB = "lab"


@dataclass(frozen=True)
class Shared:
    """One notebook at a public host: ``rest`` is reference and path, as the host knows them.

    ``path`` is where it lies in the repository, ``reference`` the branch, tag or commit: one part.
    """

    owner: str
    repository: str
    reference: str
    path: str
    rest: str

    @property
    def place(self) -> str:
        """Of the copy, below the home."""
        return f"github/{self.owner}/{self.repository}/{self.path}"

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


def interface(text: str) -> Interface | None:
    """What ``in=`` asks for; empty is no wish. Raises SessionError for others."""
    if not text:
        return None
    try:
        return Interface(text)
    except ValueError:
        raise SessionError(
            Code.BAD_INPUT, "There is no such interface.", "Say in=lab or in=notebook."
        ) from None


def slug(text: str) -> str:
    """A course's short name, or SessionError."""
    if not SLUG.fullmatch(text):
        raise SessionError(
            Code.BAD_INPUT, "This link names no course.", "Ask whoever gave it to you."
        )
    return text


def path(segments: str) -> str:
    """A link's path, still quoted, as a path below a folder; a slash at its end falls away.

    Each part is decoded alone, so that a quoted slash makes no new part. Raises SessionError
    for what leaves the folder or is no name.
    """
    parts = segments.removesuffix("/").split("/") if segments else []
    found = [_part(part) for part in parts]
    if any(_is_bad(part) for part in found) or sum(len(part) + 1 for part in found) > MOST_PATH:
        raise SessionError(
            Code.BAD_INPUT,
            "This link names no file.",
            "Paths start in the course's folder, as in week1/first.ipynb.",
        )
    return "/".join(found)


def _part(quoted: str) -> str:
    try:
        return unquote_to_bytes(quoted).decode()
    except UnicodeDecodeError:
        return ".."


def _is_bad(part: str) -> bool:
    return (
        part in ("", ".", "..")
        or part == ".git"
        or "/" in part
        or "\\" in part
        or any(unicodedata.category(character) in _CONTROLS for character in part)
    )


def shared(owner: str, repository: str, rest: str) -> Shared:
    """What ``/github/<owner>/<repository>/blob/<rest>`` names; ``rest`` is still quoted.

    As in the hub a reference is one part: a branch with a slash in its name cannot be told from a
    folder.
    """
    if not OWNER.fullmatch(unquote(owner)) or not REPOSITORY.fullmatch(unquote(repository)):
        raise SessionError(Code.BAD_INPUT, "This link names no repository.", AS_IN)
    first, _, behind = rest.partition("/")
    reference, inside = path(first), path(behind)
    if not inside.endswith(".ipynb") or rest.endswith("/"):
        raise SessionError(Code.BAD_INPUT, "This link names no notebook.", AS_IN)
    return Shared(
        unquote(owner), unquote(repository), reference, inside, quote(f"{reference}/{inside}")
    )


AS_IN = "Links look like /github/owner/repository/blob/main/folder/notebook.ipynb."


def where(place: str, wish: Interface | None, *, folder: bool = False) -> str:
    """The address below the session's own that opens ``place``, a path below the home.

    As the hub's: without a wish a notebook opens in Notebook's view, which shows it alone, and
    everything else in JupyterLab.
    """
    notebook = place.endswith(".ipynb") and not folder
    default = Interface.NOTEBOOK if notebook else Interface.LAB
    if (wish or default) is Interface.LAB:
        return f"lab/tree/{quote(place)}"
    if folder:
        return f"tree/{quote(place)}"
    return f"{'notebooks' if notebook else 'edit'}/{quote(place)}"
