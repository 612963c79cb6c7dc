"""Where things are in a session, and what the site allows: read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

RAW = "https://raw.githubusercontent.com/{owner}/{repository}/{rest}"
"""GitHub's address of a file."""


@dataclass(frozen=True)
class Settings:
    """``notebook_url`` is a template with ``{owner}``, ``{repository}`` and ``{rest}``."""

    home: Path
    repositories: Path
    notebook_url: str
    notebook_bytes: int
    notebook_s: float
    hub_url: str
    """Of its API, without a slash at the end; empty outside a hub."""
    hub_token: str

    @property
    def notebook_site(self) -> str:
        """What people call the host."""
        host = urlsplit(self.notebook_url).hostname or ""
        return "GitHub" if host == "raw.githubusercontent.com" else host


def read(environment: Mapping[str, str], home: str) -> Settings:
    """``home`` is the server's root folder."""
    template = environment.get("CARREL_NOTEBOOK_URL") or RAW
    return Settings(
        home=Path(home),
        repositories=Path(environment.get("CARREL_COURSES") or "/opt/carrel/courses"),
        notebook_url=template,
        notebook_bytes=50_000_000,
        notebook_s=60.0,
        hub_url=environment.get("JUPYTERHUB_API_URL", "").rstrip("/"),
        hub_token=environment.get("JUPYTERHUB_API_TOKEN", ""),
    )
