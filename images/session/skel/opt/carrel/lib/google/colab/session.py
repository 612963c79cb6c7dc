"""Where this kernel is: its home, notebook and server, and whether anybody looks on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from IPython.core.getipython import get_ipython
from IPython.display import display


def home() -> Path:
    """The folder that the file browser shows."""
    return Path(os.environ.get("CARREL_HOME", "/content"))


def below_home(path: Path) -> str | None:
    """The path as the file browser knows it; None for what it does not show."""
    try:
        return str(path.resolve().relative_to(home().resolve()))
    except ValueError:
        return None


def notebook() -> str:
    """Path of the notebook below the home; empty where the server did not tell."""
    told = os.environ.get("JPY_SESSION_NAME", "")
    return (below_home(Path(told)) or "") if told.endswith(".ipynb") else ""


def address(route: str, path: str) -> str:
    """Of a file at this kernel's server."""
    base = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/")
    return f"{base.rstrip('/')}/{route}/{quote(path)}"


def shell() -> Any:
    """IPython's, or None outside a notebook."""
    return get_ipython()


def is_watched() -> bool:
    """Whether somebody sits before this cell: who runs a notebook unseen takes no input."""
    return bool(getattr(getattr(shell(), "kernel", None), "_allow_stdin", False))


def show_html(html: str, text: str) -> None:
    """``text`` is what is shown where HTML is not; both are the caller's own, escaped."""
    if shell() is None:
        print(text)
        return
    display({"text/html": html, "text/plain": text}, raw=True)
