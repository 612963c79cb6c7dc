"""What a commit on main says of itself, so that its row can be made from it (pure)."""

from __future__ import annotations

import json
import unicodedata
from datetime import datetime

from hub.enums import Source
from hub.materials.versions import Version
from spawner.errors import CarrelError, Code

MOST_MESSAGE = 1000
"""In characters."""
_MARK = "Carrel: "


def clean_message(raw: str) -> str:
    """A few lines of text; may be empty. Raises CarrelError(BAD_INPUT)."""
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MOST_MESSAGE:
        raise CarrelError(
            Code.BAD_INPUT, "The message is too long.", f"Use at most {MOST_MESSAGE} characters."
        )
    unfit = {"Cc", "Cs"}
    fit = (c if c == "\n" or unicodedata.category(c) not in unfit else " " for c in text)
    return "".join(fit).strip()


def written(version: Version) -> str:
    """A commit's message; the record is its last line, whatever a teacher wrote before it."""
    record = {
        "version": version.number,
        "by": version.by,
        "source": version.source.value,
        "detail": version.detail,
        "files": version.files,
        "message": version.message,
    }
    subject = version.message or f"Version {version.number}"
    return f"{subject}\n\n{_MARK}{json.dumps(record)}\n"


def read(course: str, commit: str, at: datetime, message: str) -> Version | None:
    """The version that a commit is; None where it is none of ours."""
    last = message.rstrip("\n").rsplit("\n", 1)[-1]
    if not last.startswith(_MARK):
        return None
    said = json.loads(last.removeprefix(_MARK))
    return Version(
        course, said["version"], commit, said["message"], said["by"], at,
        Source(said["source"]), said["detail"], said["files"],
    )  # fmt: skip
