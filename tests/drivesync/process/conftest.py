"""A hub's stub and the two folders of a sidecar."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.drivesync.process import hub_stub
from tests.drivesync.process.hub_stub import HubStub


@pytest.fixture
def hub() -> Iterator[HubStub]:
    with hub_stub.running() as stub:
        yield stub


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    root = tmp_path / "drive"
    (root / "MyDrive").mkdir(parents=True)
    (root / ".carrel").mkdir()
    return root


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "bearer").write_text(hub_stub.BEARER)
    return folder


def until(holds: Callable[[], object], seconds: float = 5) -> None:
    """Waits until it holds; fails after ``seconds``."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.02)
