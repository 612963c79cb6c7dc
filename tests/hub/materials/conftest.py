"""A course with its folder, and its row on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.enums import Joining
from hub.materials import places
from hub.materials.places import Place
from hub.models import courses
from hub.store import Store
from tests.hub.materials.trees import NOW


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return places.of(tmp_path / "srv", "ds-1")


@pytest.fixture
def course(store: Store) -> Store:
    """The store, with the course in it."""
    with store.deciding() as tx:
        tx.execute(
            courses.insert().values(
                slug="ds-1", title="Data", created_by="tess", created_at=NOW,
                joining=Joining.OPEN, code="ABCDEFGH",
            )
        )  # fmt: skip
    return store
