"""One session's server for the tests of a module; each test empties its home and stand-ins."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.images import session_server
from tests.images.session_server import Session


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with session_server.session(tmp_path_factory.mktemp("session")) as found:
        yield found


@pytest.fixture
def session(running: Session) -> Session:
    for folder in (running.home, running.courses):
        for path in folder.iterdir():
            if path.name.startswith("."):
                continue  # the server's own
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    for stand_in in (running.hub, running.host):
        stand_in.answers.clear()
        stand_in.asked.clear()
    return running
