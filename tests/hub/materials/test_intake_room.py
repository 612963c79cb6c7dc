"""Intakes that nobody decides about fill no disk."""

from __future__ import annotations

import shutil
from collections import namedtuple

import pytest

from hub.materials import intake
from hub.materials.room import MOST_WAITING
from spawner.errors import CarrelError, Code
from tests.hub.materials.trees import take

Usage = namedtuple("Usage", "total used free")


def test_so_many_wait_for_a_decision_and_no_more(place):
    taken = [take(place, {"a.txt": b"1"}) for _ in range(MOST_WAITING)]
    with pytest.raises(CarrelError, match="wait for a decision") as error:
        take(place, {"a.txt": b"1"})
    assert error.value.code is Code.CONFLICT
    intake.discard(place, taken[0].id)
    take(place, {"a.txt": b"1"})


def test_a_disk_that_would_be_full_takes_nothing(place, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12, 10**9))
    with pytest.raises(CarrelError, match="nearly full") as error:
        take(place, {"a.txt": b"1"})
    assert error.value.code is Code.UNAVAILABLE
    assert list(place.intakes.glob("*")) == []
