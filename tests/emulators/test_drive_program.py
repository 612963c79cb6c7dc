"""The emulator as a program of its own, with nothing but Python."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

HERE = Path(__file__).parent / "drive"


def test_it_serves_with_pythons_own_library_alone_and_ends_when_told(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    # -S: no site-packages.
    process = subprocess.Popen(
        [sys.executable, "-S", "-m", "drive_emulator", "--port", "0", "--prefix", "/demo-drive/",
         "--account", "anna@example.org=Anna", "--sample", "--client-id", "demo",
         "--client-secret-file", str(secret), "--redirect-uri", "http://localhost/back",
         "--folder", str(tmp_path)],
        cwd=HERE, stdout=subprocess.PIPE, text=True, env={"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    try:
        port = re.search(r"port (\d+)", process.stdout.readline()).group(1)
        with urlopen(f"http://127.0.0.1:{port}/demo-drive/", timeout=20) as page:
            assert b"/demo-drive/my/?account=anna%40example.org" in page.read()
        with urlopen(f"http://127.0.0.1:{port}/my/?account=anna%40example.org", timeout=20) as page:
            assert b"Machine learning" in page.read()
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.stdout.close()
    assert list(tmp_path.iterdir()) == [secret]
