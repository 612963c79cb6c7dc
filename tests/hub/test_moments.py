"""How a moment is written, and that nobody writes it otherwise."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from hub import moments

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    path
    for folder in ("hub", "config", "spawner", "images")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".html"} and path.name != "moments.py"
]


def test_a_moment_is_written_to_the_minute_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    assert moments.spelled(datetime(2026, 3, 1, 1, 30, 59, tzinfo=east)) == "2026-02-28 23:30 UTC"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_else_spells_one_out(path: Path) -> None:
    assert "%H:%M" not in path.read_text(encoding="utf-8")
