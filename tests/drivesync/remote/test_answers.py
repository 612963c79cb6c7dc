"""What Drive answers, and what the engine is told."""

from __future__ import annotations

import json
import socket
import ssl
from http.client import IncompleteRead, RemoteDisconnected

import pytest
from drivesync import faults
from drivesync.answers import (
    READ_TRIES,
    Answer,
    Refusal,
    Refused,
    fault_of_answer,
    read_answer,
    refusal,
    wait_before,
)

PAGE = b"<!DOCTYPE html><title>Error 502 (Server Error)!!1</title>"


def google(status: int, reason: str, message: str = "Told") -> bytes:
    errors = [{"domain": "global", "reason": reason, "message": message}]
    return json.dumps({"error": {"errors": errors, "code": status, "message": message}}).encode()


@pytest.mark.parametrize(
    ("status", "reason", "fault"),
    [
        (400, "invalid", faults.NotAllowed),
        (401, "authError", faults.DeadGrant),
        (403, "userRateLimitExceeded", faults.Busy),
        (403, "rateLimitExceeded", faults.Busy),
        (403, "storageQuotaExceeded", faults.RemoteFull),
        (403, "insufficientFilePermissions", faults.NotAllowed),
        (403, "fileNotDownloadable", faults.NotAllowed),
        (403, "downloadQuotaExceeded", faults.NotAllowed),
        (403, "exportSizeLimitExceeded", faults.NotAllowed),
        (403, "insufficientPermissions", faults.NotAllowed),
        (403, "accessNotConfigured", faults.Lost),
        (404, "notFound", faults.Gone),
        (408, "", faults.Lost),
        (409, "fileIdInUse", faults.Exists),
        (410, "", faults.Gone),
        (412, "conditionNotMet", faults.Changed),
        (429, "rateLimitExceeded", faults.Busy),
        (500, "internalError", faults.Lost),
        (503, "backendError", faults.Lost),
        (503, "rateLimitExceeded", faults.Busy),
    ],
)
def test_each_answer_of_drive_is_one_fault(
    status: int, reason: str, fault: type[faults.Fault]
) -> None:
    found = fault_of_answer(read_answer(status, {}, google(status, reason)))
    assert type(found) is fault
    assert str(found) == "Told"


def test_a_grant_without_the_scope_is_a_dead_one() -> None:
    body = google(403, "insufficientPermissions", "Insufficient authentication scopes.")
    assert isinstance(fault_of_answer(read_answer(403, {}, body)), faults.DeadGrant)


@pytest.mark.parametrize(
    ("status", "fault"),
    [(403, faults.Busy), (429, faults.Busy), (500, faults.Lost), (502, faults.Lost)],
)
def test_a_page_instead_of_json_is_understood_too(status: int, fault: type[faults.Fault]) -> None:
    found = read_answer(status, {}, PAGE)
    assert not found.is_json
    assert type(fault_of_answer(found)) is fault


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"x"', b'{"error": null}', b'{"error": {"errors": [1]}}', b"\xff{"],
)
def test_no_body_is_too_strange(body: bytes) -> None:
    assert type(fault_of_answer(read_answer(500, {}, body))) is faults.Lost


def test_retry_after_is_read_and_nonsense_is_not() -> None:
    assert read_answer(429, {"retry-after": "7"}, b"").after_s == 7
    assert read_answer(429, {"retry-after": "-7"}, b"").after_s == 0
    assert read_answer(429, {"retry-after": "Tue, 24 Nov 2026"}, b"").after_s is None


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        BrokenPipeError(),
        TimeoutError(),
        socket.gaierror(-2, "no such host"),
        ssl.SSLError("bad record"),
        RemoteDisconnected(),
        IncompleteRead(b"half"),
        json.JSONDecodeError("a page", "<", 0),
        KeyError("etag"),
    ],
)
def test_a_break_is_lost_whatever_broke(error: Exception) -> None:
    found = refusal(error)
    assert found and type(found.fault) is faults.Lost


def test_a_bug_of_ours_is_none_of_drives_faults() -> None:
    assert refusal(TypeError("a bug")) is None


def test_faults_of_the_disk_and_the_hub_pass_as_they_are() -> None:
    for fault in (faults.LocalChanged("x"), faults.DeadGrant("y")):
        found = refusal(fault)
        assert found and found.fault is fault


def test_an_answer_on_its_way_keeps_its_wait() -> None:
    assert refusal(Refused(Answer(429, after_s=9.0))).after_s == 9


def test_a_lost_write_is_never_sent_again() -> None:
    lost = Refusal(faults.Lost("x"))
    assert wait_before(lost, harmless=False, tries=1, patience_s=60, jitter=0) is None


def test_a_lost_read_is_sent_a_few_times() -> None:
    lost = Refusal(faults.Lost("x"))
    waits = [wait_before(lost, True, tries, 60, 1) for tries in range(1, READ_TRIES + 1)]
    assert waits[-1] is None
    assert all(wait_s and wait_s < 3 for wait_s in waits[:-1])


@pytest.mark.parametrize("harmless", [True, False])
def test_busy_waits_longer_each_time_within_the_patience(harmless: bool) -> None:
    busy = Refusal(faults.Busy("x"))
    waits = [wait_before(busy, harmless, tries, 60, 1) for tries in (1, 2, 3, 9)]
    assert waits == [1, 2, 4, 32]
    assert wait_before(busy, harmless, 9, 20, 1) is None


def test_drive_is_not_asked_before_it_said() -> None:
    busy = Refusal(faults.Busy("x"), after_s=20)
    assert wait_before(busy, True, 1, 60, 0) == 20
    assert wait_before(busy, True, 1, 10, 0) is None


@pytest.mark.parametrize("fault", [faults.Changed, faults.NotAllowed, faults.DeadGrant])
def test_what_would_be_answered_the_same_is_not_asked_again(fault: type[faults.Fault]) -> None:
    assert wait_before(Refusal(fault("x")), True, 1, 60, 0) is None
