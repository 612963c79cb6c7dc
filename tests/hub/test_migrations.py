"""Migrations make the tables that hub/models.py describes, at any number of starts at once."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from hub.models import metadata
from hub.store import Store
from spawner.errors import CarrelError, Code

MIGRATE = """
import sys
from hub.store import Store
print("ready", flush=True); sys.stdin.readline()
Store(sys.argv[1]).migrate()
"""


def _shape(url: sa.URL) -> dict:
    """Tables as the database itself describes them."""
    engine = sa.create_engine(url)
    inspector = sa.inspect(engine)
    shape = {
        table: {
            "columns": {
                c["name"]: (str(c["type"]), c["nullable"], c["default"])
                for c in inspector.get_columns(table)
            },
            "pk": inspector.get_pk_constraint(table),
            "unique": _sorted(inspector.get_unique_constraints(table)),
            "check": _sorted(inspector.get_check_constraints(table)),
            "indexes": _sorted(inspector.get_indexes(table)),
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }
    engine.dispose()
    return shape


def _sorted(items: list) -> list:
    return sorted(_text(item) for item in items)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return str({key: _text(value[key]) for key in sorted(value)})
    return str(value)


def test_the_migrated_schema_is_the_one_of_the_models(empty_url: sa.URL) -> None:
    engine = sa.create_engine(empty_url)
    metadata.create_all(engine)
    described = _shape(empty_url)
    metadata.drop_all(engine)
    engine.dispose()
    store = Store(empty_url)
    store.migrate()
    store.close()
    assert set(described) == set(metadata.tables)
    assert _shape(empty_url) == described


def test_migrating_twice_changes_nothing(store: Store) -> None:
    store.migrate()
    store.migrate()


def test_four_processes_may_migrate_at_once(empty_url: sa.URL, at_once) -> None:
    where = empty_url.render_as_string(hide_password=False)
    assert at_once(MIGRATE, [where], 4) == [0] * 4
    assert set(_shape(empty_url)) == set(metadata.tables)


def test_a_migration_that_fails_leaves_nothing_half_done(
    empty_url: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    import alembic.op

    def fail(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError

    store = Store(empty_url)
    with monkeypatch.context() as patch:
        patch.setattr(alembic.op, "create_index", fail)
        with pytest.raises(RuntimeError):
            store.migrate()
    assert _shape(empty_url) == {}
    store.migrate()
    assert set(_shape(empty_url)) == set(metadata.tables)
    store.close()


def test_a_database_of_a_newer_version_is_left_alone(store: Store) -> None:
    with store.deciding() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CarrelError) as caught:
        store.migrate()
    assert caught.value.code is Code.FAILED
    assert "newer" in caught.value.hint
