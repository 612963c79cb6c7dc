"""Secrets on record: named, bounded, replaced, gone with their owner; no text tells about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hub import accounts, departures, export, secret_grants, user_secrets
from hub.accounts import NewAccount
from hub.audit import By
from hub.enums import Role
from hub.models import audit
from hub.models import secret_grants as grant_rows
from hub.secret_grants import Reader
from hub.store import Store
from hub.user_secrets import MOST, Sealed
from spawner.errors import CarrelError, Code
from tests.hub.test_export import files

HOUR = timedelta(hours=1)
SAVE = """
import sys
from datetime import UTC, datetime
from hub import user_secrets
from hub.audit import By
from hub.store import Store
from hub.user_secrets import Sealed
from spawner.errors import CarrelError
store = Store(sys.argv[1])
store.read(user_secrets.listed, "mia")
print("ready", flush=True); sys.stdin.readline()
try:
    by = By("mia", datetime.now(UTC))
    store.decide(user_secrets.save, "mia", Sealed(sys.argv[2], "sealed", True), by)
except CarrelError as error:
    sys.exit(error.code.value % 256)
"""


@pytest.fixture
def people(store: Store, by: By) -> Store:
    for name in ("mia", "tom"):
        store.decide(accounts.create, NewAccount(name, Role.STUDENT), by)
    return store


def save(store: Store, by: By, name: str = "KEY", text: str = "sealed", new: bool = True) -> None:
    store.decide(user_secrets.save, "mia", Sealed(name, text, new), by)


def test_a_secret_is_added_replaced_and_deleted(people: Store, by: By) -> None:
    save(people, by)
    people.decide(user_secrets.set_everywhere, "mia", "KEY", True, by)
    save(people, replace(by, at=by.at + HOUR), text="anew", new=False)
    (secret,) = people.read(user_secrets.listed, "mia")
    assert (secret.name, secret.everywhere) == ("KEY", True)
    assert (secret.created_at, secret.changed_at) == (by.at, by.at + HOUR)
    assert people.read(user_secrets.sealed, "mia", "KEY") == "anew"
    assert people.read(user_secrets.listed, "tom") == []

    assert people.decide(user_secrets.delete, "mia", "KEY", by)
    assert not people.decide(user_secrets.delete, "mia", "KEY", by)
    assert people.read(user_secrets.listed, "mia") == []


def test_a_new_one_replaces_none_and_an_old_one_must_be_there(people: Store, by: By) -> None:
    with pytest.raises(CarrelError) as caught:
        save(people, by, new=False)
    assert caught.value.code is Code.NOT_FOUND
    save(people, by)
    with pytest.raises(CarrelError, match="of this name already") as caught:
        save(people, by, text="other")
    assert caught.value.code is Code.CONFLICT
    save(people, by, name="key")  # another name
    assert people.read(user_secrets.sealed, "mia", "KEY") == "sealed"
    for refused in (user_secrets.sealed, user_secrets.require):
        with pytest.raises(CarrelError, match="no secret of this name"):
            people.read(refused, "tom", "KEY")


def test_a_hundred_and_first_is_refused_and_the_others_can_change(people: Store, by: By) -> None:
    for number in range(MOST):
        save(people, by, f"K{number}")
    with pytest.raises(CarrelError, match="as many as can be") as caught:
        save(people, by, "one_more")
    assert caught.value.code is Code.CONFLICT
    save(people, by, "K5", "anew", new=False)
    people.decide(user_secrets.delete, "mia", "K7", by)
    save(people, by, "one_more")
    assert len(people.read(user_secrets.listed, "mia")) == MOST


def test_two_at_once_never_make_one_too_many_nor_two_of_a_name(
    people: Store, by: By, url: sa.URL, at_once: Callable[[str, list[str], int], list[int]]
) -> None:
    where = url.render_as_string(hide_password=False)
    for number in range(MOST - 1):
        save(people, by, f"K{number}")
    assert sorted(at_once(SAVE, [where, "LAST"], 2)) == [0, Code.CONFLICT.value % 256]
    assert len(people.read(user_secrets.listed, "mia")) == MOST


def test_nobody_who_is_disabled_or_unknown_saves_anything(people: Store, by: By) -> None:
    people.decide(accounts.disable, "mia", by)
    with pytest.raises(CarrelError) as caught:
        save(people, by)
    assert caught.value.code is Code.REFUSED
    with pytest.raises(CarrelError) as caught:
        people.decide(user_secrets.save, "carrel", Sealed("KEY", "sealed", True), by)
    assert caught.value.code is Code.NOT_FOUND


def test_secrets_end_with_the_account_and_do_not_come_back(people: Store, by: By) -> None:
    save(people, by)
    people.decide(secret_grants.allow, Reader("mia", "KEY", "a.ipynb"), by)
    people.decide(accounts.remove, "mia", by, by.at + HOUR)
    with people.reading() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(grant_rows)) == 0
    people.decide(departures.restore, "mia", by)
    assert people.read(user_secrets.listed, "mia") == []


def test_an_export_holds_names_for_their_owner_alone_and_never_what_was_sealed(
    people: Store, by: By
) -> None:
    save(people, by, "HF_TOKEN", "gAAAAsealed")
    people.decide(secret_grants.allow, Reader("mia", "HF_TOKEN", "a.ipynb"), by)
    own = people.decide(export.begin, "mia", replace(by, who="mia"))
    (secret,) = files(own)["secrets.json"]
    assert (secret["name"], secret["everywhere"]) == ("HF_TOKEN", False)
    assert [one["notebook"] for one in secret["notebooks"]] == ["a.ipynb"]
    others = people.decide(export.begin, "mia", replace(by, who="root"))
    (secret,) = files(others)["secrets.json"]
    assert set(secret) == {"created_at", "changed_at"}
    for raw, words in ((own, [b"gAAAA"]), (others, [b"gAAAA", b"HF_TOKEN", b"a.ipynb"])):
        assert not any(word in raw for word in words)


def test_what_is_done_is_on_record_without_names_and_values(people: Store, by: By) -> None:
    me = replace(by, who="mia", address="198.51.100.7")
    save(people, me, "HF_TOKEN", "gAAAAsealed")
    people.decide(user_secrets.set_everywhere, "mia", "HF_TOKEN", True, me)
    assert not people.decide(user_secrets.set_everywhere, "mia", "HF_TOKEN", True, me)
    people.decide(user_secrets.set_everywhere, "mia", "HF_TOKEN", False, me)
    people.decide(user_secrets.delete, "mia", "HF_TOKEN", me)
    with people.reading() as tx:
        lines = tx.execute(sa.select(audit).where(audit.c.who == "mia").order_by(audit.c.id)).all()
    assert [line.what for line in lines] == [
        "secret.saved", "secret.allowed", "secret.revoked", "secret.deleted",
    ]  # fmt: skip
    assert {(line.whom, line.address, line.detail) for line in lines} == {
        ("mia", "198.51.100.7", "")
    }


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "<b>", "a/b", "..", "-x", ".x", "KEY\n", "K\u0435Y", "ключ", "a" * 65,
     "x" * 10_000, "a\0b", "K?", "a%2Fb", "(a name)"],
)  # fmt: skip
def test_a_name_that_cannot_be_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(CarrelError, match="cannot be called that") as caught:
        user_secrets.checked_name(name)
    assert caught.value.code is Code.BAD_INPUT
    assert "<" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize("name", ["HF_TOKEN", "_x", "openai-key", "a.b", "2fa", "A" * 64])
def test_names_as_notebooks_of_colab_have_them_are_fine(name: str) -> None:
    assert user_secrets.checked_name(name) == name


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("a\0b", "no text"),
        ("geheim\ud800", "no text"),
        ("x" * 8193, "too long"),
        ("ä" * 4097, "too long"),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_not_repeated(value: str, says: str) -> None:
    with pytest.raises(CarrelError, match=says) as caught:
        user_secrets.checked_value(value)
    assert "geheim" not in str(caught.value) and "xx" not in str(caught.value)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("hf_1\r\n", "hf_1"),
        ("hf_1", "hf_1"),
        (" with spaces ", " with spaces "),
        ("-----BEGIN\r\nabc\r\n-----END\r\n", "-----BEGIN\nabc\n-----END\n"),
        ("\r\n", ""),
    ],
)
def test_a_pasted_line_loses_its_end_and_a_text_keeps_it(sent: str, meant: str) -> None:
    assert user_secrets.typed(sent) == meant


def test_the_longest_value_is_fine() -> None:
    assert user_secrets.checked_value("ä" * 4096) == "ä" * 4096
