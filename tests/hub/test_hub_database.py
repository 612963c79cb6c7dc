"""JupyterHub's own SQLite file."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import sqlalchemy as sa

from hub import hub_database


def opened(path: Path) -> sa.Engine:
    return sa.create_engine(f"sqlite:///{path}", **hub_database.KWARGS)


def test_a_commit_waits_for_no_disk(tmp_path: Path) -> None:
    with opened(tmp_path / "hub.sqlite").connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1


def test_the_copy_before_an_upgrade_has_what_a_killed_hub_wrote_last(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    killed = opened(path).connect()
    killed.exec_driver_sql("CREATE TABLE users (name TEXT)")
    killed.exec_driver_sql("INSERT INTO users VALUES ('ada')")
    killed.commit()
    # Its connection is never closed: only what is in the log beside the file has the row.
    assert opened(path).connect()
    shutil.copy(path, tmp_path / "copy.sqlite")
    found = sqlite3.connect(tmp_path / "copy.sqlite").execute("SELECT name FROM users").fetchall()
    assert found == [("ada",)]
