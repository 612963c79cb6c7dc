"""The schema itself refuses rows that make no sense, whatever the code above it does."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from hub.store import Store

AT = "'2026-03-01 12:00:00.000000'"


def _execute(store: Store, statement: str) -> None:
    with store.deciding() as tx:
        tx.execute(sa.text(statement))


def _session(**values: str) -> str:
    row = {"id": "'a00000000000'", '"user"': "'mia'", "profile": "'small'", "state": "'queued'"}
    row |= {"requested_at": AT, **values}
    return f"INSERT INTO sessions ({', '.join(row)}) VALUES ({', '.join(row.values())})"


def _link(**values: str) -> str:
    row = {"token_hash": "'x'", "kind": "'invitation'", "role": "'student'", "name": "'mia'"}
    row |= {"created_by": "'tess'", "created_at": AT, "expires_at": AT, "most_uses": "1"}
    row |= {"uses": "0", **values}
    return f"INSERT INTO links ({', '.join(row)}) VALUES ({', '.join(row.values())})"


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO accounts (name, role, created_at) VALUES ('mia', 'boss', {AT})",
        f"INSERT INTO accounts (name, role, created_at) VALUES (NULL, 'admin', {AT})",
        _link(role="'root'"),
        _link(role="NULL"),
        _link(kind="'reset'", role="NULL", name="NULL"),
        _link(kind="'reset'"),
        _link(kind="'gift'"),
        f"INSERT INTO accounts (name, role, created_at, interface) "
        f"VALUES ('mia', 'admin', {AT}, 'vim')",
        f"INSERT INTO departures (name, role, created_at, deleted_at, deleted_by, remove_at) "
        f"VALUES ('mia', 'boss', {AT}, {AT}, 'ada', {AT})",
        f"INSERT INTO departures (name, role, created_at, deleted_at, deleted_by) "
        f"VALUES ('mia', 'admin', {AT}, {AT}, 'ada')",
        _link(uses="2"),
        _link(uses="-1"),
        _session(state="'sleeping'"),
        _session(state="'ended'", reason="'idle'"),
        _session(state="'ended'", ended_at=AT),
        _session(ended_at=AT),
        _session(reason="'idle'"),
        _session(state="'ended'", ended_at=AT, reason="'bored'"),
    ],
)
def test_rows_that_make_no_sense_are_refused(store: Store, statement: str) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        _execute(store, statement)


def test_one_user_has_at_most_one_session_that_has_not_ended(store: Store) -> None:
    ended = {"state": "'ended'", "ended_at": AT, "reason": "'idle'"}
    _execute(store, _session(id="'a00000000001'", **ended))
    _execute(store, _session(id="'a00000000002'", **ended))
    _execute(store, _session(id="'a00000000003'"))
    with pytest.raises(sa.exc.IntegrityError):
        _execute(store, _session(id="'a00000000004'", state="'draining'"))
    _execute(store, _session(id="'a00000000005'", **{'"user"': "'tom'"}))


def test_one_person_of_a_provider_has_one_account(store: Store) -> None:
    row = "INSERT INTO accounts (name, role, created_at, identity) VALUES ('{}', 'admin', {}, {})"
    _execute(store, row.format("mia", AT, "'https://idp 1'"))
    with pytest.raises(sa.exc.IntegrityError):
        _execute(store, row.format("tom", AT, "'https://idp 1'"))
    for name in ("zoe", "eva"):  # any number of local ones
        _execute(store, row.format(name, AT, "NULL"))


def test_two_links_cannot_have_one_token(store: Store) -> None:
    _execute(store, _link())
    with pytest.raises(sa.exc.IntegrityError):
        _execute(store, _link(name="'tom'"))
