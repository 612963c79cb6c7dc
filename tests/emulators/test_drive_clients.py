"""The checks under ``with_clients``: Google's library and pydrive2 take the emulator for Drive."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.drivesync import venv

HERE = Path(__file__).with_name("with_clients")


@pytest.mark.pydrive
def test_the_real_clients_checks_hold(tmp_path: Path) -> None:
    run_checks(tmp_path, "check_contract.py", "check_pydrive2.py")


def run_checks(folder: Path, *checks: str, **environment: str) -> str:
    """Runs them where pydrive2 is; what they printed. A check that skips itself is a failure."""
    command = [
        venv.python(), "-m", "pytest", "-q", "-c", HERE / "pytest.ini",
        f"--basetemp={folder / 'checks'}", *(HERE / name for name in checks),
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=280,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    assert "skipped" not in done.stdout
    return done.stdout
