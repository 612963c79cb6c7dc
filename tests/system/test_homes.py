"""A home from its first file to its removal: node, hub and housekeeping on a real engine."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import time

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

LIST_SIZES = (
    "import os, pathlib, json; from hub import homes, installation, store; "
    "s = store.open_store(installation.load(pathlib.Path(os.environ['CARREL_ETC'])).settings); "
    "print(json.dumps({n: m.size_bytes for n, m in s.read(homes.sizes).items()}))"
)
MEASURE = (
    "import asyncio, os, pathlib; from hub import installation, node_api; "
    "n = node_api.of(installation.load(pathlib.Path(os.environ['CARREL_ETC'])).settings); "
    "print(asyncio.run(n.size('home1')))"
)


def export(installation, name: str) -> dict[str, bytes]:
    """The files of the archive that the command line writes, with their content."""
    done = subprocess.run(
        [str(ROOT / "carrel"), "user", "export", name],
        capture_output=True,
        check=False,
        env=installation.environment(),
    )
    assert done.returncode == 0, done.stderr.decode()
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}


def test_a_home_is_measured_exported_and_removed_when_its_time_is_over(installation):
    installation.add_user("home1")
    session = installation.start_session("home1")
    for command in (
        "dd if=/dev/urandom of=/content/big bs=1M count=8 status=none",
        "mkdir -m 000 /content/closed && echo mine > /content/closed/note",
        "ln -s /etc/shadow /content/link; mkfifo /content/fifo",
        "chown -R 1000:1000 /content/closed",
    ):
        code, said = installation.inside(session, "sh", "-c", command)
        assert code == 0, said

    code, said = installation.inside("ctest-hub", "python", "-c", MEASURE)
    assert code == 0, said
    assert 8 * 2**20 < int(said) < 10 * 2**20

    files = export(installation, "home1")
    assert len(files["home/big"]) == 8 * 2**20
    assert files["home/closed/note"] == b"mine\n"
    assert "home/link" not in files
    assert b"'home/fifo'" in files["home-left-out.txt"]
    assert json.loads(files["account.json"])["name"] == "home1"
    assert json.loads(files["sessions.json"])[0]["state"] == "running"

    home = installation.data_dir / "homes" / "home1"
    assert home.is_dir()
    said = installation.carrel("user", "delete", "home1", "--yes", "--keep-days", "0").stderr
    assert "is removed within minutes" in said
    assert not installation.session_container("home1")
    until = time.monotonic() + 90  # housekeeping looks once a minute
    while home.exists() and time.monotonic() < until:
        time.sleep(1)
    assert not home.exists()
    assert not list(home.parent.glob(".removed-home1-*"))
    said = installation.carrel("user", "departed").stdout
    assert "home1" not in said
    assert "home1" not in installation.inside("ctest-hub", "python", "-c", LIST_SIZES)[1]
    installation.add_user("home1")  # the name is free again
