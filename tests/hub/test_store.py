"""Deciding transactions come one after another, reading ones cannot write, locks stall nobody."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from datetime import datetime

import pytest
import sqlalchemy as sa

from hub import sqlite
from hub import store as store_module
from hub.settings import Settings
from hub.store import Store
from spawner.errors import CarrelError, Code

COUNTER = sa.Table("counter", sa.MetaData(), sa.Column("n", sa.Integer, nullable=False))
ROUNDS, PROCESSES = 100, 3

# What each process does: read, think, write. With "deciding" through the store, with "plain" as
# SQLAlchemy does it by itself.
WORKER = """
import sys, time, sqlalchemy as sa
from contextlib import nullcontext, suppress
how, url, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
from hub.store import Store
if how == "deciding":
    begin = Store(url).deciding
else:
    begin = sa.create_engine(url).begin
read, write = sa.text("SELECT n FROM counter"), sa.text("UPDATE counter SET n = :n")
print("ready", flush=True)
sys.stdin.readline()
for _ in range(rounds):
    with suppress(sa.exc.DBAPIError) if how == "plain" else nullcontext(), begin() as tx:
        n = tx.execute(read).scalar_one()
        time.sleep(0.0005)
        tx.execute(write, {"n": n + 1})
"""


def _count(url: sa.URL, how: str, at_once) -> int:
    """What the counter says after PROCESSES processes each added ROUNDS to it."""
    text = url.render_as_string(hide_password=False)
    store = Store(url)
    with store.deciding() as tx:
        COUNTER.create(tx)
        tx.execute(COUNTER.insert().values(n=0))
    assert at_once(WORKER, [how, text, str(ROUNDS)], PROCESSES) == [0] * PROCESSES
    with store.reading() as tx:
        total = tx.execute(sa.select(COUNTER.c.n)).scalar_one()
    store.close()
    return total


def test_three_processes_deciding_at_once_lose_nothing(url: sa.URL, at_once) -> None:
    assert _count(url, "deciding", at_once) == ROUNDS * PROCESSES


def test_plain_transactions_do_lose_updates(url: sa.URL, at_once) -> None:
    """So the test above could fail: it is the store that makes the difference."""
    assert _count(url, "plain", at_once) < ROUNDS * PROCESSES


def test_a_reading_transaction_cannot_write(store: Store) -> None:
    with pytest.raises(sa.exc.DBAPIError), store.reading() as tx:
        tx.execute(sa.text("DELETE FROM audit"))
    with store.deciding() as tx:  # and the connection is not left read-only
        tx.execute(sa.text("DELETE FROM audit"))


def test_a_reading_transaction_sees_one_snapshot(store: Store) -> None:
    count = sa.text("SELECT count(*) FROM audit")
    insert = sa.text(
        "INSERT INTO audit (who, what, at) VALUES ('x', 'y', '2026-01-01 00:00:00.000000')"
    )
    with store.reading() as tx:
        assert tx.execute(count).scalar_one() == 0
        with store.deciding() as other:
            other.execute(insert)
        assert tx.execute(count).scalar_one() == 0
    with store.reading() as tx:
        assert tx.execute(count).scalar_one() == 1


def test_an_error_rolls_everything_back(store: Store) -> None:
    with pytest.raises(RuntimeError), store.deciding() as tx:
        tx.execute(sa.text("INSERT INTO audit (who, what, at) VALUES ('x', 'y', '2026-01-01')"))
        raise RuntimeError
    with store.reading() as tx:
        assert tx.execute(sa.text("SELECT count(*) FROM audit")).scalar_one() == 0


def test_waiting_too_long_for_a_turn_says_so(url: sa.URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "WAIT_MS", 200)
    first, second = Store(url), Store(url)
    with first.deciding(), pytest.raises(CarrelError) as caught, second.deciding():
        pass
    assert caught.value.code is Code.UNAVAILABLE
    first.close()
    second.close()


async def test_a_lock_stalls_no_event_loop(store: Store) -> None:
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with store.deciding():
            holding.set()
            done.wait(10)

    holder = asyncio.create_task(store.in_thread(hold))
    await asyncio.to_thread(holding.wait, 10)
    waiter = asyncio.create_task(store.in_thread(store.decide, lambda tx: None))
    started = time.monotonic()
    await asyncio.sleep(0.05)
    assert time.monotonic() - started < 1
    assert not waiter.done()
    done.set()
    await asyncio.gather(holder, waiter)


def test_mistakes_in_a_statement_are_not_called_unavailable(store: Store) -> None:
    with pytest.raises(sa.exc.DBAPIError), store.deciding() as tx:
        tx.execute(sa.text("SELECT * FROM no_such_table"))


def test_errors_do_not_show_what_was_bound(store: Store) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught, store.deciding() as tx:
        tx.execute(sa.text("SELECT * FROM no_such_table WHERE x = :x"), {"x": "SECRET-HASH"})
    assert "SECRET-HASH" not in str(caught.value)


def test_a_database_that_is_not_there_is_unavailable(tmp_path) -> None:
    store = Store(f"sqlite:///{tmp_path}/missing/carrel.sqlite")
    with pytest.raises(CarrelError) as caught, store.reading():
        pass
    assert caught.value.code is Code.UNAVAILABLE
    store.close()


def test_the_sqlite_file_is_its_owners_alone(tmp_path) -> None:
    store = Store(f"sqlite:///{tmp_path}/carrel.sqlite")
    store.migrate()
    with store.deciding():
        assert [p.stat().st_mode & 0o777 for p in tmp_path.iterdir()] == [0o600] * 3
    store.close()


def test_the_switch_to_wal_is_tried_again(tmp_path) -> None:
    """Six processes on a new file: in about one of a hundred starts SQLite gives up at once."""

    class Contended(sqlite3.Connection):
        left = 3

        def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
            if "= WAL" in sql and self.left:
                self.left -= 1
                raise sqlite3.OperationalError("database is locked")
            return super().execute(sql, *arguments)

    connection = sqlite3.connect(tmp_path / "x", factory=Contended)
    sqlite._ensure_wal(connection)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.left = 10**6
    sqlite._ensure_wal(connection)  # and where it is done, nothing is tried
    connection.close()


def test_times_come_back_aware_and_naive_ones_are_refused(store: Store) -> None:
    from hub.models import audit

    moment = datetime.fromisoformat("2026-03-01T01:30:00.123456+05:30")
    with store.deciding() as tx:
        tx.execute(audit.insert().values(who="x", what="y", at=moment))
        found = tx.execute(sa.select(audit.c.at)).scalar_one()
    assert found == moment
    assert found.utcoffset().total_seconds() == 0
    with pytest.raises(sa.exc.StatementError), store.deciding() as tx:
        tx.execute(audit.insert().values(who="x", what="y", at=datetime(2026, 1, 1)))


def test_the_url_follows_the_settings_and_hides_the_password(tmp_path) -> None:
    base = Settings(data_dir=tmp_path)
    assert store_module.url(base).database == f"{tmp_path}/db/carrel.sqlite"
    postgres = Settings(data_dir=tmp_path, database={"backend": "postgres"})
    with pytest.raises(CarrelError) as caught:
        store_module.url(postgres)
    assert caught.value.code is Code.UNAVAILABLE
    secret = tmp_path / "secrets" / "postgres" / "password"
    secret.parent.mkdir(parents=True)
    secret.write_text("p@ss/word\n")
    url = store_module.url(postgres)
    assert (url.password, url.host, url.database) == ("p@ss/word", "postgres", "carrel")
    assert "p@ss" not in str(url) and "p%40ss" not in str(url)
