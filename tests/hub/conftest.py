"""The databases that the hub's tests run on: SQLite and a throw-away PostgreSQL, both real."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from hub import passwords
from hub.audit import COMMAND_LINE, By
from hub.store import Store
from tests.hub.real_hub.cheap import CHEAP
from tests.hub.real_hub.running import Hub
from tests.hub.world import browser, world  # noqa: F401  fixtures

HUB_SETTINGS = {"auth": {"attempts_per_name": 5, "attempts_per_address": 8}}
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BACKENDS = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))
MakeUrl = Callable[[], sa.URL]


class Cluster:
    """A PostgreSQL that listens on a unix socket in a temporary folder and nowhere else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        assert found, "PostgreSQL's server is missing: apt-get install postgresql"
        self.bin = found[-1].parent
        # initdb refuses root; Debian's package makes the user postgres.
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(folder, account.pw_uid, account.pw_gid)
        self._run("initdb", "--auth=trust", "-U", "carrel", "-E", "UTF8", "--no-locale", "-N")
        # No fsync: what a power cut would lose is thrown away anyway.
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "60",
        }
        arguments = [part for k, v in options.items() for part in ("-c", f"{k}={v}")]
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            [self.bin / "postgres", "-D", folder / "data", *arguments],
            stdout=self.log,
            stderr=self.log,
            **self._as_user(),
        )
        self._await_ready()

    def url(self, database: str) -> sa.URL:
        return sa.URL.create(
            "postgresql+psycopg", "carrel", database=database, query={"host": str(self.folder)}
        )

    def create(self, database: str, template: str = "template0") -> sa.URL:
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)')

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.folder), user="carrel", dbname="postgres", autocommit=True
        )

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
        self.process.wait(30)
        self.log.close()

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.bin / program, "-D", self.folder / "data", *arguments],
            capture_output=True,
            text=True,
            check=False,
            **self._as_user(),
        )
        assert done.returncode == 0, done.stderr

    def _as_user(self) -> dict:
        if self.user is None:
            return {"cwd": self.folder}
        return {"cwd": self.folder, "user": self.user, "group": self.user, "extra_groups": []}

    def _await_ready(self) -> None:
        until = time.monotonic() + 30
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError:
                log = (self.folder / "log").read_text()
                assert self.process.poll() is None and time.monotonic() < until, log
                time.sleep(0.05)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL for the whole run."""
    # Not pytest's folder: only its owner may enter that, and a socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="carrel-pg-"))
    try:
        cluster = Cluster(folder)
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "carrel.sqlite"
    _migrate(sa.URL.create("sqlite+pysqlite", database=str(path)))
    return path


@pytest.fixture(scope="session")
def postgres_template(cluster: Cluster) -> str:
    """A migrated PostgreSQL database, to be copied."""
    _migrate(cluster.create("template_carrel"))
    return "template_carrel"


def _migrate(url: sa.URL) -> None:
    store = Store(url)
    store.migrate()
    store.close()


@pytest.fixture(params=BACKENDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.URL]:
    """A database with no table in it."""
    if request.param == "sqlite":
        yield sa.URL.create("sqlite+pysqlite", database=str(tmp_path / "carrel.sqlite"))
        return
    cluster = request.getfixturevalue("cluster")
    name = f"t{uuid.uuid4().hex}"
    yield cluster.create(name)
    cluster.drop(name)


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.URL]:
    """A migrated database of the test's own."""
    if request.param == "sqlite":
        path = tmp_path / "carrel.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield sa.URL.create("sqlite+pysqlite", database=str(path))
        return
    cluster = request.getfixturevalue("cluster")
    name = f"t{uuid.uuid4().hex}"
    yield cluster.create(name, request.getfixturevalue("postgres_template"))
    cluster.drop(name)


@pytest.fixture
def store(url: sa.URL) -> Iterator[Store]:
    """An open store with the newest schema; each test on both databases."""
    store = Store(url)
    yield store
    store.close()


def run_at_once(script: str, arguments: list[str], count: int) -> list[int]:
    """Exit codes of ``count`` Python processes that pass their starting line together.

    The script prints "ready", then waits for a line.
    """
    command = [sys.executable, "-c", script, *arguments]
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            for _ in range(count)
        ]
        for process in started:
            assert process.stdout.readline() == b"ready\n"
        for process in started:
            process.stdin.write(b"\n")
            process.stdin.flush()
        for process in started:
            process.communicate(timeout=120)
        return [process.returncode for process in started]


@pytest.fixture(scope="session")
def at_once() -> Callable[[str, list[str], int], list[int]]:
    """Runs a script in several real processes at the same moment."""
    return run_at_once


@pytest.fixture
def by() -> By:
    """Somebody at the command line, at NOW."""
    return By(COMMAND_LINE, NOW)


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """argon2id at its least cost: for tests of what is around it."""
    monkeypatch.setattr(passwords, "HASHER", CHEAP)


@pytest.fixture(scope="module", params=BACKENDS)
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A real JupyterHub with Carrel's authenticator, on each database."""
    folder = tmp_path_factory.mktemp("hub")
    if request.param == "sqlite":
        database = sa.URL.create("sqlite+pysqlite", database=str(folder / "carrel.sqlite"))
    else:
        database = request.getfixturevalue("cluster").create(f"hub{uuid.uuid4().hex}")
    hub = Hub(folder, database, HUB_SETTINGS)
    hub.start()
    yield hub
    hub.stop()
