"""docs/admin.md's table of settings is the model's."""

from __future__ import annotations

from pathlib import Path

from hub.settings_table import markdown, replaced

PAGE = Path(__file__).parents[2] / "docs" / "admin.md"


def test_the_table_is_made_from_the_model():
    text = PAGE.read_text(encoding="utf-8")
    assert replaced(text) == text, "run: python -m hub.settings_table docs/admin.md"


def test_the_table_has_default_unit_and_help():
    assert "| `server.port` | `8000` | TCP port | Port of the web address. |" in markdown()
    assert "| `machines.NAME.cores` |" in markdown()
    assert "| `profiles[].slug` | (required) |" in markdown()
