"""SQLite as the store needs it: real transactions, WAL, foreign keys, a file for its owner alone.

By default the driver opens a transaction at the first write, after the reads that it was decided
on: three processes then lost 400 of 600 updates with no error. So BEGIN is ours.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub.enums import Transaction

WAL_TRIES = 100
# Primary result codes that say "not now" (busy, locked, I/O error, full, cannot open); the others
# are mistakes in the program.
_NOT_NOW = {5, 6, 10, 13, 14}


def prepare_sqlite(engine: sa.Engine, wait_ms: int) -> None:
    """Makes the engine open its connections and transactions our way."""
    path = Path(engine.url.database or "")

    def connect(dbapi: sqlite3.Connection, _record: Any) -> None:
        dbapi.isolation_level = None  # the driver issues no BEGIN of its own
        dbapi.execute(f"PRAGMA busy_timeout = {wait_ms}")
        _ensure_wal(dbapi)

    def do_connect(*_arguments: Any) -> None:
        if path.parent.is_dir():
            path.touch(mode=0o600)  # password hashes; -wal and -shm take the same mode

    sa.event.listen(engine, "do_connect", do_connect)
    sa.event.listen(engine, "connect", connect)
    sa.event.listen(engine, "begin", _begin)


def _begin(connection: sa.Connection) -> None:
    kind = connection.get_execution_options().get("carrel")
    reading, migrating = kind is Transaction.READING, kind is Transaction.MIGRATING
    # Off while migrating: SQLite alters a table by replacing it, which would cascade.
    connection.exec_driver_sql(f"PRAGMA foreign_keys = {int(not migrating)}")
    connection.exec_driver_sql(f"PRAGMA query_only = {int(reading)}")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _ensure_wal(dbapi: sqlite3.Connection) -> None:
    """Switches to WAL, which the file remembers.

    The switch does not honour busy_timeout while another process makes it, hence the loop.
    """
    for attempt in range(WAL_TRIES):
        try:
            if dbapi.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                return
            dbapi.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if attempt == WAL_TRIES - 1:
                raise
            time.sleep(0.05)


def is_not_now(error: sqlite3.Error) -> bool:
    """Whether SQLite could not do it at this moment, as opposed to: it was asked nonsense."""
    return error.sqlite_errorcode & 0xFF in _NOT_NOW
