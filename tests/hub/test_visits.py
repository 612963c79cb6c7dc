"""What the start pages know of whoever comes, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hub import accounts, sessions
from hub.audit import By
from hub.enums import Interface, Reason, Role
from hub.handlers.start_pages import Visit, visit_of
from hub.store import Store


@pytest.fixture
def visit(store: Store, by: By):
    """Asks for ada's."""
    new = accounts.NewAccount("ada", Role.STUDENT, full_name="Ada Lovelace")
    store.decide(accounts.create, new, by)
    return lambda: store.read(visit_of, "ada")


def run(store: Store, by: By, *, ready: bool = True) -> str:
    """A session of ada's; its id."""
    session = store.decide(sessions.open_session, "ada", "small", by.at)
    if ready:
        store.decide(sessions.mark_running, session.id, "c" * 12, "http://x/", by.at)
    return session.id


def end(store: Store, id_: str, by: By) -> None:
    later = by.at + timedelta(minutes=1)
    store.decide(sessions.close_session, id_, Reason.STOPPED_BY_USER, later)


def test_whoever_never_had_a_session_comes_for_the_first_time(visit) -> None:
    found = visit()
    assert replace(found, drive=None) == Visit(called="Ada Lovelace", first=True)
    assert found.drive.link is None, "nothing is connected"


def test_the_first_session_is_still_the_first_visit_and_the_second_is_not(
    visit, store: Store, by: By
) -> None:
    first = run(store, by)
    assert visit().first and visit().session.id == first
    end(store, first, by)
    assert not visit().first and visit().session is None


def test_a_start_that_failed_was_no_session(visit, store: Store, by: By) -> None:
    end(store, run(store, by, ready=False), by)
    assert visit().first


def test_the_interface_they_like_is_known(visit, store: Store) -> None:
    store.decide(accounts.set_interface, "ada", Interface.NOTEBOOK)
    assert visit().interface is Interface.NOTEBOOK


def test_a_name_that_only_jupyterhub_knows_is_a_name(store: Store) -> None:
    assert store.read(visit_of, "nobody") == Visit(called="nobody")
