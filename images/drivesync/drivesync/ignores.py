"""Which names are never synced: what programs leave behind, and what they have half written.

A rule that is too wide keeps a user's file out of Drive, so each is one that nobody would miss;
what was left alone is told. docs/drive.md shows this table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate


@dataclass(frozen=True)
class Ignore:
    """Names of one kind; upper and lower case are the same."""

    pattern: str
    """As in a shell: ``*`` and ``?``."""
    what: str
    """For docs/drive.md."""


IGNORES = (
    Ignore(".carrel", "Carrel's own folder"),
    Ignore(".ipynb_checkpoints", "Jupyter's checkpoints"),
    Ignore("__pycache__", "compiled Python"),
    Ignore(".trash-*", "a desktop's trash"),
    Ignore(".~*", "what a program is saving; LibreOffice's locks"),
    Ignore("~$*", "Office's locks"),
    Ignore("*~", "an editor's backup"),
    Ignore(".*.sw[a-p]", "vim's swap files"),
    Ignore(".#*", "Emacs' locks"),
    Ignore(".goutputstream-*", "what a desktop program is saving"),
    Ignore("*.tmp", "temporary files"),
    Ignore("*.crdownload", "Chrome's unfinished downloads"),
    Ignore("*.part", "Firefox's unfinished downloads"),
    Ignore("*.partial", "unfinished downloads"),
    Ignore(".nfs*", "deleted files that are still open"),
    Ignore(".fuse_hidden*", "deleted files that are still open"),
    Ignore(".ds_store", "macOS"),
    Ignore("._*", "macOS"),
    Ignore("thumbs.db", "Windows"),
    Ignore("desktop.ini", "Windows"),
)

_ANY = re.compile("|".join(translate(rule.pattern) for rule in IGNORES), re.IGNORECASE)


def ignored(name: str) -> bool:
    """Whether a file or folder of this name is left alone, with all that is in it."""
    return _ANY.match(name) is not None
