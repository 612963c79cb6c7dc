"""The hub's settings are believed only where they make sense."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from drivesync import settings
from drivesync.settings import Chosen, Export, Scope, Settings, Unreadable


def test_all_settings_are_read() -> None:
    read = settings.read(
        {
            "account": "0AFhomeHOME",
            "scope": "read_only",
            "folders": [{"id": "f1", "title": "Thesis"}],
            "everything": False,
            "cap_bytes": 1 << 40,
            "poll_s": 2,
            "requests_per_s": 4.5,
            "writes_per_s": 1.5,
            "export": "office",
            "trash_days": 7,
            "flush_s": 30,
            "confirmed_deletion": 1795000000,
            "api_url": "http://10.203.0.4:8095",
            "of_a_newer_hub": [1],
        }
    )
    assert read == Settings(
        account="0AFhomeHOME",
        scope=Scope.READ_ONLY,
        folders=(Chosen("f1", "Thesis"),),
        cap_bytes=1 << 40,
        poll_s=2,
        requests_per_s=4.5,
        writes_per_s=1.5,
        export=Export.OFFICE,
        trash_days=7,
        flush_s=30,
        confirmed_deletion=datetime.fromtimestamp(1795000000, UTC),
        api_url="http://10.203.0.4:8095/",
    )


def test_what_is_not_told_has_defaults() -> None:
    assert settings.read({}) == Settings()
    assert settings.read({}).nothing_chosen


def test_the_apps_own_folder_needs_no_choosing() -> None:
    assert not settings.read({"scope": "app_folder"}).nothing_chosen


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {"scope": "root"},
        {"folders": {}},
        {"folders": [{"id": ""}]},
        {"folders": [{"id": 5}]},
        {"folders": [{"id": "a", "title": 1}]},
        {"folders": [{"id": "a"}] * 1001},
        {"everything": "yes"},
        {"cap_bytes": -1},
        {"cap_bytes": True},
        {"poll_s": 0},
        {"poll_s": float("nan")},
        {"requests_per_s": 0},
        {"flush_s": 601},
        {"trash_days": "3"},
        {"export": "pdf"},
        {"confirmed_deletion": float("inf")},
        {"api_url": "file:///etc/passwd"},
        {"api_url": 3},
    ],
)
def test_what_makes_no_sense_is_refused(told: object) -> None:
    with pytest.raises(Unreadable):
        settings.read(told)
