"""The report as others read it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from drivesync import status
from drivesync.flush import Answer, Stage
from drivesync.report import Amount, Conflict, Pause, Report, State, Unsynced

AT = datetime(2026, 11, 24, 19, 5, tzinfo=UTC)
SINCE = Conflict("a", "a (conflict)", AT)
BEFORE = Conflict("b", "b (conflict)", AT - timedelta(seconds=1))


def test_a_report_is_plain_json() -> None:
    report = Report(
        State.PAUSED,
        pause=Pause.MASS_DELETE,
        pause_detail="Say whether.",
        files=7,
        up=Amount(1, 10),
        conflicts=(Conflict("a.txt", "a (conflict).txt", AT),),
        conflict_count=1,
        last_success_at=AT,
    )
    told = json.loads(json.dumps(status.as_dict(report)))
    assert told["state"] == "paused"
    assert told["pause"] == "mass delete"
    assert told["up"] == {"files": 1, "size_bytes": 10}
    assert told["conflicts"] == [
        {"path": "a.txt", "copy": "a (conflict).txt", "at": "2026-11-24T19:05:00+00:00"}
    ]
    assert told["last_success_at"] == "2026-11-24T19:05:00+00:00"
    assert told["down_total"] == {"files": 0, "size_bytes": 0}


def test_names_that_are_no_text_do_no_harm() -> None:
    report = Report(State.IDLE, unsynced=(Unsynced("a\udcff\ud800", "why"),), unsynced_count=1)
    assert json.loads(status.encode(status.as_dict(report), 10_000))["unsynced"][0]["path"] == "a??"


def test_nothing_is_longer_than_the_hub_takes() -> None:
    long = Unsynced("p" * 5000, "w" * 5000)
    told = status.as_dict(Report(State.PAUSED, pause_detail="d" * 5000, unsynced=(long,)))
    assert len(told["pause_detail"]) == 1000
    assert [len(value) for value in told["unsynced"][0].values()] == [4096, 1000]


def test_lists_are_cut_to_what_fits_and_the_counts_stay() -> None:
    many = tuple(Unsynced("ä" * 4000 + str(n), "why") for n in range(300))
    told = status.as_dict(Report(State.IDLE, unsynced=many, skipped=many, unsynced_count=300))
    assert len(told["unsynced"]) == 100
    data = status.encode(told, 64 * 1024)
    assert len(data) <= 64 * 1024
    cut = json.loads(data)
    assert 0 < len(cut["unsynced"]) < 100
    assert cut["unsynced_count"] == 300


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (
            Report(State.IDLE, files=42, conflicts=(SINCE, BEFORE), conflict_count=2),
            "42 files in Drive, 1 conflict copy, 0 unsynced",
        ),
        (Report(State.IDLE, files=1), "1 file in Drive, 0 conflict copies, 0 unsynced"),
        (
            Report(
                State.IDLE,
                up=Amount(2, 20),
                unsynced_count=1,
                conflicts=(SINCE, SINCE),
                conflict_count=2,
            ),
            "0 files in Drive, 2 conflict copies, 3 unsynced:"
            " kept here, and sent with the next session",
        ),
    ],
)
def test_the_result_is_a_sentence(report: Report, said: str) -> None:
    assert status.result(report, AT) == said


def test_more_copies_than_a_list_holds_are_counted_all() -> None:
    report = Report(State.IDLE, conflicts=(SINCE,) * status.MOST, conflict_count=250)
    assert "250 conflict copies" in status.result(report, AT)


def test_nothing_is_said_of_what_was_not_looked_at() -> None:
    said = status.result(Report(State.STARTING, files=42, looked=False), AT)
    assert said == status.NOT_KNOWN and "0 unsynced" not in said and "42" not in said


def test_what_a_flush_is_answered_is_cut_to_what_fits_too() -> None:
    many = tuple(Unsynced("ä" * 20_000 + str(n), "w" * 5000) for n in range(300))
    answer = Answer("id", Stage.NOT_CLEAN, many).as_dict()
    report = status.as_dict(Report(State.IDLE, unsynced=many, unsynced_count=300))
    data = status.encode(report | {"flush": answer}, 1 << 20)
    assert len(data) <= 1 << 20
    assert 0 < len(json.loads(data)["flush"]["unsynced"]) <= 100
