"""Makes the table of settings in docs/admin.md from the model.

``python -m hub.settings_table docs/admin.md`` puts it between the file's two marks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hub.knobs import Machine, ProfileSettings
from hub.settings import Settings

BEGIN = "<!-- settings: made by python -m hub.settings_table docs/admin.md -->"
END = "<!-- end of settings -->"
TABLES: dict[str, type[BaseModel]] = {"machines": Machine, "profiles": ProfileSettings}


def markdown() -> str:
    """All settings: key, default, unit, what it is for."""
    rows = ["| setting | default | unit | what it does |", "|---|---|---|---|"]
    rows += [_row(key, field) for key, field in _fields(Settings, "")]
    return "\n".join(rows) + "\n"


def _fields(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if name in TABLES:
            inner = f"{name}.NAME." if name == "machines" else f"{name}[]."
            yield from _fields(TABLES[name], inner)
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _fields(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def _row(key: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra
    unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
    default = "(required)" if field.is_required() else f"`{_shown(field.default)}`"
    words = (field.description or "").replace("|", "\\|")
    return f"| `{key}` | {default} | {unit.replace('|', '')} | {words} |"


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    if isinstance(value, Enum):
        return _shown(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return f'"{value}"' if value is not None else "(none)"


def replaced(text: str) -> str:
    """``text`` with the table between its marks made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{markdown()}{END}{after}"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(replaced(page.read_text(encoding="utf-8")), encoding="utf-8")
