"""Links to notebooks of public repositories: taken apart strictly, or made of addresses (pure).

``<owner>/<repo>/blob/<ref>/<path>.ipynb``, as Colab has it. A ref is one part: a branch with a
slash in its name cannot be told from a folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from hub.session_paths import is_below_content
from spawner.errors import CarrelError, Code

MOST_ADDRESS = 2000
"""In characters."""
OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?", re.ASCII)
REPO = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)
REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}", re.ASCII)
COLAB = "colab.research.google.com"


@dataclass(frozen=True)
class Notebook:
    """A notebook in a public repository; each part is checked."""

    owner: str
    repo: str
    ref: str
    file: str
    """Its path in the repository."""

    @property
    def path(self) -> str:
        """What stands behind ``/github/``, quoted."""
        return f"{self.owner}/{self.repo}/blob/{self.ref}/{quote(self.file)}"


def parse(path: str) -> Notebook:
    """What stands behind ``/github/``, percent-decoded. Raises CarrelError(BAD_INPUT)."""
    parts = path.split("/", 4)
    if len(parts) == 5 and parts[2] == "blob":
        owner, repo, _, ref, file = parts
        if (
            OWNER.fullmatch(owner)
            and REPO.fullmatch(repo)
            and not repo.startswith((".", "-"))
            and not repo.endswith((".git", ".lock"))
            and REF.fullmatch(ref)
            and ".." not in ref
            and not ref.endswith((".", ".lock"))
            and _is_notebook(file)
        ):
            return Notebook(owner, repo, ref, file)
    raise CarrelError(
        Code.BAD_INPUT,
        "This is no link to a notebook on GitHub.",
        "It goes /github/<owner>/<repository>/blob/<branch, tag or commit>/<path>.ipynb.",
    )


def of_address(address: str, host: str) -> Notebook:
    """The notebook of an address from a browser: on ``host``, or Colab's link to it.

    Raises CarrelError(BAD_INPUT).
    """
    text = address.strip()
    if len(text) <= MOST_ADDRESS:
        try:
            url = urlsplit(text if "://" in text else f"https://{text}")
            path = unquote(url.path, errors="strict").removeprefix("/")
        except ValueError:  # also UnicodeDecodeError
            url, path = urlsplit(""), ""
        if url.scheme in ("http", "https") and url.netloc.casefold() == COLAB:
            return parse(path.removeprefix("github/"))
        if url.scheme in ("http", "https") and url.netloc.casefold() in (host, f"www.{host}"):
            return parse(path)
    raise CarrelError(
        Code.BAD_INPUT,
        f"This is no address of a notebook on {host}.",
        "Open the notebook there, and copy what the browser's address bar says.",
    )


def require_host(host: str) -> None:
    """Raises CarrelError(NOT_FOUND) where an administrator switched such links off."""
    if not host:
        raise CarrelError(
            Code.NOT_FOUND,
            "Links to notebooks in public repositories are switched off here.",
            "Download the notebook there, and upload it into your session.",
        )


def _is_notebook(file: str) -> bool:
    hidden = any(part.casefold() == ".git" for part in file.split("/"))
    return file.endswith(".ipynb") and is_below_content(file) and not hidden


def environment(host: str) -> dict[str, str]:
    """What a session is told of where notebooks come from; nothing for GitHub itself."""
    if host in ("", "github.com"):
        return {}
    return {"CARREL_NOTEBOOK_URL": f"https://{host}/{{owner}}/{{repository}}/raw/{{rest}}"}
