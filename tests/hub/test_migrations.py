"""Migrations make the tables that hub/models.py describes, at any number of starts at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from hub import accounts, invitations, links
from hub import store as store_module
from hub.audit import INVITED, By
from hub.enums import LinkState, Role
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


NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIRST_SLICE = """
INSERT INTO accounts (name, role, password_hash, created_at, disabled_at, last_login_at) VALUES
    ('ada', 'admin', 'hash a', :before, NULL, :now),
    ('mia', 'student', 'hash m', :before, :now, NULL);
INSERT INTO setup_links (token_hash, role, created_at, expires_at, used_at, used_by) VALUES
    (:open, 'admin', :before, :after, NULL, NULL),
    (:used, 'teacher', :before, :after, :now, 'ada'),
    (:expired, 'student', :before, :now, NULL, NULL);
INSERT INTO login_attempts (name, address, at) VALUES ('mia', '10.0.0.1', :now);
INSERT INTO sessions (id, "user", profile, state, requested_at) VALUES
    ('a00000000000', 'mia', 'small', 'running', :now);
INSERT INTO audit (who, what, whom, at, detail) VALUES
    ('(setup link)', 'setup_link.used', 'ada', :now, 'teacher');
"""


def test_a_database_of_the_first_slice_is_taken_along(
    empty_url: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revision 0001, with accounts and setup links in every state: nothing is lost."""
    store = Store(empty_url)
    _migrate_to(store, "0001", monkeypatch)
    tokens = {state: f"the {state} token" for state in ("open", "used", "expired")}
    times = {"before": NOW - timedelta(hours=1), "now": NOW, "after": NOW + timedelta(hours=23)}
    if store.sqlite:  # as the store writes them
        times = {key: f"{at:%Y-%m-%d %H:%M:%S.%f}" for key, at in times.items()}
    values = times | {state: links._hash(token) for state, token in tokens.items()}
    with store.deciding() as tx:
        for statement in FIRST_SLICE.split(";\n"):
            names = {name: value for name, value in values.items() if f":{name}" in statement}
            if statement.strip():
                tx.execute(sa.text(statement), names)
    before = _rows(store, "accounts", "login_attempts", "sessions", "audit")

    store.migrate()

    assert _rows(store, *before) == before
    mia = store.read(accounts.require, "mia")
    assert (mia.full_name, mia.invited_by, mia.identity, mia.interface) == ("", None, None, None)
    assert (mia.password_hash, mia.disabled_at) == ("hash m", NOW)
    shown = {link.role: link for link in store.read(links.listed)}
    assert {role: (link.state(NOW), link.uses, link.most_uses) for role, link in shown.items()} == {
        Role.ADMIN: (LinkState.OPEN, 0, 1),
        Role.TEACHER: (LinkState.USED, 1, 1),
        Role.STUDENT: (LinkState.EXPIRED, 0, 1),
    }
    assert {link.created_by for link in shown.values()} == {"(command line)"}
    assert shown[Role.ADMIN].created_at == NOW - timedelta(hours=1)
    for state in ("used", "expired"):
        with pytest.raises(CarrelError, match=state):
            store.read(invitations.find_usable, tokens[state], NOW)
    new = accounts.NewAccount("eva", Role.STUDENT, "hash e")
    eva = store.decide(invitations.accept, tokens["open"], new, By(INVITED, NOW))
    assert eva.role is Role.ADMIN
    with pytest.raises(CarrelError, match="used"):
        store.read(invitations.find_usable, tokens["open"], NOW)
    assert "setup_links" not in _shape(empty_url)
    store.close()


def _migrate_to(store: Store, revision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(ScriptDirectory, "get_current_head", lambda _self: revision)
        upgrade = store_module.command.upgrade
        patch.setattr(
            store_module.command, "upgrade", lambda config, _head: upgrade(config, revision)
        )
        store.migrate()
    assert store.read(store_module._revision) == revision


def _rows(store: Store, *tables: str) -> dict[str, list]:
    """What the columns of revision 0001 hold."""
    old = {
        "accounts": "name, role, password_hash, created_at, disabled_at, last_login_at",
        "login_attempts": "id, name, address, at",
        "sessions": 'id, "user", profile, state, requested_at',
        "audit": "id, who, what, whom, at, address, detail",
    }
    with store.reading() as tx:
        return {
            table: tx.execute(sa.text(f"SELECT {old[table]} FROM {table} ORDER BY 1")).all()
            for table in tables
        }
