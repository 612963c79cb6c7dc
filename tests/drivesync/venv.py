"""A virtual environment with what the Drive image has, and pytest: for tests that need pydrive2.

pydrive2 holds cryptography back, so it stays apart from Carrel's own packages. It is installed once
for each state of the lock, into the tests' state folder or the checkout's ``.cache``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("requirements.lock")


def python() -> Path:
    """The interpreter that has pydrive2; installs it where it is missing."""
    state = os.environ.get("CARREL_TEST_ENGINE")
    cache = Path(state) if state and os.access(state, os.W_OK) else ROOT / ".cache"
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = cache / f"drivesync-{digest}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin" / "pip", "install", "--quiet", "--require-hashes", "-r", LOCK]
        subprocess.run(pip, check=True)
        (folder / "complete").touch()
    return folder / "bin" / "python"
