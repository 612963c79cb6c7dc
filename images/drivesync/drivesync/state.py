"""What is remembered between two cycles, and across crashes (``/state/sync.sqlite``)."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path as FilePath
from typing import Any, Generic, TypeVar

from drivesync.faults import LocalFull
from drivesync.model import Kind, Path, RemoteFile, Stamp
from drivesync.report import Conflict
from drivesync.trees import Former, Reserved, Synced, Thrown

FORMAT = 1
KNOWN_FOR_S = 7 * 24 * 3600
"""Drive keeps an upload under way for a week."""
K = TypeVar("K")
V = TypeVar("V")


class Table(dict[K, V], Generic[K, V]):
    """A dictionary that knows what was changed since it was last written."""

    def __init__(self, name: str, form: Form[K, V]) -> None:
        super().__init__()
        self.name, self.form = name, form
        self.touched: set[K] = set()

    def __setitem__(self, key: K, value: V) -> None:
        if self.get(key) != value:
            super().__setitem__(key, value)
            self.touched.add(key)

    def __delitem__(self, key: K) -> None:
        super().__delitem__(key)
        self.touched.add(key)

    def drop(self, key: K) -> None:
        if key in self:
            del self[key]

    def empty(self) -> None:
        for key in list(self):
            del self[key]

    def fill(self, rows: Iterator[tuple[str, str]], known: dict[str, str]) -> None:
        """``known`` holds each string once: ids and md5s come up again and again."""
        for key, value in rows:
            row = json.loads(value)
            if isinstance(row, list):
                row = [known.setdefault(one, one) if type(one) is str else one for one in row]
            once = self.form.to_key(known.setdefault(key, key))
            super().__setitem__(once, self.form.load(row))


@dataclass(frozen=True)
class Form(Generic[K, V]):
    """How keys and values are written; keys are strings, values JSON."""

    key: Callable[[K], str]
    to_key: Callable[[str], K]
    dump: Callable[[V], Any]
    load: Callable[[Any], V]


@dataclass(frozen=True, slots=True)
class Hashed:
    """An md5 that was taken of what has this stamp. Not ``settled``: so soon after the last change
    that another one may have left the same stamp."""

    md5: str
    settled: bool


def _path(text: str) -> Path:
    return tuple(text.split("/")) if text else ()


def _remote(row: list[Any]) -> RemoteFile:
    row[3] = Kind(row[3])
    return RemoteFile(*row)


def _synced(row: list[Any]) -> Synced:
    row[7] = Stamp(*row[7])
    return Synced(*row)


def _former(row: list[Any]) -> Former:
    row[3] = Stamp(*row[3])
    return Former(*row)


def _remote_row(file: RemoteFile) -> list[Any]:
    row = list(astuple(file))
    row[3] = file.kind.value
    return row


STRINGS: Form[str, str] = Form(str, str, str, str)
SETS: Form[str, bool] = Form(str, str, bool, bool)


class State:
    """All of it is held in memory; ``commit`` writes what was changed in one transaction, and
    nothing when nothing was. It raises LocalFull when the disk does not take it.

    ``State.open`` never fails for a damaged file: it is moved aside, and the sync begins anew by
    comparing md5. ``state.uploads`` is the ``sides.Uploads`` for Drive's side.
    """

    def __init__(self, base: sqlite3.Connection) -> None:
        self.base, self._lock = base, threading.RLock()
        self.meta: Table[str, str] = Table("meta", STRINGS)
        self.remote: Table[str, RemoteFile] = Table("remote", Form(str, str, _remote_row, _remote))
        self.listed: Table[str, bool] = Table("listed", SETS)
        self.synced: Table[str, Synced] = Table("synced", Form(str, str, astuple, _synced))
        self.hashed: Table[Stamp, Hashed] = Table(
            "hashed",
            Form(
                lambda stamp: ":".join(map(str, astuple(stamp))),
                lambda text: Stamp(*map(int, text.split(":"))),
                astuple,
                lambda row: Hashed(*row),
            ),
        )
        self.reserved: Table[Path, Reserved] = Table(
            "reserved", Form("/".join, _path, astuple, lambda row: Reserved(*row))
        )
        self.left: Table[Path, str] = Table("left", Form("/".join, _path, str, str))
        self.former: Table[Path, Former] = Table("former", Form("/".join, _path, astuple, _former))
        self.thrown: Table[str, Thrown] = Table(
            "thrown", Form(str, str, astuple, lambda row: Thrown(*row))
        )
        self.conflicts: Table[str, Conflict] = Table(
            "conflicts",
            Form(
                str,
                str,
                lambda one: [one.path, one.copy, one.at.isoformat()],
                lambda row: Conflict(row[0], row[1], datetime.fromisoformat(row[2])),
            ),
        )
        self.tables: tuple[Table[Any, Any], ...] = (
            self.meta,
            self.remote,
            self.listed,
            self.synced,
            self.hashed,
            self.reserved,
            self.left,
            self.former,
            self.thrown,
            self.conflicts,
        )
        self.uploads = UploadsUnderWay(base, self._lock)
        self._create()
        self.load()

    @staticmethod
    def open(file: FilePath) -> State:
        """Only one process at a time may have it open."""
        base = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        try:
            _require_whole(base)
            return State(base)
        except (sqlite3.DatabaseError, ValueError, TypeError, LookupError) as error:
            base.close()
            if _may_pass(error):
                raise
            _move_aside(file)
        base = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        _require_whole(base)
        return State(base)

    def load(self) -> None:
        """As it was last committed."""
        known: dict[str, str] = {}
        for table in self.tables:
            dict.clear(table)
            table.touched.clear()
            table.fill(self.base.execute(f'SELECT key, value FROM "{table.name}"'), known)  # noqa: S608

    def commit(self) -> bool:
        """Whether there was anything to write."""
        changed = [table for table in self.tables if table.touched]
        if not changed:
            return False
        try:
            self._write_all(changed)
        except sqlite3.OperationalError as error:
            raise LocalFull(f"What is done cannot be noted down: {error}") from error
        for table in changed:
            table.touched.clear()
        return True

    def forget_all(self) -> None:
        """It is another Drive, or another disk: begin anew."""
        for table in self.tables:
            table.empty()

    def close(self) -> None:
        with self._lock:
            self.base.close()

    def _write_all(self, changed: list[Table[Any, Any]]) -> None:
        """Or nothing: what was not written is written the next time."""
        with self._lock:
            try:
                self.base.execute("BEGIN IMMEDIATE")
                for table in changed:
                    self._write(table)
                self.base.execute("COMMIT")
            except BaseException:
                if self.base.in_transaction:
                    self.base.execute("ROLLBACK")
                raise

    def _write(self, table: Table[Any, Any]) -> None:
        form = table.form
        gone = [(form.key(key),) for key in table.touched if key not in table]
        kept = [
            (form.key(key), json.dumps(form.dump(table[key])))
            for key in table.touched
            if key in table
        ]
        self.base.executemany(f'DELETE FROM "{table.name}" WHERE key = ?', gone)  # noqa: S608
        self.base.executemany(
            f'INSERT OR REPLACE INTO "{table.name}" (key, value) VALUES (?, ?)',  # noqa: S608
            kept,
        )

    def _create(self) -> None:
        (made,) = self.base.execute("PRAGMA user_version").fetchone()
        if made not in (0, FORMAT):
            raise ValueError("made by another version")
        for name in (*(table.name for table in self.tables), "uploads"):
            self.base.execute(
                f'CREATE TABLE IF NOT EXISTS "{name}" (key TEXT PRIMARY KEY, value TEXT NOT NULL)'
                " WITHOUT ROWID"
            )
        self.base.execute(f"PRAGMA user_version = {FORMAT}")


class UploadsUnderWay:
    """``sides.Uploads``, from any thread; written at once, with the second of it."""

    def __init__(
        self,
        base: sqlite3.Connection,
        lock: threading.RLock,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base, self._lock, self._clock = base, lock, clock

    def find(self, key: str) -> str | None:
        with self._lock:
            row = self._base.execute("SELECT value FROM uploads WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0]).partition(" ")[2]

    def save(self, key: str, uri: str) -> None:
        value = f"{self._clock():.0f} {uri}"
        # On a full disk it goes up all the same; a crash would begin it anew.
        with self._lock, contextlib.suppress(sqlite3.OperationalError):
            self._base.execute("INSERT OR REPLACE INTO uploads VALUES (?, ?)", (key, value))

    def forget(self, key: str) -> None:
        with self._lock, contextlib.suppress(sqlite3.OperationalError):
            self._base.execute("DELETE FROM uploads WHERE key = ?", (key,))

    def forget_old(self) -> None:
        """What Drive does not know any more."""
        with self._lock, contextlib.suppress(sqlite3.OperationalError):
            self._base.execute(
                "DELETE FROM uploads WHERE CAST(value AS INTEGER) < ?",
                (self._clock() - KNOWN_FOR_S,),
            )


def _require_whole(base: sqlite3.Connection) -> None:
    base.execute("PRAGMA synchronous = FULL")
    base.execute("PRAGMA cache_size = -512")  # all of it is in memory as it is
    (verdict,) = base.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(str(verdict))


def _may_pass(error: Exception) -> bool:
    """A full disk, or another program at the file: the memory itself is whole. Of what is damaged
    or of another version, sqlite says so by other errors, or by its general one."""
    general = sqlite3.SQLITE_ERROR
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF != general


def _move_aside(file: FilePath) -> None:
    number = 1
    while (aside := file.with_name(f"{file.name}.damaged-{number}")).exists():
        number += 1
    with contextlib.suppress(FileNotFoundError):
        file.rename(aside)
    for ending in ("-journal", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            file.with_name(file.name + ending).rename(aside.with_name(aside.name + ending))
