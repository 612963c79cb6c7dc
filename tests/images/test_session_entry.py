"""What a session's container does before its notebook server: a Welcome notebook in a new home."""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SKEL = ROOT / "images/session/skel/opt/carrel"
ENTRY, WELCOME = SKEL / "bin/session", SKEL / "welcome/Welcome.ipynb"


def start(home: Path, **options) -> subprocess.CompletedProcess[str]:
    """A start of a session whose server is ``echo``."""
    environment = {**os.environ, "CARREL_HOME": str(home), "CARREL_WELCOME": str(WELCOME)}
    return subprocess.run(
        [ENTRY, "echo", "served", "with spaces"],
        env=environment, capture_output=True, text=True, check=False, **options,
    )  # fmt: skip


def contents(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir())


def test_a_new_home_gets_the_notebook_and_the_server_starts(tmp_path: Path) -> None:
    done = start(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "served with spaces\n", "")
    assert contents(tmp_path) == ["Welcome.ipynb"]
    assert (tmp_path / "Welcome.ipynb").read_bytes() == WELCOME.read_bytes()
    assert (tmp_path / "Welcome.ipynb").stat().st_mode & 0o777 == 0o644


def test_a_home_with_nothing_but_the_place_of_drive_is_new(tmp_path: Path) -> None:
    (tmp_path / "drive").mkdir()
    start(tmp_path)
    assert contents(tmp_path) == ["Welcome.ipynb", "drive"]


@pytest.mark.parametrize("name", ["mine.txt", ".bashrc"])
def test_a_home_with_anything_in_it_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    assert start(tmp_path).stdout == "served with spaces\n"
    assert contents(tmp_path) == [name]


def test_a_link_in_its_place_is_neither_followed_nor_replaced(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    (home / "Welcome.ipynb").symlink_to(elsewhere)
    start(home)
    assert (home / "Welcome.ipynb").is_symlink() and not elsewhere.exists()


def test_a_notebook_that_came_meanwhile_is_kept(tmp_path: Path) -> None:
    """The same, where the link or file appears after the home was found empty."""
    home, tools, elsewhere = tmp_path / "home", tmp_path / "tools", tmp_path / "elsewhere"
    for folder in (home, tools, elsewhere):
        folder.mkdir()
    late = tools / "mktemp"
    late.write_text(
        f'#!/bin/sh\nln -s {elsewhere} {home}/Welcome.ipynb\nexec /usr/bin/mktemp "$@"\n'
    )
    late.chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "CARREL_HOME": str(home)}
    done = subprocess.run(
        [ENTRY, "echo", "served"], env={**environment, "CARREL_WELCOME": str(WELCOME)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "served\n"
    assert (home / "Welcome.ipynb").is_symlink() and contents(elsewhere) == []
    assert contents(home) == ["Welcome.ipynb"]


def test_a_full_disk_keeps_nobody_from_starting(tmp_path: Path) -> None:
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    done = start(tmp_path, preexec_fn=no_room)
    assert (done.returncode, done.stdout) == (0, "served with spaces\n")
    assert done.stderr.startswith("carrel: no Welcome notebook in this home:")
    assert len(done.stderr.splitlines()) == 1
    assert contents(tmp_path) == []


def test_a_missing_home_or_notebook_keeps_nobody_from_starting(tmp_path: Path) -> None:
    assert start(tmp_path / "none").stdout == "served with spaces\n"
    environment = {**os.environ, "CARREL_HOME": str(tmp_path), "CARREL_WELCOME": "/none"}
    done = subprocess.run(
        [ENTRY, "echo", "served"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "served\n" and contents(tmp_path) == []


def test_the_server_takes_the_place_of_the_entry(tmp_path: Path) -> None:
    """So that signals of a stop reach it, and its exit code is the container's."""
    environment = {**os.environ, "CARREL_HOME": str(tmp_path), "CARREL_WELCOME": str(WELCOME)}
    with subprocess.Popen(
        [ENTRY, "sh", "-c", "echo $$; exit 7"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        said, _ = process.communicate()
    assert int(said) == process.pid and process.returncode == 7


def test_the_image_runs_it() -> None:
    recipe = (ROOT / "images/session/base.Dockerfile").read_text()
    assert 'ENTRYPOINT ["/opt/carrel/bin/session"]' in recipe
    assert os.access(ENTRY, os.X_OK)


def test_the_entry_is_sound_shell() -> None:
    done = subprocess.run(["shellcheck", ENTRY], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
