"""Which notebooks may read a secret; those that asked are remembered, few, and seldom written."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from hub import accounts, secret_grants, user_secrets
from hub.accounts import NewAccount
from hub.audit import By
from hub.enums import GrantState, Role
from hub.secret_grants import FRESH, MOST_ASKED, MOST_GRANTED, Look, Reader
from hub.store import Store
from hub.user_secrets import Sealed
from spawner.errors import CarrelError, Code

READER = Reader("mia", "KEY", "lab1.ipynb")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def mia(store: Store, by: By) -> Store:
    for name in ("mia", "tom"):
        store.decide(accounts.create, NewAccount(name, Role.STUDENT), by)
        store.decide(user_secrets.save, name, Sealed("KEY", f"sealed {name}", True), by)
    return store


def look(store: Store, by: By, reader: Reader = READER) -> Look:
    found = store.read(secret_grants.look, reader, by.at)
    assert found
    return found


def listed(store: Store, state: GrantState) -> list[str]:
    grants = store.read(secret_grants.of_user, "mia")
    return [grant.notebook for grant in grants if grant.state is state]


def test_a_notebook_reads_what_it_is_granted_until_that_is_revoked(mia: Store, by: By) -> None:
    assert not look(mia, by).allowed
    assert mia.decide(secret_grants.allow, READER, by)
    assert not mia.decide(secret_grants.allow, READER, by)
    assert look(mia, by).allowed
    assert look(mia, by).sealed == "sealed mia"
    for other in (replace(READER, user="tom"), replace(READER, notebook="Lab1.ipynb"),
                  replace(READER, notebook="")):  # fmt: skip
        assert not look(mia, by, other).allowed
    assert mia.decide(secret_grants.withdraw, READER, by)
    assert not mia.decide(secret_grants.withdraw, READER, by)
    assert not look(mia, by).allowed


def test_all_notebooks_read_what_is_open_to_all_of_them(mia: Store, by: By) -> None:
    mia.decide(user_secrets.set_everywhere, "mia", "KEY", True, by)
    assert look(mia, by).allowed
    assert look(mia, by, replace(READER, notebook="")).allowed
    assert not look(mia, by, replace(READER, user="tom")).allowed


def test_a_question_is_on_the_list_until_it_is_answered(mia: Store, by: By) -> None:
    assert mia.decide(secret_grants.remember, READER, by.at)
    assert look(mia, by).known and not look(mia, by).allowed
    mia.decide(secret_grants.allow, READER, by)
    assert listed(mia, GrantState.ASKED) == []
    # A question that was on its way takes nothing back.
    assert mia.decide(secret_grants.remember, READER, by.at)
    assert look(mia, by).allowed
    mia.decide(secret_grants.withdraw, READER, by)
    mia.decide(secret_grants.remember, READER, by.at)
    mia.decide(secret_grants.withdraw, READER, by)
    assert mia.read(secret_grants.of_user, "mia") == []


def test_a_flood_of_questions_fills_a_short_list_and_writes_no_more(mia: Store, by: By) -> None:
    def ask(number: int, at: datetime) -> bool:
        reader = replace(READER, notebook=f"n{number:03}.ipynb")
        return mia.decide(secret_grants.remember, reader, at)

    answers = [ask(number, by.at + number * MINUTE) for number in range(MOST_ASKED + 5)]
    assert answers == [True] * MOST_ASKED + [False] * 5
    assert not look(mia, replace(by, at=by.at + 30 * MINUTE)).room
    later = by.at + FRESH + MINUTE / 2
    assert look(mia, replace(by, at=later)).room
    assert ask(900, later)
    assert not ask(901, later), "only what is old makes room"
    names = listed(mia, GrantState.ASKED)
    assert len(names) == MOST_ASKED and "n000.ipynb" not in names and "n900.ipynb" in names


def test_a_secret_that_is_gone_is_asked_for_in_vain(mia: Store, by: By) -> None:
    mia.decide(secret_grants.remember, READER, by.at)
    mia.decide(user_secrets.delete, "mia", "KEY", by)
    assert mia.read(secret_grants.look, READER, by.at) is None
    assert not mia.decide(secret_grants.remember, READER, by.at)
    with pytest.raises(CarrelError) as caught:
        mia.decide(secret_grants.allow, READER, by)
    assert caught.value.code is Code.NOT_FOUND
    mia.decide(user_secrets.save, "mia", Sealed("KEY", "anew", True), by)
    assert mia.read(secret_grants.of_user, "mia") == [], "a new one starts with nobody"


def test_only_so_many_notebooks_are_listed(mia: Store, by: By) -> None:
    for number in range(MOST_GRANTED):
        mia.decide(secret_grants.allow, replace(READER, notebook=f"n{number}.ipynb"), by)
    with pytest.raises(CarrelError, match="as many as can be listed") as caught:
        mia.decide(secret_grants.allow, READER, by)
    assert caught.value.code is Code.CONFLICT


def test_whoever_is_disabled_is_told_nothing(mia: Store, by: By) -> None:
    mia.decide(secret_grants.allow, READER, by)
    mia.decide(accounts.disable, "mia", by)
    with pytest.raises(CarrelError) as caught:
        mia.read(secret_grants.look, READER, by.at)
    assert caught.value.code is Code.REFUSED


def test_the_longest_path_fits_both_databases(mia: Store, by: By) -> None:
    path = "\U0001f4d3" * 248 + ".ipynb"
    assert secret_grants.checked_notebook(path) == path
    mia.decide(secret_grants.allow, replace(READER, notebook=path), by)
    assert look(mia, by, replace(READER, notebook=path)).allowed


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        (" lab1.ipynb\n", "lab1.ipynb"),
        ("/content/courses/data-26/lab 1.ipynb", "courses/data-26/lab 1.ipynb"),
        ("./a.ipynb", "a.ipynb"),
        ("Lab1: Übung.ipynb", "Lab1: Übung.ipynb"),
    ],
)
def test_a_path_may_be_typed_in_several_ways(typed: str, path: str) -> None:
    assert secret_grants.checked_notebook(typed) == path


@pytest.mark.parametrize(
    "typed",
    ["", "lab1", "lab1.py", "/etc/x.ipynb", "../x.ipynb", "a/../x.ipynb", "a//x.ipynb",
     "a\nb.ipynb", "a\0.ipynb", "a\u2028.ipynb", "x" * 10_000 + ".ipynb", "\ud800.ipynb",
     "ä" * 498 + ".ipynb"],
)  # fmt: skip
def test_what_is_no_path_of_a_notebook_is_refused(typed: str) -> None:
    with pytest.raises(CarrelError, match="no path of a notebook"):
        secret_grants.checked_notebook(typed)
