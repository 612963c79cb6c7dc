"""rclone, which knows nothing of the emulator, takes it for Google Drive."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from drive_emulator import rclone_proxy

pytestmark = pytest.mark.pydrive
Rclone = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def rclone(drive, tmp_path: Path) -> Iterator[Rclone]:
    assert shutil.which("rclone"), "rclone is missing; ./carrel test installs it"
    folder = tmp_path / "rclone"
    folder.mkdir()
    ca = rclone_proxy.certify(folder)
    token = {"access_token": drive.token, "token_type": "Bearer", "expiry": "2099-01-01T00:00:00Z"}
    config = folder / "rclone.conf"
    config.write_text(f"[drive]\ntype = drive\nscope = drive\ntoken = {json.dumps(token)}\n")
    command = ["rclone", "--config", config, "--retries", "1", "--drive-pacer-min-sleep", "1ms"]
    with rclone_proxy.proxying(folder, urlsplit(drive.url).port) as proxy:
        env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        env |= {"HTTPS_PROXY": proxy, "SSL_CERT_FILE": str(ca)}

        def run(*arguments: str | Path) -> subprocess.CompletedProcess:
            return subprocess.run(
                [*command, *arguments],
                env=env,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )

        yield run


def test_a_folder_goes_up_is_checked_and_comes_down_as_it_was(drive, rclone, tmp_path) -> None:
    up, down = tmp_path / "up", tmp_path / "down"
    (up / "a folder").mkdir(parents=True)
    chosen = random.Random(1)
    for number in range(12):
        (up / "a folder" / f"{number} ü.bin").write_bytes(chosen.randbytes(1000))
    (up / "empty").write_bytes(b"")
    # More than what rclone sends in one request, and more than the emulator holds in memory.
    (up / "big").write_bytes(chosen.randbytes(20 << 20))
    for step in (("copy", up, "drive:up"), ("check", up, "drive:up"), ("copy", "drive:up", down)):
        done = rclone(*step)
        assert done.returncode == 0, done.stderr
    assert subprocess.run(["diff", "-r", up, down], check=False).returncode == 0
    (up / "big").write_bytes(b"small now")
    (up / "empty").unlink()
    for step in (
        ("sync", up, "drive:up"), ("check", up, "drive:up"),
        ("moveto", "drive:up/big", "drive:up/a folder/moved"),
    ):  # fmt: skip
        done = rclone(*step)
        assert done.returncode == 0, done.stderr
    assert json.loads(rclone("size", "--json", "drive:up").stdout)["count"] == 13
    assert {"uploads.begin", "files.update"} <= {
        entry.operation for entry in drive.emulator.journal.entries()
    }


def test_the_proxy_leads_to_googles_hosts_alone(drive, tmp_path) -> None:
    rclone_proxy.certify(tmp_path)
    with rclone_proxy.proxying(tmp_path, urlsplit(drive.url).port) as proxy:
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--proxy", proxy, "https://example.org/"],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    assert done.returncode != 0 and "403" in done.stderr
