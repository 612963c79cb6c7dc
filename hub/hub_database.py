"""JupyterHub's own SQLite file: its commits wait for no disk.

JupyterHub commits in its event loop, some ten times for each start. By SQLite's defaults each
commit waits for the disk two or three times: measured with a busy disk, a class that arrived kept
every page waiting for seconds. With a write-ahead log and ``synchronous=NORMAL`` a commit is one
write. A hub that is killed loses nothing by it; when the machine loses power, the last moments may
be missing, and the file is whole. Carrel's own database, which holds the truth, waits.
"""

from __future__ import annotations

import sqlite3
from typing import Any


class Connection(sqlite3.Connection):
    """Sets itself up: JupyterHub lets nobody in between opening and use."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.execute("PRAGMA journal_mode = WAL").fetchone()
        self.execute("PRAGMA synchronous = NORMAL")
        # JupyterHub copies the file before it upgrades it: all of it has to be in there.
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


KWARGS = {"connect_args": {"factory": Connection}}
"""For SQLAlchemy's ``create_engine``."""
