"""A real sidecar's process, and all that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivesync.end_to_end import stage
from tests.drivesync.end_to_end.stage import Drive, Sidecar
from tests.drivesync.process.hub_stub import HubStub


@pytest.fixture
def sidecar(tmp_path: Path) -> Iterator[Sidecar]:
    """Not yet started."""
    with stage.running(tmp_path) as sidecar:
        yield sidecar
        print(sidecar.log.read_text() if sidecar.log.exists() else "never started")


@pytest.fixture
def drive(sidecar: Sidecar) -> Drive:
    return sidecar.drive


@pytest.fixture
def hub(sidecar: Sidecar) -> HubStub:
    return sidecar.hub
