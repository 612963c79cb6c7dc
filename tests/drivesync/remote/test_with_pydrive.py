"""The checks under ``with_pydrive``: real pydrive2 on the emulator, in a venv of their own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.drivesync import venv

HERE = Path(__file__).with_name("with_pydrive")


@pytest.mark.pydrive
@pytest.mark.parametrize("checks", sorted(p.name for p in HERE.glob("check_*.py")))
def test_checks_hold(checks: str, tmp_path: Path) -> None:
    command = [
        venv.python(), "-m", "pytest", "-q", "-c", HERE / "pytest.ini",
        f"--basetemp={tmp_path / 'checks'}", HERE / checks,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
