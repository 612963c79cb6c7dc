"""What a collect prints of a home, however its owner has laid it out."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.spawner.node.hostile import hostile

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def home(tmp_path):
    path = tmp_path / "homes" / "ann"
    path.mkdir(parents=True)
    yield path
    subprocess.run(["rm", "-rf", str(path)], check=True)  # pytest's way is too deep for Python


def collect(home, path):
    command = [sys.executable, "-m", "spawner.node.collect", str(home), path]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60)


def members(done):
    assert done.returncode == 0, done.stderr
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        return {m.name: tar.extractfile(m).read() if m.isfile() else None for m in tar}


def test_a_folder_is_sent_under_one_name(home):
    (home / "ml" / "week 1").mkdir(parents=True)
    (home / "ml" / "week 1" / "lab.ipynb").write_text("{}")
    (home / "private.txt").write_text("mine")
    assert members(collect(home, "ml")) == {
        "home": None,
        "home/week 1": None,
        "home/week 1/lab.ipynb": b"{}",
    }


def test_a_single_file_is_sent_by_its_own_name(home):
    (home / "ml").mkdir()
    (home / "ml" / "lab.ipynb").write_text("{}")
    assert members(collect(home, "ml/lab.ipynb")) == {"home/lab.ipynb": b"{}"}


def test_an_empty_path_is_the_whole_home(home):
    (home / "a").write_text("1")
    assert "home/a" in members(collect(home, ""))


@pytest.mark.parametrize("path", ["out", "out/secret", "../bob", "fifo", "no such"])
def test_nothing_leads_out_and_nothing_blocks(home, path):
    (home.parent / "bob").mkdir()
    (home.parent / "bob" / "secret").write_text("bob's")
    (home / "out").symlink_to(home.parent / "bob")
    subprocess.run(["mkfifo", str(home / "fifo")], check=True)
    done = collect(home, path)
    assert done.returncode == 1
    assert done.stdout == b""
    assert len(done.stderr.decode().splitlines()) == 1


def test_a_hostile_home_is_sent_without_what_it_points_at(home, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the machine's")
    hostile(home, secret)
    sent = collect(home, "").stdout
    assert b"the machine's" not in sent
    with tarfile.open(fileobj=io.BytesIO(sent), errors="surrogateescape") as tar:
        kinds = {m.name: m for m in tar}
    assert kinds["home/note.txt"].isfile()
    assert kinds["home/secret"].issym()
    assert "home/fifo" not in kinds
