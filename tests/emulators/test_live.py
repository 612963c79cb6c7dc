"""The contract of ``with_clients/check_contract.py`` on the real Drive, with own credentials.

Without them nothing is asked of Google, and the summary of every run says so (``live.state``).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.emulators import live
from tests.emulators.test_drive_clients import run_checks


@pytest.mark.pydrive
def test_the_real_drive_keeps_the_contract_or_the_summary_says_that_it_was_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not live.missing():
        given = {name: os.environ[name] for name in live.NEEDED}
        run_checks(tmp_path, "check_contract.py", LIVE_DRIVE="1", **given)
        live.ran = True
        return
    assert live.state().startswith("did not run; it needs LIVE_DRIVE_")
    # With all of them given it would not hide behind that sentence.
    (tmp_path / "secret").write_text("s3cret")
    for name in live.NEEDED:
        monkeypatch.setenv(name, str(tmp_path / "secret"))
    assert live.missing() == []
    monkeypatch.setenv("LIVE_DRIVE_CLIENT_SECRET_FILE", str(tmp_path / "none"))
    assert live.missing() == ["LIVE_DRIVE_CLIENT_SECRET_FILE"]
