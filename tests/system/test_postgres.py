"""The same Carrel on PostgreSQL: one setting."""

from __future__ import annotations

import json

import pytest

from tests.conftest import brought_up

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def on_postgres(engine):
    """An installation with `[database] backend = "postgres"`."""
    extra = (
        ("CARREL_DATABASE__BACKEND", "postgres"),
        ("CARREL_NETWORK__SUBNET", "10.209.0.0/24"),
    )
    with brought_up(engine, "pg", 8055, extra) as found:
        yield found


def tables(installation, database):
    code, said = installation.inside(
        "pg-postgres", "psql", "--host=/tmp", "--username=carrel", database, "--tuples-only",
        "--command=select tablename from pg_tables where schemaname = 'public'",
    )  # fmt: skip
    assert code == 0, said
    return set(said.split())


def test_carrel_and_jupyterhub_have_a_database_each(on_postgres):
    assert {"accounts", "sessions", "audit"} <= tables(on_postgres, "carrel")
    assert {"users", "spawners"} <= tables(on_postgres, "jupyterhub")
    assert not list((on_postgres.data_dir / "db").glob("*.sqlite"))


def test_people_and_sessions_work(on_postgres):
    on_postgres.add_user("paul")
    container = on_postgres.start_session("paul")
    assert container.startswith("pg-paul-")
    (session,) = json.loads(on_postgres.carrel("session", "list", "paul", "--json").stdout)
    assert session["state"] == "running"
    on_postgres.carrel("session", "stop", "paul")
    (session,) = json.loads(on_postgres.carrel("session", "list", "paul", "--json").stdout)
    assert session["state"] == "ended"


def test_the_database_outlives_its_container_and_hub_and_web_find_it_again(on_postgres):
    on_postgres.add_user("before")
    on_postgres.carrel("down")
    on_postgres.carrel("up")
    names = {
        user["name"] for user in json.loads(on_postgres.carrel("user", "list", "--json").stdout)
    }
    assert {"paul", "before"} <= names


def test_only_those_with_the_password_get_in(on_postgres):
    code, said = on_postgres.inside(
        "pg-postgres", "psql", "--no-password", "--host=127.0.0.1", "--username=carrel", "carrel"
    )
    assert code != 0
    assert "no password supplied" in said
