"""docs/drive.md says what the code does, where that can be compared."""

from __future__ import annotations

import re
from pathlib import Path

from carrel_session import drive_words
from drivesync.ignores import IGNORES

PAGE = (Path(__file__).parents[2] / "docs" / "drive.md").read_text(encoding="utf-8")


def test_the_names_that_are_left_alone_are_the_codes() -> None:
    rows = "\n".join(f"| `{rule.pattern}` | {rule.what} |" for rule in IGNORES)
    assert f"|---|---|\n{rows}\n\n" in PAGE


def test_its_contents_lead_to_its_headings() -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    listed = re.findall(r"^\d+\. \[(.+)\]\(#(.+)\)$", PAGE, re.MULTILINE)
    made = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert listed == list(zip(headings, made, strict=True))


def test_it_has_a_row_for_each_pause() -> None:
    table = PAGE.partition("## Why it is paused")[2].partition("## ")[0]
    assert table.count("\n| ") - 1 == len(drive_words.PAUSES) + 1, "and one for nothing at all"
