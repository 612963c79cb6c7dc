"""Opens Carrel's database; the only module that does.

Every transaction says what it is. **Deciding** ones (read, decide, write) come one after
another on both databases: SQLite's BEGIN IMMEDIATE; on PostgreSQL one advisory lock, taken
before anything is read, under READ COMMITTED. The lock was chosen over SERIALIZABLE because a
``with`` block cannot be run a second time, and over row locks because those do not cover rows
that are not there yet. Deciding transactions last milliseconds: no argon2, no engine, no HTTP
inside. **Reading** ones see one snapshot and cannot write.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError, OperationalError

from hub.enums import Transaction
from hub.settings import Settings
from hub.sqlite import is_not_now, prepare_sqlite
from spawner.errors import CarrelError, Code

MIGRATIONS = Path(__file__).parent / "migrations"
WAIT_MS = 10_000
"""How long a transaction waits for the one before it, in milliseconds."""
THREADS = 8
_ADVISORY_LOCK = 0x4341_5252_454C  # any constant that is ours alone: "CARREL"
_migrating = threading.Lock()  # Alembic keeps the running migration in a global

P = ParamSpec("P")
T = TypeVar("T")


def url(settings: Settings) -> sa.URL:
    """Where the database is. Its text form hides the password; still, never log it.

    Raises CarrelError(UNAVAILABLE) when the password of PostgreSQL cannot be read.
    """
    if settings.database.backend == "sqlite":
        path = settings.data_dir / "db" / "carrel.sqlite"
        return sa.URL.create("sqlite+pysqlite", database=str(path))
    secret = settings.data_dir / "secrets" / "postgres" / "password"
    try:
        password = secret.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CarrelError(
            Code.UNAVAILABLE,
            f"The password of the database cannot be read ({secret}).",
            "Run ./carrel up; it makes the missing secrets.",
        ) from error
    return sa.URL.create(
        "postgresql+psycopg", "carrel", password, host="postgres", database="carrel"
    )


def open_store(settings: Settings) -> Store:
    """The store that the settings name; connects at the first transaction."""
    return Store(url(settings))


class Store:
    """An open database: transactions, threads for them, and its schema."""

    def __init__(self, where: sa.URL | str) -> None:
        where = sa.make_url(where)
        self.sqlite = where.get_backend_name() == "sqlite"
        # hide_parameters: a traceback must not show a password's hash.
        self._engine = sa.create_engine(where, hide_parameters=True, **_options(self.sqlite))
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="store")
        if self.sqlite:
            prepare_sqlite(self._engine, WAIT_MS)
        else:
            sa.event.listen(self._engine, "begin", _begin_postgres)

    @contextmanager
    def deciding(self) -> Iterator[sa.Connection]:
        """A transaction alone in writing; committed at the end, rolled back on any error.

        Raises CarrelError(UNAVAILABLE) when its turn does not come within WAIT_MS.
        """
        with self._transaction(Transaction.DECIDING) as tx:
            yield tx

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one snapshot, waits for nobody and cannot write."""
        with self._transaction(Transaction.READING) as tx:
            yield tx

    def decide(
        self,
        function: Callable[Concatenate[sa.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """``function(tx, ...)`` in a deciding transaction of its own."""
        with self.deciding() as tx:
            return function(tx, *args, **kwargs)

    def read(
        self,
        function: Callable[Concatenate[sa.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """``function(tx, ...)`` in a reading transaction of its own."""
        with self.reading() as tx:
            return function(tx, *args, **kwargs)

    async def in_thread(self, function: Callable[..., T], *args: Any) -> T:
        """``function(*args)`` in a thread of the store, so that a lock stalls no event loop.

        For instance ``await store.in_thread(store.decide, sessions.close_session, ...)``.
        A cancelled caller does not undo it: the transaction runs to its end.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    def migrate(self) -> None:
        """Brings the schema up to this version; safe when several processes do it at once.

        Raises CarrelError(FAILED) when a newer Carrel made the database.
        """
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        newest = ScriptDirectory.from_config(config).get_current_head()
        if self.read(_revision) == newest:
            return
        # DDL is transactional on both databases: whoever comes second finds the work done.
        with _migrating, self._transaction(Transaction.MIGRATING) as tx:
            config.attributes["connection"] = tx
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise CarrelError(
                    Code.FAILED,
                    f"The database does not fit this version of Carrel ({error}).",
                    "A newer Carrel made it: run that version, or restore a backup.",
                ) from error

    def close(self) -> None:
        """Ends the threads and connections; the store is of no use after it."""
        self._threads.shutdown()
        self._engine.dispose()

    @contextmanager
    def _transaction(self, kind: Transaction) -> Iterator[sa.Connection]:
        try:
            with (
                self._engine.connect() as connection,
                connection.execution_options(carrel=kind).begin(),
            ):
                yield connection
        except DBAPIError as error:
            if _is_not_now(error):
                raise CarrelError(
                    Code.UNAVAILABLE,
                    "The database cannot be asked right now.",
                    "Try again in a moment; if it stays so, tell your administrator: "
                    "./carrel doctor says more.",
                ) from error
            raise


def _options(sqlite: bool) -> dict[str, Any]:
    if sqlite:
        return {"connect_args": {"check_same_thread": False, "timeout": WAIT_MS / 1000}}
    session = f"-c lock_timeout={WAIT_MS} -c timezone=UTC"
    return {"pool_pre_ping": True, "connect_args": {"options": session, "connect_timeout": 10}}


def _begin_postgres(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("carrel") is Transaction.READING:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")


def _revision(tx: sa.Connection) -> str | None:
    return MigrationContext.configure(tx).get_current_revision()


def _is_not_now(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        return is_not_now(error.orig)
    return isinstance(error, OperationalError) or error.connection_invalidated
