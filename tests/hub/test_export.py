"""What is kept about a person, as an archive's members: all of it, and nothing of others."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from hub import (
    accounts,
    attempts,
    audit,
    courses,
    departures,
    export,
    homes,
    invitations,
    members,
    sessions,
)
from hub.accounts import NewAccount
from hub.attempts import Limits
from hub.audit import By
from hub.courses import Wish
from hub.enums import Reason, Role
from hub.models import audit as audit_rows
from hub.models import links
from hub.powers import Actor
from hub.settings import Settings
from hub.store import Store
from spawner.errors import CarrelError, Code

HASH = "$argon2id$secret"


def files(raw: bytes) -> dict[str, object]:
    with tarfile.open(fileobj=io.BytesIO(raw + export.END)) as tar:
        return {name: json.load(tar.extractfile(name)) for name in tar.getnames()}


@pytest.fixture
def mia(store: Store, by: By) -> By:
    """Mia, who did this and that, and to whom this and that was done."""
    new = NewAccount("mia", Role.TEACHER, HASH, "Mia Ä. <b>", "root")
    store.decide(accounts.create, new, replace(by, address="192.0.2.1"))
    store.decide(accounts.create, NewAccount("tom", Role.STUDENT, HASH), by)
    me = By("mia", by.at + timedelta(hours=1), "198.51.100.7")
    invitation = invitations.Invitation(Role.STUDENT, timedelta(days=1))
    store.decide(invitations.create, invitation, me)
    store.decide(invitations.create, invitation, replace(me, who="tom"))
    store.decide(courses.make, Actor("mia", Role.TEACHER), "ds-24", Wish("Data"), me)
    store.decide(members.join, Actor("tom", Role.STUDENT), "ds-24", "", replace(me, who="tom"))
    for user in ("mia", "tom"):
        opened = store.decide(sessions.open_session, user, "small", by.at)
        store.decide(sessions.close_session, opened.id, Reason.IDLE, by.at, "no activity")
    store.decide(homes.record, "mia", 2**31, by.at)
    limits = Limits.of(Settings().auth)
    store.decide(attempts.reserve, "mia", "203.0.113.5", limits, by.at)
    return me


def test_everything_about_a_person_is_there(store: Store, mia: By) -> None:
    found = files(store.decide(export.begin, "Mia", mia))

    assert list(found) == [
        "account.json", "sessions.json", "links.json", "courses.json", "secrets.json",
        "drive.json", "audit.json", "login_attempts.json",
    ]  # fmt: skip
    account = found["account.json"]
    assert (account["name"], account["role"], account["full_name"]) == (
        "mia", "teacher", "Mia Ä. <b>"
    )  # fmt: skip
    assert account["home"]["size_bytes"] == 2**31
    assert datetime.fromisoformat(account["created_at"]).tzinfo
    assert [one["user"] for one in found["sessions.json"]] == ["mia"]
    assert found["sessions.json"][0]["reason"] == "idle"
    assert [one["created_by"] for one in found["links.json"]] == ["mia"]
    (seat,) = found["courses.json"]
    assert (seat["course"], seat["user"], seat["role"], seat["copy"]) == (
        "ds-24", "mia", "teacher", None
    )  # fmt: skip
    assert [line["what"] for line in found["audit.json"]] == [
        "account.created", "invitation.made", "course.made", "account.exported"
    ]  # fmt: skip
    assert len(found["login_attempts.json"]) == 1


def test_no_hash_and_nobody_elses_address_is_in_it(store: Store, mia: By) -> None:
    raw = store.decide(export.begin, "mia", mia)
    with store.reading() as tx:
        token_hashes = tx.execute(sa.select(links.c.token_hash)).scalars().all()

    assert token_hashes
    for secret in (HASH, "hash", *token_hashes, "192.0.2.1", "203.0.113.5"):
        assert secret.encode() not in raw
    assert b"198.51.100.7" in raw


def test_an_export_is_a_line_in_the_audit(store: Store, mia: By) -> None:
    store.decide(export.begin, "mia", replace(mia, who="root"))
    with store.reading() as tx:
        last = tx.execute(sa.select(audit_rows).order_by(audit_rows.c.id.desc())).first()
    assert (last.who, last.what, last.whom, last.address) == (
        "root", audit.Action.ACCOUNT_EXPORTED.value, "mia", "198.51.100.7"
    )  # fmt: skip


def test_somebody_whose_account_is_deleted_is_exported_too(store: Store, mia: By) -> None:
    store.decide(accounts.remove, "mia", mia, mia.at + timedelta(days=3))
    account = files(store.decide(export.begin, "mia", mia))["account.json"]
    assert account["name"] == "mia"
    assert account["remove_at"]


def test_nobody_is_nobody(store: Store, mia: By) -> None:
    with pytest.raises(CarrelError) as caught:
        store.decide(export.begin, "nobody", mia)
    assert caught.value.code is Code.NOT_FOUND


def test_a_namesake_gets_nothing_of_whoever_had_the_name_before(store: Store, mia: By) -> None:
    gone = replace(mia, who="root", at=mia.at + timedelta(days=1))
    store.decide(accounts.remove, "mia", gone, gone.at)
    store.decide(departures.forget, "mia", gone)
    later = By("mia", gone.at + timedelta(days=1), "192.0.2.99")
    store.decide(accounts.create, NewAccount("mia", Role.STUDENT), later)

    raw = store.decide(export.begin, "mia", later)
    found = files(raw)
    assert found["sessions.json"] == found["links.json"] == found["login_attempts.json"] == []
    assert b"198.51.100.7" not in raw
    assert [line["what"] for line in found["audit.json"]] == [
        "account.created", "account.exported"
    ]  # fmt: skip
