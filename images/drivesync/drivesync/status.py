"""The report as JSON and as a sentence."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from drivesync.report import Report

MOST = 100
"""Entries of each list."""
MOST_PATH = 4096
MOST_SENTENCE = 1000
"""In characters, as the hub takes them."""
NOT_KNOWN = (
    "not known how many files are unsynced: they are kept here, and sent with the next session"
)
LISTS = ("conflicts", "unsynced", "skipped")


def as_dict(report: Report) -> dict[str, Any]:
    """Times in ISO 8601, enums by value, no list longer than ``MOST``."""
    told: dict[str, Any] = _plain(report)
    told["pause_detail"] = told["pause_detail"][:MOST_SENTENCE]
    for name in LISTS:
        told[name] = clipped(told[name])
    return told


def clipped(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_clipped(entry) for entry in entries[:MOST]]


def _clipped(entry: dict[str, Any]) -> dict[str, Any]:
    most = {"path": MOST_PATH, "copy": MOST_PATH, "why": MOST_SENTENCE}
    return {key: value[: most[key]] if key in most else value for key, value in entry.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, str):  # names on disk need not be UTF-8
        return value.encode("utf-8", "replace").decode("utf-8")
    return value


def encode(told: dict[str, Any], most_bytes: int) -> bytes:
    """Within ``most_bytes``: the lists are cut to what fits; their counts tell how many there
    are."""
    keep = MOST
    while True:
        cut: dict[str, Any] = {name: told[name][:keep] for name in LISTS if name in told}
        if told.get("flush"):
            cut["flush"] = told["flush"] | {"unsynced": clipped(told["flush"]["unsynced"])[:keep]}
        data = json.dumps(told | cut, ensure_ascii=False).encode("utf-8", "replace")
        if len(data) <= most_bytes or keep == 0:
            return data
        keep //= 2


def result(report: Report, began_at: datetime) -> str:
    """What became of the session's files: "42 files in Drive, 1 conflict copy, 0 unsynced". The
    copies are those that were made since it began, and are still there."""
    if not report.looked:
        return NOT_KNOWN
    unsynced, conflicts = unsynced_count(report), _since(report, began_at)
    copies = "conflict copy" if conflicts == 1 else "conflict copies"
    said = ", ".join(
        (
            f"{report.files} {'file' if report.files == 1 else 'files'} in Drive",
            f"{conflicts} {copies}",
            f"{unsynced} unsynced",
        )
    )
    return said if unsynced == 0 else f"{said}: kept here, and sent with the next session"


def _since(report: Report, began_at: datetime) -> int:
    """The list holds the newest; where it is too short for them, all count."""
    found = [one for one in report.conflicts if one.at >= began_at]
    return len(found) if len(found) < MOST else report.conflict_count


def unsynced_count(report: Report) -> int:
    """Files on disk that Drive does not have as they are, whatever the reason."""
    return report.unsynced_count + report.up.files
