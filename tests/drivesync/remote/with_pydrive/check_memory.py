"""How much memory Drive's side takes: idle, and with large files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Drive

IDLE_BYTES = 35 << 20
"""Of 45 MB for the whole of an idle sidecar."""
BUSY_BYTES = 100 << 20
LARGE_BYTES = 100 << 20


def run(drive: Drive, folder: Path, what: str) -> dict[str, Any]:
    """In a process of its own; gives its resident bytes, now and at most."""
    token, _ = drive.access()
    script = Path(__file__).with_name("one_sidecar.py")
    given = {"url": drive.url, "token": token, "folder": str(folder), "root": drive.root}
    done = subprocess.run(
        [sys.executable, script, ROOT / "images" / "drivesync", what, json.dumps(given)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_idle_one_leaves_room_for_the_rest_of_the_sidecar(drive: Drive, tmp_path: Path) -> None:
    found = run(drive, tmp_path, "idle")
    print(found)
    assert found["now"] < IDLE_BYTES


def test_what_is_not_imported_is_there_for_others() -> None:
    script = (
        "from drivesync import google; import asyncio, yaml, oauth2client.client;"
        "from google.oauth2 import reauth, service_account;"
        "asyncio.run(asyncio.sleep(0)); yaml.safe_load('a: 1'); reauth.refresh_grant;"
        "service_account.Credentials.from_service_account_info"
    )
    environment = {"PYTHONPATH": str(ROOT / "images" / "drivesync")}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_large_file_takes_no_more_memory_than_a_small_one(
    drive: Drive, tmp_path: Path, way: str
) -> None:
    large = tmp_path / "large"
    block = bytes(range(256)) * 4096
    with large.open("wb") as file:
        for _ in range(LARGE_BYTES // len(block)):
            file.write(block)
    found = run(drive, tmp_path, "up")
    if way == "down":
        found = run(drive, tmp_path, "down")
        assert (tmp_path / "came").read_bytes() == large.read_bytes()
    print(found)
    assert found["most"] < BUSY_BYTES
