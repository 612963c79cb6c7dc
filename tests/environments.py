"""Virtual environments of the tests' own, for programs whose packages are none of Carrel's.

Each is installed once for each state of its lock, into the tests' state folder or the checkout's
``.cache``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def python(name: str, lock: Path) -> Path:
    """The interpreter of the environment; installs it where it is missing."""
    state = os.environ.get("CARREL_TEST_ENGINE")
    cache = Path(state) if state and os.access(state, os.W_OK) else ROOT / ".cache"
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = cache / f"{name}-{digest}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin" / "pip", "install", "--quiet", "--require-hashes", "-r", lock]
        subprocess.run(pip, check=True)
        (folder / "complete").touch()
    return folder / "bin" / "python"
