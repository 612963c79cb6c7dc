"""What all tests share: the tests' own engine, and one Carrel on it; nothing of the host's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


PROGRAMS = frozenset({"browser", "hub", "site", "stage", "world"})
"""Fixtures that start programs of ours, or a server with all its pages."""
DATABASES = frozenset({"empty_url", "sqlite_template", "store", "url"})
GIT = ROOT / "tests" / "hub" / "materials"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is not pure by what it uses, so that `--quick` stays under a minute."""
    for item in items:
        uses, module = set(getattr(item, "fixturenames", ())), getattr(item, "module", None)
        programs = hasattr(module, "Hub") or hasattr(module, "World")
        if uses & PROGRAMS or programs or GIT in item.path.parents:
            item.add_marker(pytest.mark.process)
        if uses & DATABASES:
            item.add_marker(pytest.mark.database)


@dataclass(frozen=True)
class TestEngine:
    """The dockerd that tests/run.py started in this network namespace."""

    __test__ = False
    socket: Path
    session_uid: int
    state: Path

    def docker(self, *arguments: str, check: bool = True) -> str:
        """Output of a docker command on this engine."""
        done = subprocess.run(
            ["docker", "-H", f"unix://{self.socket}", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def engine() -> TestEngine:
    """The tests' own engine; a test that needs it fails where `./carrel test` did not start it."""
    host = os.environ.get("DOCKER_HOST", "")
    assert host.startswith("unix:///run/carrel-test/"), "run engine tests through ./carrel test"
    socket = Path(host.removeprefix("unix://"))
    root = subprocess.run(
        ["docker", "info", "--format", "{{.DockerRootDir}}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    return TestEngine(
        socket=socket,
        session_uid=int(Path(root).name.split(".")[0]),
        state=Path(os.environ["CARREL_TEST_ENGINE"]),
    )


@dataclass(frozen=True)
class Installation:
    """A Carrel that `./carrel up` brought up on the tests' engine."""

    engine: TestEngine
    data_dir: Path
    project: str
    port: int
    first_up: str
    """What the first `up` printed."""
    extra: tuple[tuple[str, str], ...] = ()
    """Further settings, as environment variables."""
    password: str = "correct horse battery"
    """Of everybody that tests make."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **os.environ,
            "CARREL_DATA_DIR": str(self.data_dir),
            "CARREL_PROJECT": self.project,
            "CARREL_SERVER__PORT": str(self.port),
            **dict(self.extra),
            **more,
        }

    def carrel(
        self, *arguments: str, stdin: str = "", check: bool = True, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs ./carrel as a person would; ``more`` goes into the environment."""
        done = subprocess.run(
            [str(ROOT / "carrel"), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment(**more),
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def add_user(self, name: str, role: str = "student") -> None:
        self.carrel("user", "add", name, "--role", role, "--password-stdin", stdin=self.password)

    def start_session(self, name: str, profile: str = "small") -> str:
        """A running session of that user; its container's name."""
        self.carrel("session", "start", name, "--profile", profile, "--wait")
        return self.session_container(name)

    def session_container(self, name: str) -> str:
        """Name of the user's session container, or empty."""
        return self.engine.docker(
            "ps", "--filter", f"label=carrel.user={name}",
            "--filter", f"label=carrel.project={self.project}", "--filter", "label=carrel.session",
            "--format", "{{.Names}}",
        ).strip()  # fmt: skip

    def inside(
        self, container: str, *command: str, user: str = "", limit_s: float = 280
    ) -> tuple[int, str]:
        """Exit code and output of a command in a container; 124 for one that takes too long, as
        one does for ever that was begun while its container was being ended."""
        whole = ["docker", "exec", *(["--user", user] if user else []), container, *command]
        try:
            done = subprocess.run(
                whole, capture_output=True, text=True, check=False, timeout=limit_s
            )
        except subprocess.TimeoutExpired:
            return 124, "It took too long."
        return done.returncode, done.stdout + done.stderr

    def address(self, container: str) -> str:
        """A container's address on the sessions' network."""
        found = json.loads(self.engine.docker("inspect", container))[0]
        return found["NetworkSettings"]["Networks"][f"{self.project}-sessions"]["IPAddress"]


@contextmanager
def brought_up(
    engine: TestEngine, project: str, port: int, extra: tuple[tuple[str, str], ...] = ()
) -> Iterator[Installation]:
    """A Carrel with a data directory of its own, as the README says; gone afterwards."""
    data_dir = engine.state / project
    shutil.rmtree(data_dir, ignore_errors=True)
    bare = Installation(engine, data_dir, project, port, "", extra)
    try:
        first = bare.carrel("up")
        yield replace(bare, first_up=first.stdout + first.stderr)
    finally:
        bare.carrel("down")
        shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def installation(engine: TestEngine) -> Iterator[Installation]:
    """One Carrel for all tests that need one."""
    with brought_up(engine, "ctest", 8000) as found:
        yield found
