"""What the spawner's tests stand on."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from jupyterhub.httpclient import JupyterHubHTTPClient

from spawner.bindings import Bindings
from spawner.carrel_spawner import bound
from spawner.confinement import GIB, MIB
from spawner.plan import Site
from spawner.profiles import Catalog, Profile
from tests.spawner.fake_engine import FakeEngine, free_port, notebook
from tests.spawner.stage import RecordingPolicy, Stage

CATALOG = Catalog(
    (
        Profile("small", "Small", "Light work.", "base", 1, GIB, GIB // 2, default=True),
        Profile("big", "Big <b>", "Heavy & long work.", "datascience", 2, 3 * GIB, 2 * GIB),
    ),
    {"base": "carrel/base:1", "datascience": "carrel/ds:1"},
)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting times of tests: what takes seconds with people takes hundredths here."""
    for name, value in {
        "spawner.engine.RETRY_FIRST_S": 0.02,
        "spawner.engine.RETRY_MOST_S": 0.05,
        "spawner.ending.RETRY_FIRST_S": 0.02,
        "spawner.ending.RETRY_MOST_S": 0.05,
        "spawner.life.RETRY_MOST_S": 0.05,
        "spawner.life.PATIENCE_S": 0.5,
        "spawner.carrel_spawner.PATIENCE_S": 0.5,
        "spawner.carrel_spawner.ENGINE_TIMEOUT_S": 1,
        "spawner.launch.PROBE_EVERY_S": 0.02,
        "spawner.launch.LOOK_EVERY_S": 0.05,
        "spawner.launch.LATE_FOR_S": 3.0,
        "spawner.launch.LATE_EVERY_S": 0.1,
    }.items():
        monkeypatch.setattr(name, value)


@pytest.fixture
async def stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None
) -> AsyncIterator[Stage]:
    """A fake engine that has all images and starts real servers; a policy that says yes."""
    port = free_port()
    for module in ("launch", "life", "carrel_spawner"):
        monkeypatch.setattr(f"spawner.{module}.SERVER_PORT", port)
    (tmp_path / "run").mkdir()
    engine = FakeEngine(tmp_path / "run" / "node.sock", port, server=notebook)
    engine.images = set(CATALOG.images.values())
    await engine.start()
    site = Site("carrel", tmp_path, "carrel-sessions", 1024, 256 * MIB, 10)
    policy = RecordingPolicy(CATALOG)
    bindings = Bindings(site, CATALOG, policy, start_limit_s=2, stop_grace_s=1)
    spawner_class = bound(bindings)
    yield Stage(engine, policy, spawner_class)
    await engine.end()
    spawner_class.engine_pool.shutdown()
    if spawner_class._client is not None:
        spawner_class._client.close()
    await JupyterHubHTTPClient.loop_instance().close()
    gc.collect()  # see DOCKER_PY_LEAKS: here, not in somebody else's test
