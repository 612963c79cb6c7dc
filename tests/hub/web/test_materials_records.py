"""What the pages of materials read and write, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from hub import accounts, courses, members, orders
from hub.accounts import NewAccount
from hub.courses import Wish
from hub.enums import Role, Source
from hub.materials import places, publishing
from hub.materials.places import Place
from hub.materials.publishing import Wanted
from hub.models import audit
from hub.powers import Actor
from hub.store import Store
from hub.web.material_intakes import _published
from hub.web.material_versions import _undone
from hub.web.materials import look_at
from spawner.errors import CarrelError, Code
from tests.hub.materials.trees import by, take

TESS, MIA = Actor("tess", Role.TEACHER), Actor("mia", Role.STUDENT)


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Place:
    for actor in (TESS, MIA):
        store.decide(accounts.create, NewAccount(actor.name, actor.role), by())
    store.decide(courses.make, TESS, "ds-1", Wish("Data"), by())
    store.decide(members.join, MIA, "ds-1", "", by("mia"))
    return places.of(tmp_path, "ds-1")


def test_a_publish_forgets_its_order_and_no_other(store: Store, place: Place) -> None:
    taken = take(place, {"a": b"1"})
    for id_ in (taken.id, "0" * 16):
        made = store.decide(orders.order, TESS, "ds-1", orders.Wish(Source.SESSION, "x"), by())
        store.decide(orders.ready, made.id, id_)
    version = publishing.publish(store, place, Wanted(taken.id, None), by())
    store.decide(_published, version, taken.id, by())
    seen = store.read(look_at, TESS, "ds-1")
    assert [one.intake for one in seen.orders] == ["0" * 16] and seen.newest == version
    store.decide(_undone, publishing.undo(store, place, version.commit, by()), by())
    with store.reading() as tx:
        found = tx.execute(sa.select(audit.c.what, audit.c.detail).order_by(audit.c.id)).all()
    assert [tuple(line) for line in found[-2:]] == [
        ("course.published", "ds-1: version 1"),
        ("course.undone", "ds-1: version 2, Version 1 undone"),
    ]


def test_students_see_versions_and_no_orders(store: Store, place: Place) -> None:
    store.decide(orders.order, TESS, "ds-1", orders.Wish(Source.SESSION, "x"), by())
    seen = store.read(look_at, MIA, "ds-1")
    assert (seen.manages, seen.orders, seen.newest) == (False, (), None)
    assert len(store.read(look_at, TESS, "ds-1").orders) == 1
    with pytest.raises(CarrelError) as caught:
        store.read(look_at, Actor("eve", Role.TEACHER), "ds-1")
    assert caught.value.code is Code.NOT_FOUND
