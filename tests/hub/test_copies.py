"""The hub takes what sessions report of their copies: both hold the same words and limits."""

from __future__ import annotations

from carrel_session import report

from hub import copies


def test_the_hub_knows_every_fate_that_a_session_reports() -> None:
    assert {fate.value for fate in report.Fate} == copies.FATES


def test_a_session_never_reports_more_files_than_the_hub_takes() -> None:
    assert copies.MOST_FILES == report.MOST_FILES
