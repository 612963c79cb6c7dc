"""A virtual environment with what the Drive image has, and what pydrive2's file system needs."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("drive_rivals.lock")


def python() -> Path:
    """Its interpreter; installed once for each state of the lock, into the checkout's cache."""
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = ROOT / ".cache" / f"drive-bench-{digest}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin/pip", "install", "--quiet", "--require-hashes", "-r", LOCK]
        subprocess.run(pip, check=True)
        (folder / "complete").touch()
    return folder / "bin/python"
