"""What a sidecar may tell, how that stands, and what it is told."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub import drive_orders, drive_reports
from hub.drive_knobs import Drive as Knobs
from hub.drive_links import Folder, Link
from hub.drive_reports import MOST_BODY, STALE
from hub.drive_standing import Drive, Standing, as_json
from hub.drive_syncs import Sync
from hub.enums import DriveScope, DriveState, State, SyncPause, SyncState
from hub.sessions import Session
from spawner.errors import CarrelError

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LINK = Link(
    "ada", DriveState.LINKED, DriveScope.FULL, "ada@school.example", "root-1",
    (Folder("f1", "Data", "Data"),), False, NOW, NOW, NOW, "", None, "sealed",
)  # fmt: skip
SESSION = Session("0123456789ab", "ada", "small", State.RUNNING, None, None, NOW, NOW, NOW, None,
                  None, "")  # fmt: skip
SYNC = Sync(SESSION.id, "ada", NOW, None, "{}", NOW, "")


def parsed(**said: Any) -> drive_reports.Report:
    return drive_reports.parse(json.dumps(said).encode())


def test_the_words_are_those_of_the_sidecar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "images" / "drivesync"))
    from drivesync import report as theirs

    assert {one.value for one in theirs.State} == {one.value for one in SyncState}
    assert {one.value for one in theirs.Pause} == {one.value for one in SyncPause}
    fields = set(theirs.Report.__dataclass_fields__)
    assert fields == set(drive_reports.Report.model_fields) - {"result"}
    for name in [name for name in sys.modules if name.split(".")[0] == "drivesync"]:
        monkeypatch.delitem(sys.modules, name)


def test_a_report_comes_back_as_it_was_told() -> None:
    said = {
        "state": "paused", "pause": "mass delete", "pause_detail": "412 files", "files": 3,
        "up": {"files": 1, "size_bytes": 5}, "conflict_count": 1,
        "conflicts": [{"path": "a", "copy": "b", "at": "2026-03-01T12:00:00+00:00"}],
        "unsynced": [{"path": "c", "why": "d"}], "last_success_at": "2026-03-01T13:00:00+01:00",
    }  # fmt: skip
    report = drive_reports.read(drive_reports.text(parsed(**said)))
    assert report == parsed(**said)
    assert report and report.last_success_at == NOW and report.conflicts[0].copy_ == "b"
    assert drive_reports.for_json(report)["conflicts"][0]["copy"] == "b"


@pytest.mark.parametrize(
    "said",
    [
        {"state": "dancing"}, {}, {"state": "idle", "files": -1}, {"state": "idle", "files": "1"},
        {"state": "idle", "files": 2**80}, {"state": "idle", "files": True},
        {"state": "idle", "up": []}, {"state": "idle", "last_success_at": "2026-03-01T12:00:00"},
        {"state": "idle", "last_success_at": "0001-01-01T00:00:00+10:00"},
        {"state": "idle", "conflicts": [{"path": "a", "copy": "b"}]},
        {"state": "idle", "unsynced": [{"path": "a", "why": "b"}] * 101},
        {"state": "idle", "unsynced": [{"path": "a" * 5000, "why": "b"}]},
        {"state": "ended", "result": "x" * 301},
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused_and_not_repeated(said: dict[str, Any]) -> None:
    with pytest.raises(CarrelError) as refused:
        parsed(**said)
    assert "aaaa" not in str(refused.value)


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"null", b"\xff", b"[" * 60_000, b'{"state": "idle"}' + b" " * MOST_BODY,
     b'{"state": "idle", "files": NaN}', b'{"state": "idle", "files": 1' + b"0" * 5000 + b"}"],
)  # fmt: skip
def test_no_bytes_break_it(raw: bytes) -> None:
    with pytest.raises(CarrelError):
        drive_reports.parse(raw)


def test_what_no_database_takes_is_replaced() -> None:
    text = drive_reports.text(parsed(state="idle", unsynced=[{"path": "a\ud800\0b", "why": "x"}]))
    assert "\\u0000" not in text and "\\ud8" not in text
    assert drive_reports.read("{") is None and drive_reports.read("") is None
    assert drive_reports.read('{"state": "of an older Carrel"}') is None


def drive(**said: Any) -> Drive:
    return Drive(LINK, SYNC, SESSION, parsed(**said) if said else None, NOW)


@pytest.mark.parametrize(
    ("found", "standing"),
    [
        (Drive(None, None, None, None, NOW), Standing.DISCONNECTED),
        (replace(drive(), link=replace(LINK, state=DriveState.DISCONNECTED)),
         Standing.DISCONNECTED),
        (replace(drive(state="idle"), link=replace(LINK, state=DriveState.RECONNECT)),
         Standing.RECONNECT),
        (replace(drive(state="idle"), link=replace(LINK, folders=())), Standing.UNCHOSEN),
        (Drive(LINK, None, None, None, NOW), Standing.AT_REST),
        (Drive(LINK, None, SESSION, None, NOW), Standing.WAITING),
        (drive(), Standing.WAITING),
        (drive(state="starting"), Standing.WAITING),
        (drive(state="syncing"), Standing.SYNCING),
        (drive(state="paused", pause="busy"), Standing.PAUSED),
        (drive(state="idle", files=3), Standing.IN_STEP),
        (drive(state="idle", unsynced_count=1), Standing.SYNCING),
        (drive(state="idle", up={"files": 1, "size_bytes": 0}), Standing.SYNCING),
        (replace(drive(state="idle"), at=NOW + STALE * 2), Standing.SILENT),
        (replace(drive(state="idle"), sync=replace(SYNC, ended_at=NOW)), Standing.SILENT),
        (replace(drive(state="syncing"), session=None), Standing.FLUSHING),
        (replace(drive(state="syncing"), session=replace(SESSION, id="f" * 12)),
         Standing.FLUSHING),
        (replace(drive(state="syncing"), session=None, at=NOW + STALE * 2), Standing.AT_REST),
    ],
)  # fmt: skip
def test_how_it_stands_is_never_better_than_known(found: Drive, standing: Standing) -> None:
    assert found.standing is standing
    assert as_json(found)["standing"] == standing.value
    assert found.urgent is (standing is Standing.RECONNECT)
    assert (found.pause is SyncPause.BUSY) is (standing is Standing.PAUSED)


def test_a_session_from_before_the_choice_has_no_folder() -> None:
    later = replace(LINK, chosen_at=NOW + timedelta(minutes=1))
    assert replace(drive(), link=later).session_is_older
    assert not drive().session_is_older
    assert not Drive(LINK, None, None, None, NOW).session_is_older


def test_a_sidecar_that_ended_without_a_word_is_not_said_to_have_ended_well() -> None:
    assert replace(drive(), sync=replace(SYNC, ended_at=NOW)).ended_without_a_word
    assert not replace(drive(), sync=replace(SYNC, ended_at=NOW, result="1")).ended_without_a_word


def test_the_sites_share_is_divided_fairly() -> None:
    knobs = Knobs(requests_per_s=12, cap_gib=0.5)
    assert [drive_orders.share(knobs, n) for n in (0, 1, 3, 1000)] == [12, 12, 4, 0.2]
    told = drive_orders.orders(knobs, replace(LINK, confirmed_deletion_at=NOW), 3)
    assert told["requests_per_s"] == 4 and told["cap_bytes"] == 2**29
    assert told["confirmed_deletion"] == NOW.timestamp()
    assert told["api_url"] == "https://www.googleapis.com/" and told["account"] == "root-1"
    inner = Knobs(sidecar_api_url="https://10.0.0.4:8095")
    assert drive_orders.orders(inner, LINK, 1)["api_url"] == "https://10.0.0.4:8095/"
    assert "sealed" not in json.dumps(told)


def test_why_nothing_is_to_be_synced_is_a_word_and_a_sentence() -> None:
    words = [
        (drive_orders.why_not(one) or ("",))[0]
        for one in (None, replace(LINK, state=DriveState.RECONNECT), replace(LINK, folders=()),
                    LINK)
    ]  # fmt: skip
    assert words == ["disconnected", "reconnect", "no folders", ""]
