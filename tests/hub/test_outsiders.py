"""Who is not let in any more."""

from __future__ import annotations

from datetime import timedelta

from hub import accounts, outsiders, sessions
from hub.accounts import NewAccount
from hub.audit import By
from hub.enums import Reason, Role
from hub.outsiders import Outsider
from hub.store import Store


def test_the_disabled_the_deleted_and_sessions_of_nobody(store: Store, by: By) -> None:
    for name in ("well", "off", "left", "off2"):
        store.decide(accounts.create, NewAccount(name, Role.STUDENT), by)
    for name in ("off", "off2"):
        store.decide(accounts.disable, name, by)
    store.decide(accounts.remove, "left", by, by.at + timedelta(days=1))
    live = {
        name: store.decide(sessions.open_session, name, "small", by.at).id
        for name in ("well", "off", "left", "nobody")
    }
    past = store.decide(sessions.open_session, "off2", "small", by.at)
    store.decide(sessions.close_session, past.id, Reason.IDLE, by.at)

    assert store.read(outsiders.everyone) == [
        Outsider("left", by.at, live["left"]),
        Outsider("nobody", None, live["nobody"]),
        Outsider("off", by.at, live["off"]),
        Outsider("off2", by.at),
    ]
    assert not store.read(outsiders.is_one, "well")
    assert all(store.read(outsiders.is_one, name) for name in ("off", "left", "nobody"))
