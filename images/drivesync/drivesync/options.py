"""What the user and the institution chose for one user's sync; may be another one every cycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from drivesync.model import Path


class Scope(Enum):
    """What the user's consent covers."""

    FULL = "full"
    APP_FOLDER = "app_folder"
    """Drive shows only what was made here; the one folder that is chosen was made here too."""
    READ_ONLY = "read_only"


class Export(Enum):
    """How Google's own documents appear on disk."""

    LINKS = "links"
    OFFICE = "office"


@dataclass(frozen=True)
class Options:
    """``folders`` are ids of Drive; ``everything`` is My Drive as a whole."""

    folders: frozenset[str] = frozenset()
    everything: bool = False
    scope: Scope = Scope.FULL
    export: Export = Export.LINKS
    only_up: bool = False
    """The session is over and the time short: what is new in Drive waits for the next one."""
    confirmed_deletion_at: datetime | None = None
    """When the user said last that a mass deletion was meant."""


OpenDocuments = frozenset[Path] | None
"""The paths that are open in a notebook; None: not known, so any may be open."""
AskOpen = Callable[[], OpenDocuments]
"""As of this moment, from any thread; asked before each change of a file on disk."""
