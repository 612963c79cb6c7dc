"""Reads from a request to the session's server what a browser did with a document.

Jupyter's own events would not do: they tell of each file of a folder that is listed as of one that
is opened, and of none that is closed. JupyterLab does tell: it saves which documents its tabs show,
as its *workspace*, whenever that changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

MOST_WORKSPACE = 4 * 1024**2
_LOOKED_AT = ("api/contents", "api/sessions", "api/kernels", "api/terminals", "lab/api/")
_DONE = range(200, 300)


@dataclass(frozen=True)
class Request:
    """``path`` is below the server's base, as it was sent; ``status`` is that of the answer."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    status: int = 200


@dataclass(frozen=True)
class Read:
    """Of a document, or of what is known about it. Paths are below the server's root."""

    path: str


@dataclass(frozen=True)
class Saved:
    """A document, or an upload."""

    path: str


@dataclass(frozen=True)
class Moved:
    """A document, or a folder with all that is in it."""

    path: str
    to: str


@dataclass(frozen=True)
class Removed:
    path: str


@dataclass(frozen=True)
class Shown:
    """What the tabs of one workspace show now."""

    workspace: str
    paths: frozenset[str]


@dataclass(frozen=True)
class Looked:
    """Somebody has a page open; ``kernels`` where a kernel came, went or got another document."""

    kernels: bool = False


Event = Read | Saved | Moved | Removed | Shown | Looked


def event_of(request: Request) -> Event | None:
    """None for what says nothing of documents, and for what was refused (pure)."""
    if request.status not in _DONE or not request.path.startswith(_LOOKED_AT):
        # 304: a folder's list did not change, and somebody looks at it.
        seen = request.status == 304 and request.path.startswith(_LOOKED_AT)
        return Looked() if seen else None
    if request.path.startswith("api/contents/"):
        return _of_contents(request) or Looked()
    if request.path.startswith("lab/api/workspaces/"):
        return _of_workspace(request) or Looked()
    changed = request.path.startswith(("api/sessions", "api/kernels")) and request.method != "GET"
    return Looked(kernels=changed)


def _of_contents(request: Request) -> Event | None:
    path = unquote(request.path.removeprefix("api/contents/")).strip("/")
    if not path or path.rpartition("/")[2] == "checkpoints" or "/checkpoints/" in path:
        return None
    match request.method:
        case "GET":
            return None if parse_qs(request.query).get("type") == ["directory"] else Read(path)
        case "PUT":
            return Saved(path)
        case "DELETE":
            return Removed(path)
        case "PATCH":
            to = _json(request.body).get("path")
            return Moved(path, to.strip("/")) if isinstance(to, str) and to.strip("/") else None
    return None


def _of_workspace(request: Request) -> Event | None:
    name = request.path.removeprefix("lab/api/workspaces/")
    if request.method == "DELETE":
        return Shown(name, frozenset())
    if request.method != "PUT":
        return None
    entries = _json(request.body).get("data")
    values = entries.values() if isinstance(entries, dict) else ()
    shown = (one.get("data") for one in values if isinstance(one, dict))
    paths = (one.get("path") for one in shown if isinstance(one, dict))
    return Shown(name, frozenset(path.strip("/") for path in paths if isinstance(path, str)))


def _json(body: bytes) -> dict[str, Any]:
    if len(body) > MOST_WORKSPACE:
        return {}
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
