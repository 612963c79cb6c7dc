"""The audit says who did what to whom, when and from where: with the change or not at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from hub import accounts, audit, invitations
from hub.audit import Action, By
from hub.enums import Role
from hub.store import Store
from spawner.errors import CarrelError
from spawner.names import canonical

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_a_line_holds_all_of_it(store: Store) -> None:
    by = By("ada", NOW, "2001:db8::/64")
    store.decide(audit.record, by, Action.ROLE_SET, "mia", "student → teacher")
    with store.reading() as tx:
        row = tx.execute(sa.select(audit.audit)).one()
    assert (row.who, row.what, row.whom) == ("ada", "account.role_set", "mia")
    assert (row.at, row.address, row.detail) == (NOW, "2001:db8::/64", "student → teacher")


def test_a_change_that_is_rolled_back_leaves_no_line(store: Store, by: By) -> None:
    with pytest.raises(RuntimeError), store.deciding() as tx:
        accounts.create(tx, accounts.NewAccount("mia", Role.STUDENT), by)
        invitations.create(tx, invitations.Invitation(Role.ADMIN, datetime.resolution), by)
        raise RuntimeError
    with store.reading() as tx:
        assert tx.execute(sa.select(audit.audit)).all() == []


@pytest.mark.parametrize(
    "who", [audit.COMMAND_LINE, audit.INVITED, audit.RESET, audit.HOUSEKEEPING]
)
def test_no_user_can_be_called_like_a_machine(who: str) -> None:
    assert not audit.is_person(who)
    with pytest.raises(CarrelError):
        canonical(who)


@pytest.mark.parametrize("who", ["mia", "0", "a(b"])
def test_users_are_people(who: str) -> None:
    assert audit.is_person(who)
