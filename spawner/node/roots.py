"""Remembers under which root uids of the host this installation's sessions have run."""

from __future__ import annotations

from pathlib import Path

FILE = "session_uids"


def remember(folder: Path, session_uid: int) -> frozenset[int]:
    """Notes ``session_uid`` in ``folder`` and returns the others that were noted before.

    A home's owner alone does not tell that user remapping was switched: a student can give the
    own home to any uid, and each start would walk through all of it. Raises OSError.
    """
    path = folder / FILE
    known = {int(line) for line in path.read_text("ascii").split()} if path.exists() else set()
    if session_uid not in known:
        with path.open("a", encoding="ascii") as sink:
            sink.write(f"{session_uid}\n")
    return frozenset(known - {session_uid})
