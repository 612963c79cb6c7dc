"""The small files by which a session and the sync of Drive tell each other things."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from carrel_session.errors import Code, SessionError, is_full


def read(path: Path, most_bytes: int) -> dict[str, Any] | None:
    """None where there is nothing that could be understood."""
    try:
        # Whoever works here may have put anything there: a FIFO would be waited for without end.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            found = json.loads(file.read(most_bytes) or b"")
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write(path: Path, value: dict[str, Any]) -> None:
    """Readers see all of it or none. Raises SessionError."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=".session-", suffix=".tmp", delete=False
        ) as file:
            half = Path(file.name)
            try:
                json.dump(value, file)
                file.flush()
                half.replace(path)
            finally:
                half.unlink(missing_ok=True)
    except OSError as problem:
        if is_full(problem):
            raise SessionError(
                Code.NO_ROOM,
                "There is no room left in your home.",
                "Delete what you no longer need, then try again.",
            ) from problem
        raise SessionError(
            Code.FAILED, f"{path} cannot be written: {problem.strerror}."
        ) from problem
