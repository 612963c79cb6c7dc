"""A git branch as a tar: from a real git server with a certificate of its own, and nobody else."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests import git_host

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A repository behind git's own server and https; its address and certificate."""
    folder = tmp_path_factory.mktemp("served")
    work = git_host.publish(folder, "labs", {"lab.ipynb": "{}"})
    (work / "etc").symlink_to("/etc/passwd")
    git_host.commit(work, {})
    git_host.git(work, "push", "--quiet", "origin", "HEAD:week/2")
    git_host.publish(folder, "private", {"exam.ipynb": "{}"}, public=False)
    with git_host.served(folder) as address:
        yield address, folder / "cert.pem"


def fetch(served, path, branch=""):
    address, certificate = served
    command = [sys.executable, "-m", "spawner.node.fetch", f"{address}{path}", branch]
    environment = {**os.environ, "SSL_CERT_FILE": str(certificate)}
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, check=False, timeout=120, env=environment
    )


@pytest.mark.parametrize("branch", ["", "main", "week/2"])
def test_a_branch_comes_as_a_tar_without_anything_checked_out(served, branch):
    done = fetch(served, "/labs.git", branch)
    assert done.returncode == 0, done.stderr
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        kinds = {m.name: m.isfile() for m in tar}
    assert kinds == {"home": False, "home/lab.ipynb": True, "home/etc": False}


@pytest.mark.parametrize(
    ("path", "branch", "words"),
    [
        ("/labs.git", "nowhere", "There is no branch 'nowhere'"),
        ("/nothing.git", "", "cannot be fetched"),
        ("/away/labs.git", "", "leads to an address that is no https"),
        ("/private.git", "", "does not exist or is not public"),
    ],
)
def test_a_no_says_why_in_one_line(served, path, branch, words):
    done = fetch(served, path, branch)
    assert done.returncode == 1
    assert done.stdout == b""
    said = done.stderr.decode().strip().splitlines()
    assert words in said[-1]


def test_an_unknown_certificate_is_not_believed(served, tmp_path):
    address, _ = served
    empty = tmp_path / "none.pem"
    empty.write_text("")
    done = fetch((address, empty), "/labs.git")
    assert done.returncode == 1
    assert done.stdout == b""
