"""Carrels that modules may hurt, each with a data directory of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.conftest import TestEngine, brought_up
from tests.system.between import Between
from tests.system.school import School

START_SLOTS = 4


@pytest.fixture(scope="session")
def school(engine: TestEngine) -> Iterator[School]:
    """A Carrel for faults of processes and of the engine itself."""
    extra = (
        ("CARREL_NETWORK__SUBNET", "10.205.0.0/24"),
        ("CARREL_CAPACITY__START_SLOTS", str(START_SLOTS)),
        ("CARREL_CAPACITY__RESERVE_GIB", "0.25"),
    )
    with brought_up(engine, "faults", 8010, extra) as carrel:
        yield School(carrel)


@pytest.fixture(scope="module")
def behind(engine: TestEngine) -> Iterator[tuple[School, Between]]:
    """A Carrel whose node reaches the engine through a socket that can misbehave."""
    with Between(engine.socket.with_name("between.sock"), engine.socket) as between:
        extra = (
            ("DOCKER_HOST", f"unix://{between.path}"),
            ("CARREL_NETWORK__SUBNET", "10.206.0.0/24"),
            ("CARREL_CAPACITY__START_SLOTS", "12"),
            ("CARREL_CAPACITY__RESERVE_GIB", "0.25"),
        )
        with brought_up(engine, "between", 8011, extra) as carrel:
            yield School(carrel), between


@pytest.fixture
def others_are_well(engine: TestEngine) -> Iterator[None]:
    """Afterwards what else runs on the tests' engine is as well as before."""
    yield
    until = time.monotonic() + 120
    while engine.docker("ps", "--quiet", "--filter", "health=starting") or engine.docker(
        "ps", "--quiet", "--filter", "health=unhealthy"
    ):
        assert time.monotonic() < until, engine.docker("ps", "--all")
        time.sleep(0.5)
